"""How long a trial takes in this process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from harness.labs import catalogue
from harness.trials.scenario_files import load_scenarios
from tests.bench.figure import Figure, median_s, trial


def measure() -> Iterator[Figure]:
    """Each core scenario."""
    for scenario in load_scenarios([catalogue.scenario_folder() / "core"]):
        taken = median_s(partial(trial, scenario, "simulated"), 5)
        yield Figure(f"simulated trial: {scenario.name}", taken, 0.2)
