"""Time as the engine sees it: something to read and something to wait on.

The engine looks at a wall clock to decide nothing but whether a window that an operator named by date is open; hosts
and controllers may disagree about the date by years. The simulated lab brings a clock of its own in which a day passes
in a millisecond.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Protocol, TypeVar

Found = TypeVar("Found")
_AT_ONCE = 8


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

    def dated_s(self) -> float:
        """The controller's date as seconds since 1970, for what people named by date and nothing else."""
        ...

    def together(self, works: Sequence[Callable[[], Found]]) -> list[Found]:
        """Do works that need nothing of each other, at the same time where time is real; their results in order.

        The first error, in that order, is raised when all have ended.
        """
        ...


class WallClock:
    """The machine's own clocks.

    ``now`` counts from 1970 as the date stood when the process began, and from then on only by the monotonic clock:
    figures of several programs on one machine can be laid side by side, and setting the date moves none of them.
    """

    _epoch = time.time() - time.monotonic()

    def now(self) -> float:
        return self._epoch + time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))

    def date(self) -> str:
        return datetime.now(UTC).isoformat(timespec="milliseconds")

    def dated_s(self) -> float:
        return time.time()

    def together(self, works: Sequence[Callable[[], Found]]) -> list[Found]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return [future.result() for future in [pool.submit(work) for work in works]]
