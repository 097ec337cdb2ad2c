"""Which trials a rehearsal consists of."""

from __future__ import annotations

from pathlib import Path

from harness.labs import catalogue
from harness.trials.rehearsal import plan_rehearsal
from harness.trials.scenario_files import load_scenarios

SCENARIO = "claim: long enough to be a claim\nlabs: [simulated]\n{more}expect: {{outcome: completed}}\n"


def _planned(tmp_path: Path, more: str) -> list[tuple[str, str | None]]:
    path = tmp_path / "one.yaml"
    path.write_text(SCENARIO.format(more=more))
    labs = [catalogue.find("simulated"), catalogue.find("containers")]
    return [(one.lab.name, one.reason) for one in plan_rehearsal(load_scenarios([path]), labs)]


def test_a_lab_that_the_scenario_excludes_is_a_skip_with_its_reason(tmp_path: Path) -> None:
    planned = _planned(tmp_path, "not_in: {containers: there is no such fault there}\n")
    assert planned == [("simulated", None), ("containers", "there is no such fault there")]


def test_a_lab_that_the_scenario_does_not_name_is_no_part_of_it(tmp_path: Path) -> None:
    assert _planned(tmp_path, "") == [("simulated", None)]
