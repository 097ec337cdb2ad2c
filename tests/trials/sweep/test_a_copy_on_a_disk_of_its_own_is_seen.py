"""The judge sees a copy where it appears, be it on a disk that holds nothing else of the move."""

from __future__ import annotations

from harness.labs import catalogue
from harness.trials.scenario_files import load_scenarios
from harness.trials.sweep.points import Point
from harness.trials.sweep.single import run_single
from harness.trials.sweep.slices import Spec

AROUND_THE_END_OF_THE_SECOND_COPY = range(220, 244)


def test_the_words_of_a_move_that_stops_after_its_second_copy_are_true() -> None:
    (scenario,) = load_scenarios([catalogue.scenario_folder() / "success-reuse-device.yaml"])
    spec = Spec(scenario.start.to_lab())
    singles = [run_single(spec, (Point(number, "fail", "sent"),)) for number in AROUND_THE_END_OF_THE_SECOND_COPY]
    assert any("stopped" in single.told.outcomes for single in singles)
    assert [line for single in singles for line in single.told.broken] == []
