"""What ends a machines lab, however its harness ended: all processes in the run's namespace, itself, its files.

Everything of a lab lives in a network namespace that carries the run's name, or in the run's directory. Run as a
program with a run's id this module is the watchdog of one lab.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness.errors import LabError
from harness.labs.state import state_directory
from harness.labs.watchdog import PATIENCE_S, Watchdog, outlives

OURS = "walrus-ha-"  # begins the name of every namespace that a lab makes
NAMESPACES = "/run/netns"
_IP_S = 20.0


def run_directory(run_id: str) -> Path:
    """Where the disks, keys and consoles of a run lie."""
    return _runs() / run_id


def watch_over(run_id: str) -> Watchdog:
    """Sweep the run as soon as this process is gone, unless the watchdog is dismissed first."""
    return Watchdog(__name__, run_id)


def sweep(run_id: str | None = None) -> list[str]:
    """End what one run started, or every run; returns what was removed. Touches nothing else.

    Raises:
        LabError: when something would not go.
    """
    removed: list[str] = []
    for namespace in _namespaces(run_id):
        if ended := _end_processes(namespace):
            removed.append(f"{len(ended)} processes in {namespace}")
        if _remove_namespace(namespace):
            removed.append(f"namespace {namespace}")
    for directory in _directories(run_id):
        shutil.rmtree(directory, ignore_errors=True)  # two sweeps may meet
        removed.append(str(directory))
    return removed


def left_over(run_id: str | None = None) -> list[str]:
    """What is there of one run, or of any run."""
    found = [f"namespace {namespace}" for namespace in _namespaces(run_id)]
    found += [f"process {pid} in {namespace}" for namespace in _namespaces(run_id) for pid in _processes(namespace)]
    return found + [str(directory) for directory in _directories(run_id)]


def _runs() -> Path:
    return state_directory() / "machines"


def _directories(run_id: str | None) -> list[Path]:
    wanted = [run_directory(run_id)] if run_id else sorted(_runs().iterdir()) if _runs().is_dir() else []
    return [directory for directory in wanted if directory.is_dir()]


def _namespaces(run_id: str | None) -> list[str]:
    there = sorted(os.listdir(NAMESPACES)) if os.path.isdir(NAMESPACES) else []
    return [name for name in there if (name == OURS + run_id if run_id else name.startswith(OURS))]


def _end_processes(namespace: str) -> set[int]:
    """Kill until none is left: one that is just being started may appear in between."""
    deadline = time.monotonic() + PATIENCE_S
    ended: set[int] = set()
    while pids := _processes(namespace):
        if time.monotonic() > deadline:
            raise LabError(f"processes {', '.join(map(str, pids))} in {namespace} outlive SIGKILL")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        ended.update(pids)
        time.sleep(0.02)
    return ended


def _processes(namespace: str) -> list[int]:
    """The processes in the namespace, but for those that ended and were not collected: their namespace is gone."""
    try:
        wanted = os.stat(f"{NAMESPACES}/{namespace}")
    except OSError:
        return []
    found = []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with contextlib.suppress(OSError):
            own = os.stat(f"/proc/{pid}/ns/net")
            if (own.st_dev, own.st_ino) == (wanted.st_dev, wanted.st_ino) and pid != os.getpid():
                found.append(pid)
    return found


def _remove_namespace(namespace: str) -> bool:
    """Its bridges and cables go with it."""
    command = ["ip", "netns", "delete", namespace]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_IP_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"the namespace {namespace} was not removed: {error}") from error
    if done.returncode and os.path.exists(f"{NAMESPACES}/{namespace}"):
        raise LabError(f"the namespace {namespace} was not removed: {done.stderr.strip()}")
    return done.returncode == 0


def main(argument: str) -> int:
    """``RUN``: watch over one run. ``--all``: remove what every run left."""
    if argument == "--all":
        print("".join(f"removed {thing}\n" for thing in sweep()), end="")
    elif outlives(sys.stdin.buffer):
        sweep(argument)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
