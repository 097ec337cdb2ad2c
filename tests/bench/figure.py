"""What a measurement says: figures with a bound each, and numbers that are kept under a name."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.labs import catalogue
from harness.trials.scenario import Scenario
from harness.trials.trial import run_trial


@dataclass(frozen=True)
class Figure:
    """One measured value; ``bound`` is the largest that it may have, or the smallest with ``at_least``."""

    what: str
    value: float
    bound: float | None = None
    unit: str = "s"
    at_least: bool = False
    name: str = ""  # its key in bench.json, for those that have one

    @property
    def holds(self) -> bool:
        if self.bound is None:
            return True
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        said = f"{self.what:<72} {self.value:9.3f} {self.unit:<4}"
        if self.bound is None:
            return said.rstrip()
        side = "at least" if self.at_least else "at most"
        return f"{said} {side} {self.bound:g}   {'ok' if self.holds else 'MISSED'}"


@contextmanager
def timed(into: list[float]) -> Iterator[None]:
    """Add the seconds that the block took."""
    started = time.perf_counter()
    yield
    into.append(time.perf_counter() - started)


def median_s(work: Callable[[], None], times: int) -> float:
    """The median of the seconds that some runs take."""
    taken: list[float] = []
    for _ in range(times):
        with timed(taken):
            work()
    return statistics.median(taken)


def trial(scenario: Scenario, lab: str) -> None:
    """One trial in a lab, its evidence thrown away."""
    with tempfile.TemporaryDirectory(prefix="walrus-ha-bench-") as folder:
        run_trial(scenario, catalogue.find(lab), Path(folder, "trial"))
