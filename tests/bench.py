"""Measurements with their bounds: ``make bench`` prints them, writes bench.json and fails when one is over its bound.

``python -m tests.bench machines`` measures in that lab alone.

Each figure is the median of a few runs. Bounds hold on a machine of two cores with nothing else to do.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from harness.hosts.command import Command
from harness.inventory import Node
from harness.labs import catalogue, doctor
from harness.labs.lab import Start, StoreSpec
from harness.trials.scenario import Scenario, load_scenarios
from harness.trials.sweep.executor import Processes
from harness.trials.sweep.slices import Spec, small_start
from harness.trials.sweep.sweep import sweep
from harness.trials.trial import run_trial

RESULTS = Path("bench.json")
LARGE = StoreSpec(objects=500, bytes=50 * 1024**2)
SMALL = StoreSpec(objects=1, bytes=1)


@dataclass(frozen=True)
class Figure:
    """One measurement in seconds."""

    what: str
    seconds: float
    bound: float

    def __str__(self) -> str:
        verdict = "ok" if self.seconds <= self.bound else "OVER"
        return f"{self.what:<60} {self.seconds:8.3f} s   bound {self.bound:6.2f} s   {verdict}"


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    started = time.perf_counter()
    yield
    into.append(time.perf_counter() - started)


def _simulated() -> Iterator[Figure]:
    """Trials in this process."""
    for scenario in load_scenarios([catalogue.scenario_folder() / "core"]):
        yield Figure(f"simulated trial: {scenario.name}", _median(partial(_trial, scenario, "simulated"), 5), 0.2)


def _sweep() -> Iterator[Figure]:
    """Every fault at every command, with the anchor: what a trial takes on the average."""
    report = sweep(Spec(small_start()), Processes(2))
    yield Figure(f"sweep at depth 1: {report.run} of {report.enumerated} points run", report.seconds, 20.0)
    yield Figure(
        "one trial of that sweep, on the average (anchor: the containers trial below)",
        report.seconds / report.run,
        1 / 400,
    )


def _containers() -> Iterator[Figure]:
    """A lab up and down, a question to a host, a whole move."""
    for what, spec, bound in (("one object", SMALL, 4.0), ("500 objects, 50 MiB", LARGE, 6.0)):
        opening, closing, asking = _opened(Start(store=spec))
        yield Figure(f"containers lab up with {what}", opening, bound)
        yield Figure(f"containers lab down with {what}", closing, 3.0)
    yield Figure("one command over the shared ssh connection", asking, 0.05)
    (success,) = load_scenarios([catalogue.scenario_folder() / "success-500-objects-50-mib.yaml"])
    yield Figure(f"containers trial: {success.name}", _median(partial(_trial, success, "containers"), 1), 20.0)


def _machines() -> Iterator[Figure]:
    """Until hosts with kernels of their own are reached, and the success path with real DRBD."""
    starting: list[float] = []
    with catalogue.find("machines").open(Start(store=SMALL)) as opened:
        pass  # the image is there now, and read
    begun = time.perf_counter()
    with catalogue.find("machines").open(Start(store=SMALL)) as opened:
        nodes = opened.inventory.original, opened.inventory.additional
        for node in nodes:
            _ask(node)
        yield Figure("machines: both hosts answer ssh and Walrus serves", time.perf_counter() - begun, 15.0)
        for node in nodes:
            opened.faults.power_off(node.role)
            with _timed(starting):
                opened.faults.power_on(node.role)
                _ask(node)
    yield Figure("machines: a host answers ssh after a power cut and a start", max(starting), 15.0)
    (success,) = load_scenarios([catalogue.scenario_folder() / "success-500-objects-50-mib.yaml"])
    yield Figure(f"machines trial: {success.name}", _median(partial(_trial, success, "machines"), 1), 60.0)


def _ask(node: Node) -> None:
    transport = node.connection.open(node.name)
    transport.send(Command(("true",)))
    transport.close()


def _opened(start: Start) -> tuple[float, float, float]:
    """Medians of opening and closing a lab, and of a command on one of its hosts."""
    opening: list[float] = []
    closing: list[float] = []
    asking: list[float] = []
    for _ in range(3):
        context = catalogue.find("containers").open(start)
        with _timed(opening):
            opened = context.__enter__()
        try:
            node = opened.inventory.original
            transport = node.connection.open(node.name)
            transport.send(Command(("true",)))  # makes the connection
            for _ in range(10):
                with _timed(asking):
                    transport.send(Command(("true",)))
            transport.close()
        finally:
            with _timed(closing):
                context.__exit__(None, None, None)
    return statistics.median(opening), statistics.median(closing), statistics.median(asking)


def _trial(scenario: Scenario, lab: str) -> None:
    with tempfile.TemporaryDirectory(prefix="walrus-ha-bench-") as folder:
        run_trial(scenario, catalogue.find(lab), Path(folder, "trial"))


def _median(work: Callable[[], None], times: int) -> float:
    taken: list[float] = []
    for _ in range(times):
        with _timed(taken):
            work()
    return statistics.median(taken)


_MEASURES = (("simulated", _simulated), ("simulated", _sweep), ("containers", _containers), ("machines", _machines))


def main(wanted: Sequence[str]) -> int:
    """Measure in these labs, or in every one that this machine offers; 1 when a bound was missed."""
    figures: list[Figure] = []
    for lab, measure in _MEASURES:
        if wanted and lab not in wanted:
            continue
        if lacking := doctor.missing(lab):
            print(f"not measured: {lacking}")
            continue
        for figure in measure():
            print(figure, flush=True)
            figures.append(figure)
    RESULTS.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")
    return int(any(figure.seconds > figure.bound for figure in figures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
