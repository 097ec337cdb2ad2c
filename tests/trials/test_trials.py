"""Trials in the embedded lab: repeatable, honest about what is not modelled, and without effect when run again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.checks.verdict import Verdict, judge
from harness.clock import Clock
from harness.inventory import Inventory
from harness.labs import catalogue
from harness.labs.lab import ROLES, Start
from harness.migration.plan import PLANS
from harness.migration.run import Migration
from harness.trials.scenario import Scenario
from harness.trials.scenario_files import load_scenarios
from harness.trials.step_names import STEPS_OF
from harness.trials.trial import run_trial

CORE = load_scenarios([catalogue.scenario_folder() / "core"])
UNMODELLED = """claim: a program called in a way that nobody models ends the trial without a verdict
labs: [simulated, containers]
faults:
  - do: unmodelled_call
    at: {step: create-metadata, moment: before}
    host: original
expect: {outcome: completed, checks: [durability]}
"""


def test_scenarios_know_the_steps_of_the_plan() -> None:
    for strategy, plan in PLANS.items():
        assert tuple(step.name for step in plan()) == STEPS_OF[strategy]


@pytest.mark.parametrize("scenario", CORE, ids=lambda scenario: scenario.name)
def test_the_same_seed_gives_the_same_trace(scenario: Scenario, tmp_path: Path) -> None:
    lab = catalogue.find("simulated")
    one, other = (run_trial(scenario, lab, tmp_path / name) for name in ("one", "other"))
    assert one.trace_hash == other.trace_hash
    assert [(s.host, s.what, s.outcome) for s in one.sent] == [(s.host, s.what, s.outcome) for s in other.sent]


@pytest.mark.parametrize(
    "lab",
    ["simulated", pytest.param("containers", marks=pytest.mark.xdist_group("containers"))],
)
def test_a_call_that_is_not_modelled_ends_inconclusive(
    lab: str, tmp_path: Path, require_lab: Callable[[str], None]
) -> None:
    require_lab(lab)
    path = tmp_path / "unmodelled.yaml"
    path.write_text(UNMODELLED)
    (scenario,) = load_scenarios([path])
    judgement = judge(run_trial(scenario, catalogue.find(lab), tmp_path / "work"))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "not model" in judgement.reason


def test_migrating_again_changes_nothing_on_any_host(tmp_path: Path) -> None:
    with catalogue.find("simulated").open(Start()) as opened:
        assert _migration(opened.inventory, tmp_path, opened.clock).migrate().exit_status == 0
        before = [opened.truth.listing(role) for role in ROLES]
        again = _migration(opened.inventory, tmp_path, opened.clock).migrate()
        assert (again.outcome, again.exit_status) == ("completed", 0)
        assert [opened.truth.listing(role) for role in ROLES] == before
        assert _migration(opened.inventory, tmp_path, opened.clock).verify() == []


def test_checking_and_planning_change_nothing(tmp_path: Path) -> None:
    with catalogue.find("simulated").open(Start()) as opened:
        before = [opened.truth.listing(role) for role in ROLES]
        migration = _migration(opened.inventory, tmp_path / "run", opened.clock)
        assert [finding for finding in migration.check() if finding.severity == "error"] == []
        assert len(migration.plan()) == len(STEPS_OF["staged"])
        assert [opened.truth.listing(role) for role in ROLES] == before
        assert not (tmp_path / "run").exists()


def _migration(inventory: Inventory, folder: Path, clock: Clock) -> Migration:
    return Migration(inventory, folder, clock, name_run=lambda: "run")
