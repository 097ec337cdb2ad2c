"""What was changed is there, its answer is not: the same trial as an error at the next request, on the same way."""

from __future__ import annotations

import pytest

from harness.trials.sweep.points import Point, cells, errs_when_done
from harness.trials.sweep.single import run_single
from harness.trials.sweep.slices import Merger, Plan, Spec, plan_of, small_start


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(Spec(small_start()))


def _taken_for_a_later_one(plan: Plan, fault: str) -> list[tuple[Point, Point]]:
    merger = Merger(plan.survey)
    return [
        (point, other)
        for beat in plan.survey.beats
        for point, why in cells(beat, plan.survey.after(beat), (fault,))
        if why is None and errs_when_done(beat, point) and (other := merger.representative(beat, point)) != point
    ]


@pytest.mark.parametrize(
    ("fault", "least"),
    [("hang", 90), ("lose_reply", 15)],
)
def test_told_alone_both_end_alike_after_as_many_commands(plan: Plan, fault: str, least: int) -> None:
    merged = _taken_for_a_later_one(plan, fault)
    assert len(merged) >= least
    for point, other in merged[least // 5 :: len(merged) // 2]:
        one, two = (run_single(Spec(small_start()), (here,), plan.survey).told for here in (point, other))
        assert (one.broken, one.unknown) == ((), ())
        assert (one.outcomes, one.final) == (two.outcomes, two.final)
        # But for what lies between the two.
        assert abs(one.commands - two.commands) <= abs(point.number - other.number)


def test_it_is_another_request_in_the_state_that_the_change_leaves(plan: Plan) -> None:
    ways = {beat.number: beat.where for beat in plan.survey.beats}
    for fault in ("hang", "lose_reply"):
        for point, other in _taken_for_a_later_one(plan, fault):
            assert ways[point.number].way_when_done == ways[other.number].way
