"""A process of its own that ends what a lab started as soon as the lab's harness is gone, however it ended.

It waits at the other end of a pipe for the harness to vanish. No process id is watched, so none can be mistaken.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import IO

PATIENCE_S = 30.0
_DISMISSED = b"dismissed"


class Watchdog:
    """Runs ``python -m MODULE RUN``, whose main program calls ``outlives`` and cleans up when that is true."""

    def __init__(self, module: str, run_id: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, run_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C meant for the harness must not reach it
        )

    def dismiss(self) -> None:
        """The run is cleaned up; nothing is left to watch."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(_DISMISSED)
            self._process.stdin.close()
        self._process.wait(PATIENCE_S)


def outlives(harness: IO[bytes]) -> bool:
    """Wait until the harness closes its end; true when that was its death and not its word."""
    return harness.read() != _DISMISSED
