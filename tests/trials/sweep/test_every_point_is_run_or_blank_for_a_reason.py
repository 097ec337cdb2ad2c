"""Each command times each fault times each moment is a trial, or a cell that says why it cannot exist."""

from __future__ import annotations

import pytest

from harness.errors import InvalidInput
from harness.trials.sweep.points import CRASHES, FAULTS, MOMENTS, Point, cells
from harness.trials.sweep.slices import Merger, Plan, Spec, plan_of, small_start


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(Spec(small_start()))


def test_the_run_without_faults_is_sound(plan: Plan) -> None:
    assert plan.survey.told.outcomes == ("completed",)
    assert not plan.survey.told.broken
    assert not plan.survey.told.unknown


def test_every_beat_has_a_cell_for_each_fault_at_each_moment(plan: Plan) -> None:
    for beat in plan.survey.beats:
        found = list(cells(beat, plan.survey.after(beat)))
        assert len(found) == len(FAULTS) * len(MOMENTS)
        assert all(why is None or len(why) > 10 for _, why in found)


def test_what_is_not_blank_is_the_same_as_a_trial_that_is_run(plan: Plan) -> None:
    merger, run = Merger(plan.survey), set(plan.points)
    for beat in plan.survey.beats:
        for point, why in cells(beat, plan.survey.after(beat)):
            assert why is not None or merger.representative(beat, point) in run


def test_a_command_that_changes_something_has_every_crash_of_its_own(plan: Plan) -> None:
    """No crash around a change is taken for the same as one that is not beside it.

    An engine that dies when its change is done and before it learns of it dies before what it would do next.
    """
    changes = [beat for beat in plan.survey.beats if beat.effect in ("write", "destroy")]
    run, merger = set(plan.points), Merger(plan.survey)
    assert len(changes) > 50
    for beat in changes:
        done = Point(beat.number, CRASHES[0], "done")
        before_the_next = Point(beat.number + 1, CRASHES[0], "not_sent")
        assert merger.representative(beat, done) in {done, before_the_next} & run
        assert Point(beat.number, CRASHES[0], "sent") in run
        cuts = {fault for fault in CRASHES[1:] if Point(beat.number, fault, "done") in run}
        assert "cut_both" in cuts or beat.role == "clc"


def test_points_read_back_as_they_are_printed(plan: Plan) -> None:
    assert [Point.parse(str(point)) for point in plan.points[::50]] == plan.points[::50]
    for wrong in ("311", "311:nothing:sent", "0:fail:sent", "311:fail:never"):
        with pytest.raises(InvalidInput, match="no point of a sweep"):
            Point.parse(wrong)
