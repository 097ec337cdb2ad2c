"""The same points come to the same verdicts and ends, together or apart, with what others learned or without it."""

from __future__ import annotations

import pytest

from harness.trials.sweep.points import Point, cells
from harness.trials.sweep.single import run_single
from harness.trials.sweep.slices import Merger, Plan, Spec, plan_of, run_slice, small_start
from harness.trials.sweep.story import Told

EVERY = 151


@pytest.fixture(scope="module")
def spec() -> Spec:
    return Spec(small_start())


@pytest.fixture(scope="module")
def plan(spec: Spec) -> Plan:
    return plan_of(spec)


@pytest.fixture(scope="module")
def told(spec: Spec, plan: Plan) -> dict[str, Told]:
    share = run_slice(spec, plan.survey, plan.survey.known.copy(), plan.points[::EVERY])
    return {str(trial.points[0]): trial.told for trial in share.trials}


def test_a_sample_of_all_points_passes(plan: Plan, told: dict[str, Told]) -> None:
    assert len(told) == len(plan.points[::EVERY])
    assert {point: one.broken + one.unknown for point, one in told.items() if one.broken or one.unknown} == {}


def test_in_two_halves_it_comes_to_the_same(spec: Spec, plan: Plan, told: dict[str, Told]) -> None:
    points = plan.points[::EVERY]
    apart = [
        trial
        for half in (points[len(points) // 2 :], points[: len(points) // 2])
        for trial in run_slice(spec, plan.survey, plan.survey.known.copy(), half).trials
    ]
    assert {str(trial.points[0]): trial.told.final for trial in apart} == {
        point: one.final for point, one in told.items()
    }


def test_a_trial_told_alone_to_its_end_comes_to_the_same(spec: Spec, plan: Plan, told: dict[str, Told]) -> None:
    """Nothing that was merged on the way hid anything."""
    for point in plan.points[:: EVERY * 3]:
        alone = run_single(spec, (point,), plan.survey).told
        assert (alone.broken, alone.unknown, alone.final) == ((), (), told[str(point)].final)


def _taken_for_another(plan: Plan) -> dict[Point, Point]:
    """Points whose verdict is that of another point's trial, with that point."""
    merger = Merger(plan.survey)
    return {
        point: other
        for beat in plan.survey.beats
        for point, why in cells(beat, plan.survey.after(beat))
        if why is None and (other := merger.representative(beat, point)) != point
    }


@pytest.mark.parametrize(
    "fault", ["kill_engine", "cut_link", "cut_clc", "cut_original", "cut_additional", "cut_both", "lose_reply", "hang"]
)
def test_a_point_whose_trial_is_another_ones_comes_to_the_same_alone(spec: Spec, plan: Plan, fault: str) -> None:
    """A dead engine, a cut that nothing shows yet, an error on its way to its handler: told alone it ends alike."""
    merged = {point: other for point, other in _taken_for_another(plan).items() if point.fault == fault}
    assert len(merged) > 50
    for point in sorted(merged)[len(fault) :: len(merged) // 2]:
        alone, other = (run_single(spec, (one,), plan.survey).told for one in (point, merged[point]))
        assert (alone.broken, alone.unknown, alone.final) == ((), (), other.final)
