"""A link that heals while the engine is ending leaves a resync behind, and the end is judged when that is over."""

from __future__ import annotations

from harness.labs import catalogue
from harness.trials.scenario_files import load_scenarios
from harness.trials.sweep.points import Point
from harness.trials.sweep.single import run_single
from harness.trials.sweep.slices import Spec, survey

FROM_THE_LAST = range(30, 40, 2)  # commands; within them the link is back before the move ends, and the resync is not


def test_a_resync_that_a_cut_link_left_behind_is_no_other_end() -> None:
    (scenario,) = load_scenarios([catalogue.scenario_folder() / "core" / "success-with-full-sync.yaml"])
    spec = Spec(scenario.start.to_lab())
    clean = survey(spec)
    last = clean.beats[-1].number
    singles = [run_single(spec, (Point(last - back, "cut_link", "not_sent"),), clean) for back in FROM_THE_LAST]
    assert [single.told.outcomes for single in singles] == [("completed",)] * len(singles)
    assert [line for single in singles for line in single.told.broken] == []
