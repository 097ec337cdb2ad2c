"""Time as the engine sees it: something to read and something to wait on.

The engine never looks at a wall clock to decide anything; hosts and controllers may disagree about the
date by years. The simulated lab brings a clock of its own in which a day passes in a millisecond.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock that can be waited on."""

    def now(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        ...

    def date(self) -> str:
        """The wall-clock time in ISO 8601, for people to read and never for decisions."""
        ...


class WallClock:
    """The machine's own clocks."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))

    def date(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
