"""A background program of a container as a process: ticks, and for Walrus an HTTP server."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fakes.container import ContainerMachine
from fakes.programs import walrus
from fakes.programs.daemons import DAEMONS, STOPS

_CHUNK_BYTES = 1024 * 1024


def run(machine: ContainerMachine, name: str) -> int:
    """Tick until SIGTERM, then stop cleanly. Returns the exit status: 1 when the port is taken."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    try:
        server = _Server(machine)
    except OSError as error:
        print(f"{name}: port {walrus.HTTP_PORT}: {error}", file=sys.stderr)
        return 1
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pause_s = 0.0
    while not stopping.wait(pause_s):
        with machine.ticking():
            pause_s = _tick(machine, name, pause_s)
    server.shutdown()
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
    said = traceback.format_exc()
    print(said, file=sys.stderr)
    with machine.world() as world:
        world.unsupported.append(f"{machine.name}: {name} failed: {said.splitlines()[-1]}")


def _note_end(machine: ContainerMachine, name: str) -> None:
    with machine.world() as world:
        service = machine.row(world).services.get(name)
        if service is not None and service.pid == os.getpid():
            service.running, service.pid = False, 0


class _Server(ThreadingHTTPServer):
    """Objects while this host's Walrus is ENABLED."""

    daemon_threads = True

    def __init__(self, machine: ContainerMachine) -> None:
        self.machine = machine
        super().__init__((machine.http_address, walrus.HTTP_PORT), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        status, path = walrus.located(self.server.machine, self.path)
        if status != 200:
            self.send_error(status)
            return
        with open(self.server.machine.files.real(path), "rb") as file:
            self.send_response(200)
            self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
            self.end_headers()
            while chunk := file.read(_CHUNK_BYTES):
                self.wfile.write(chunk)

    def log_message(self, format: str, *args: object) -> None:
        """A line a request would fill the log of a lab that is polled."""
