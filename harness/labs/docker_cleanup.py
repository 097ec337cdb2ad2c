"""What ends a containers lab, however its harness ended: everything that carries the run's label is removed.

Run as a program with a run's id this module is the watchdog of one lab.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.errors import LabError, LabUnavailable
from harness.labs.watchdog import PATIENCE_S, Watchdog, outlives

OURS = "walrus-ha"  # label on everything that a lab starts, its value is 1
RUN = "walrus-ha.run"  # label with the run's id
_UNIX = "http+unix://"  # how the SDK writes the address of a socket of this machine


def labels(run_id: str) -> dict[str, str]:
    """The labels of one run's containers, networks and volumes."""
    return {OURS: "1", RUN: run_id}


def connect(timeout_s: float = 60.0) -> Any:
    """A client of the Docker daemon that answers.

    Raises:
        LabUnavailable: when the SDK is missing or no daemon answers.
    """
    try:
        import docker
    except ImportError:
        raise LabUnavailable("the Python package docker is missing: pip install 'walrus-ha[labs]'") from None
    try:
        _knock(docker.utils.parse_host(os.environ.get("DOCKER_HOST")), timeout_s)
        client = docker.from_env(timeout=timeout_s)
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        raise LabUnavailable(f"no Docker daemon answers ({error}): make labs") from error
    return client


def _knock(daemon: str, timeout_s: float) -> None:
    """Meet the refusal of a daemon that is not there before the SDK does, which leaves its socket open then.

    Raises:
        OSError: nobody listens.
    """
    if daemon.startswith(_UNIX):
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(timeout_s)
            door.connect("/" + daemon.removeprefix(_UNIX).lstrip("/"))


def sweep(client: Any, run_id: str | None = None) -> list[str]:
    """Remove what carries the label of one run, or of any run; returns what was removed. Touches nothing else.

    Raises:
        LabError: when something with the label would not go.
    """
    deadline = time.monotonic() + PATIENCE_S
    removed: list[str] = []
    while True:
        failures = [failure for things in _labelled(client, run_id) for failure in _remove_all(things, removed)]
        if not failures:
            return removed
        if time.monotonic() > deadline:
            raise LabError("could not remove " + "; ".join(failures))
        time.sleep(0.5)


def left_over(client: Any, run_id: str | None = None) -> list[str]:
    """What carries the label of one run, or of any run."""
    return [thing.name for things in _labelled(client, run_id) for thing in things]


@dataclass(frozen=True)
class _Thing:
    """Something that Docker keeps: ``name`` says of which kind it is."""

    name: str
    remove: Callable[[], None]


def _labelled(client: Any, run_id: str | None) -> Iterator[list[_Thing]]:
    """Containers, then networks and volumes, which are free only without them."""
    wanted = {"label": [f"{OURS}=1" if run_id is None else f"{RUN}={run_id}"]}
    containers = client.containers.list(all=True, filters=wanted, ignore_removed=True)
    yield [_Thing(f"container {one.name}", partial(one.remove, force=True, v=True)) for one in containers]
    yield [_Thing(f"network {one.name}", one.remove) for one in client.networks.list(filters=wanted)]
    yield [_Thing(f"volume {one.name}", one.remove) for one in client.volumes.list(filters=wanted)]


def _remove_all(things: list[_Thing], removed: list[str]) -> list[str]:
    """Remove things at once and note those that went; returns what went wrong. Two sweeps may meet."""
    from docker.errors import APIError, NotFound

    def remove(thing: _Thing) -> str | None:
        try:
            thing.remove()
        except NotFound:
            return None
        except APIError as error:
            return f"{thing.name}: {error.explanation}"
        removed.append(thing.name)
        return None

    with ThreadPoolExecutor(max_workers=4) as pool:
        return [failure for failure in pool.map(remove, things) if failure]


def watch_over(run_id: str) -> Watchdog:
    """Sweep the run as soon as this process is gone, unless the watchdog is dismissed first."""
    return Watchdog(__name__, run_id)


def _watch(run_id: str) -> None:
    """Sweep once the harness is gone, unless it said that nothing is left."""
    if outlives(sys.stdin.buffer):
        sweep(connect(), run_id)


def main(argument: str) -> int:
    """``RUN``: watch over one run. ``--all``: remove what every run left. ``--answers``: is there a daemon?"""
    try:
        match argument:
            case "--answers":
                connect(timeout_s=5.0)
            case "--all":
                print("".join(f"removed {thing}\n" for thing in sweep(connect())), end="")
            case run_id:
                _watch(run_id)
    except LabUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
