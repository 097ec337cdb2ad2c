"""The sweep as the command line offers it: options to a spec, a spec to a report."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import InvalidInput
from harness.trials.scenario import Scenario
from harness.trials.scenario_files import load_scenarios
from harness.trials.sweep.executor import Dask, Executor, Processes
from harness.trials.sweep.points import Point
from harness.trials.sweep.slices import Spec, small_start
from harness.trials.sweep.undertaking import Undertaking


def spec_of(paths: tuple[Path, ...], seed: int | None, depth: int) -> Spec:
    """What to sweep: a scenario's start, or the small store that comes with the tool.

    Raises:
        InvalidInput: more than one scenario, or one that cannot be read.
    """
    if not paths:
        return Spec(small_start() if seed is None else small_start(seed), depth=depth, seed=seed or 7)
    scenarios = load_scenarios(paths)
    if len(scenarios) > 1:
        raise InvalidInput(f"one sweep has one start; these are {len(scenarios)} scenarios")
    return Spec(scenarios[0].start.to_lab(), depth=depth, seed=seed or 7, undertaking=_undertaking(scenarios[0]))


def _undertaking(scenario: Scenario) -> Undertaking:
    """A scenario that ends reversed is about the way back: the move and what clients do then come before it."""
    if scenario.expect.outcome != "reversed":
        return Undertaking()
    before = scenario.then[: scenario.then.index("rollback")]
    return Undertaking(tuple(word for word in before if word in ("write_served", "delete_served")))


def executor_of(name: str, scheduler: str | None, jobs: int | None) -> Executor:
    """Who runs it.

    Raises:
        InvalidInput: a cluster without its address.
    """
    if name == "dask":
        if scheduler is None:
            raise InvalidInput("--executor dask needs --scheduler ADDRESS, such as tcp://10.0.0.5:8786")
        return Dask(scheduler)
    return Processes(jobs or os.cpu_count() or 1)


def points_of(text: str) -> tuple[Point, ...]:
    """The points of ``--only``, in the order of the story."""
    return tuple(sorted(Point.parse(one) for one in text.split(",")))
