"""Virtual time: what is due happens in order of time, and nothing else makes time pass."""

from __future__ import annotations

import heapq
from collections.abc import Callable

Action = Callable[[], None]


class Schedule:
    """A clock with things to do at given times. Of two at the same time the one planned first comes first."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Action]] = []
        self._planned = 0
        self._advancing = False

    def at(self, when: float, action: Action) -> None:
        """Plan an action; one for the past happens at the next occasion."""
        self._planned += 1
        heapq.heappush(self._due, (max(when, self.now), self._planned, action))

    def advance(self, seconds: float) -> None:
        """Let time pass; actions that become due happen at their times.

        Raises:
            RuntimeError: when an action lets time pass itself.
        """
        if self._advancing:
            raise RuntimeError("time cannot pass inside something that happens at one time")
        until = self.now + seconds
        self._advancing = True
        try:
            while self._due and self._due[0][0] <= until:
                self.now, _, action = heapq.heappop(self._due)
                action()
        finally:
            self._advancing = False
        self.now = until
