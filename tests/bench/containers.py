"""How long a containers lab takes to open, to answer and to close, and a whole move in it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial

from harness.hosts.command import Command
from harness.labs import catalogue
from harness.labs.lab import Start, StoreSpec
from harness.trials.scenario_files import load_scenarios
from tests.bench.figure import Figure, median_s, timed, trial

TRIAL = "containers_trial_s"
LARGE = StoreSpec(objects=500, bytes=50 * 1024**2)
SMALL = StoreSpec(objects=1, bytes=1)


def measure() -> Iterator[Figure]:
    """A lab up and down, a question to a host, a whole move."""
    for what, spec, bound in (("one object", SMALL, 4.0), ("500 objects, 50 MiB", LARGE, 6.0)):
        opening, closing, asking = _opened(Start(store=spec))
        yield Figure(f"containers lab up with {what}", opening, bound)
        yield Figure(f"containers lab down with {what}", closing, 3.0)
    yield Figure("one command over the shared ssh connection", asking, 0.05)
    (success,) = load_scenarios([catalogue.scenario_folder() / "success-500-objects-50-mib.yaml"])
    taken = median_s(partial(trial, success, "containers"), 1)
    yield Figure(f"containers trial: {success.name}", taken, 20.0, name=TRIAL)


def _opened(start: Start) -> tuple[float, float, float]:
    """Medians of opening and closing a lab, and of a command on one of its hosts."""
    opening: list[float] = []
    closing: list[float] = []
    asking: list[float] = []
    for _ in range(3):
        context = catalogue.find("containers").open(start)
        with timed(opening):
            opened = context.__enter__()
        try:
            node = opened.inventory.original
            transport = node.connection.open(node.name)
            transport.send(Command(("true",)))  # makes the connection
            for _ in range(10):
                with timed(asking):
                    transport.send(Command(("true",)))
            transport.close()
        finally:
            with timed(closing):
                context.__exit__(None, None, None)
    return statistics.median(opening), statistics.median(closing), statistics.median(asking)
