"""Which trials a rehearsal consists of, and that each of them is run."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.checks.verdict import Verdict
from harness.cli import walrus_ha
from harness.labs import catalogue
from harness.labs.lab import Lab, Opened, Start
from harness.trials.rehearsal import Planned, plan_rehearsal, rehearse
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


@dataclass
class Defective:
    """Implements Lab with a mistake in it."""

    name: str = "simulated"
    at_once: int = 1

    def lacks(self) -> list[str]:
        return []

    def open(self, start: Start) -> AbstractContextManager[Opened]:
        raise KeyError("returning-store")


def test_a_mistake_of_the_harness_ends_one_trial_and_not_the_rehearsal(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / f"{name}.yaml").write_text(SCENARIO.format(more=""))
    scenarios = load_scenarios([tmp_path])
    labs: list[Lab] = [Defective(), catalogue.find("simulated")]
    planned = [Planned(scenario, lab) for scenario in scenarios for lab in labs]
    kept = tmp_path / "kept"
    reports = rehearse(planned, kept, lambda planned, report: None)
    assert [report.verdict for report in reports] == [Verdict.INCONCLUSIVE, Verdict.PASS] * 2
    assert "the harness failed at test_rehearsal.py:" in reports[0].reason
    assert "KeyError: 'returning-store'" in reports[0].reason
    assert "Traceback" in (kept / "simulated" / "first" / "failure.txt").read_text()


@pytest.mark.parametrize(
    ("demanded", "verdict", "status"), [("simulated", "SKIPPED", 0), ("containers", "INCONCLUSIVE", 1)]
)
def test_a_lab_that_is_not_here_is_a_skip_unless_it_is_demanded(
    demanded: str, verdict: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-daemon")
    monkeypatch.setenv("WALRUS_HA_REQUIRE_LABS", demanded)
    (tmp_path / "one.yaml").write_text(SCENARIO.format(more="").replace("[simulated]", "[simulated, containers]"))
    labs = ["--lab", "simulated", "--lab", "containers"]
    done = CliRunner().invoke(walrus_ha, ["rehearse", "--json", *labs, str(tmp_path / "one.yaml")])
    assert done.exit_code == status, done.output
    here, elsewhere = json.loads(done.stdout)["trials"]
    assert (here["verdict"], elsewhere["verdict"]) == ("PASS", verdict)
    assert "no Docker daemon answers" in elsewhere["reason"]
    assert ("WALRUS_HA_REQUIRE_LABS demands it" in elsewhere["reason"]) == (verdict == "INCONCLUSIVE")
