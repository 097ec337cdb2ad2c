"""Whoever ends a sweep, by whatever signal, ends its workers and the copies that tell its stories."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

_BEGINS_WITHIN_S, _ENDS_WITHIN_S = 300.0, 60.0  # on a machine with much else to do
_MARK = "WALRUS_HA_SWEEP_OF_TEST"


def _marked(mark: str) -> list[int]:
    """The processes that inherited this mark."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                alive = (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
                if alive and f"{_MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                continue  # it ended meanwhile
    return found


def _wait_until(enough: Callable[[list[int]], bool], mark: str, within_s: float) -> list[int]:
    """The marked processes, once there are enough or few enough of them, or it is late."""
    deadline = time.monotonic() + within_s
    while not enough(found := _marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_its_workers_end_with_it(number: signal.Signals) -> None:
    mark = f"{os.getpid()}-{number.name}"
    begun = subprocess.Popen(
        [sys.executable, "-m", "harness", "sweep", "--depth", "2", "--jobs", "2"],
        env={**os.environ, _MARK: mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        # The sweep, two workers, and a copy that tells a story.
        assert len(_wait_until(lambda found: len(found) >= 4, mark, _BEGINS_WITHIN_S)) >= 4
        begun.send_signal(number)
        assert begun.wait(_ENDS_WITHIN_S) == -number
        assert _wait_until(lambda found: not found, mark, _ENDS_WITHIN_S) == []
    finally:
        for process in _marked(mark):
            os.kill(process, signal.SIGKILL)
        begun.wait(_ENDS_WITHIN_S)
