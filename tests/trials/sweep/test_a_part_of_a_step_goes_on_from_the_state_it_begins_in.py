"""A story that comes to a part of a step in a known state is told no further, and comes to what it would have come to.

So each part must name all that its rest goes by beside the world and the run's memory.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from harness.trials.sweep.points import KILL, Beat
from harness.trials.sweep.single import run_single
from harness.trials.sweep.slices import Plan, Spec, plan_of, run_slice, small_start

STEP = "configure-drbd"
LOOKED_AT = 20  # trials told alone, which takes some 0.2 s each


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(Spec(small_start()))


def _beats(plan: Plan) -> Iterator[Beat]:
    return (beat for beat in plan.survey.beats if beat.step == STEP)


def test_what_is_broken_within_a_step_is_told_to_its_next_part_only(plan: Plan) -> None:
    puts = [beat for beat in _beats(plan) if beat.what.startswith("put /etc/fstab")]
    assert len(puts) == 2
    points = [point for point in plan.points if point.number in {beat.number for beat in puts} and point.fault == KILL]
    spec = Spec(small_start())
    first, *others = run_slice(spec, plan.survey, plan.survey.known.copy(), points).trials
    assert first.told.outcomes[-1] == "completed"  # nothing is known yet of what comes of a second start
    walk = 30  # commands of an engine that is started anew, until it is back at this step
    commands = [trial.told.commands for trial in others]
    assert commands
    assert max(commands) < walk + len(list(_beats(plan))) / 2, commands


def test_trials_within_a_step_come_to_the_same_when_they_are_told_alone(plan: Plan) -> None:
    spec = Spec(small_start())
    numbers = {beat.number for beat in _beats(plan)}
    points = [point for point in plan.points if point.number in numbers]
    trials = run_slice(spec, plan.survey, plan.survey.known.copy(), points).trials
    for trial in random.Random(3).sample(trials, LOOKED_AT):
        alone = run_single(spec, trial.points, plan.survey).told
        assert (alone.broken, alone.unknown, alone.final) == (trial.told.broken, trial.told.unknown, trial.told.final)
