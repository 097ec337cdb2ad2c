"""A background program of a container as a process: ticks, and for Walrus an HTTP server."""

from __future__ import annotations

import os
import signal
import sys
import threading

from fakes.container import ContainerMachine
from fakes.objectserver import ObjectServer
from fakes.programs import walrus
from fakes.programs.daemons import DAEMONS, STOPS


def run(machine: ContainerMachine, name: str) -> int:
    """Tick until SIGTERM, then stop cleanly. Returns the exit status: 1 when the port is taken."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    try:
        server = ObjectServer(machine.http_address, walrus.HTTP_PORT, lambda asked: _located(machine, asked))
    except OSError as error:
        print(f"{name}: port {walrus.HTTP_PORT}: {error}", file=sys.stderr)
        return 1
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pause_s = 0.0
    while not stopping.wait(pause_s):
        with machine.ticking():
            pause_s = _tick(machine, name, pause_s)
    server.stop()
    with machine.ticking():
        STOPS[name](machine)
    _note_end(machine, name)
    return 0


def _tick(machine: ContainerMachine, name: str, pause_s: float) -> float:
    """A tick that fails is told to the lab, and the next one comes all the same."""
    try:
        return DAEMONS[name](machine)
    except FileNotFoundError:
        if machine.world_is_gone():
            sys.exit("the world is gone")
        _tell(machine, name)
    except Exception:  # noqa: BLE001 - whatever it is, the trial must come to know of it and not pass
        _tell(machine, name)
    return pause_s or 1.0


def _tell(machine: ContainerMachine, name: str) -> None:
    import traceback  # which most daemons never need

    said = traceback.format_exc()
    print(said, file=sys.stderr)
    with machine.world() as world:
        world.unsupported.append(f"{machine.name}: {name} failed: {said.splitlines()[-1]}")


def _note_end(machine: ContainerMachine, name: str) -> None:
    with machine.world() as world:
        service = machine.row(world).services.get(name)
        if service is not None and service.pid == os.getpid():
            service.running, service.pid = False, 0


def _located(machine: ContainerMachine, asked: str) -> tuple[int, str]:
    """Objects while this host's Walrus is ENABLED, by their real paths."""
    status, path = walrus.located(machine, asked)
    return status, machine.files.real(path) if status == 200 else ""
