"""What ``rehearse --json`` prints is what its published schema says, whatever the verdicts; anything else is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from harness.checks.verdict import Judgement, Verdict
from harness.cli import walrus_ha
from harness.evidence import OfSite
from harness.report import json_report
from harness.report.model import RehearsalReport, TrialReport
from harness.report.site import SiteWindow
from tests.checks.builders import completed

from .examples import FAILED, MIXED, PASSED
from .test_the_report_of_a_run_fits_its_schema import altered

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "reference" / "rehearsal-report.schema.json"
FORESEEN = OfSite("0.091 of the entries", [3559.0, 4200.0, 5880.5], as_fast=True, whole=True)


def wrong_with(told: Any) -> list[str]:
    """Everything in a report that is not as the published schema has it."""
    found = Draft202012Validator(json.loads(SCHEMA.read_text())).iter_errors(told)
    return [f"{error.json_path}: {error.message}" for error in found]


def told_of(*trials: TrialReport) -> Any:
    return json.loads(json_report.render(RehearsalReport(list(trials))))


def test_what_the_command_prints_is_as_its_schema_has_it(tmp_path: Path) -> None:
    core = str(ROOT / "scenarios" / "core")
    done = CliRunner().invoke(walrus_ha, ["rehearse", core, "--json", "--report", str(tmp_path)])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["summary"]["pass"] == 3
    assert wrong_with(told) == []
    again = CliRunner().invoke(walrus_ha, ["report", str(tmp_path), "--json"])
    assert wrong_with(json.loads(again.stdout)) == []


def test_every_verdict_and_a_hostile_reason_are_as_the_schema_has_it() -> None:
    told = json.loads(json_report.render(MIXED))
    assert {trial["verdict"] for trial in told["trials"]} == {"PASS", "FAIL", "INCONCLUSIVE", "SKIPPED"}
    assert wrong_with(told) == []


def test_no_trial_at_all_and_one_that_the_harness_broke_are_as_the_schema_has_it() -> None:
    assert wrong_with(told_of()) == []
    assert wrong_with(told_of(TrialReport.broken("link-lost", "machines", 3.0, "KeyError: 'r0'"))) == []


@pytest.mark.parametrize(
    ("of", "took_s", "holds"),
    [
        (FORESEEN, 4100.04, True),
        (FORESEEN, 9000.0, False),
        (FORESEEN, None, None),
        (replace(FORESEEN, as_fast=False), 60.0, None),
        (replace(FORESEEN, window_s=[]), 60.0, None),
    ],
)
def test_a_trial_of_a_site_is_as_the_schema_has_it(of: OfSite, took_s: float | None, holds: bool | None) -> None:
    told = told_of(replace(PASSED, site=SiteWindow(of, "simulated", took_s)))
    assert told["trials"][0]["site"]["holds"] is holds
    assert wrong_with(told) == []


def test_a_judged_trial_is_as_the_schema_has_it() -> None:
    judged = TrialReport.judged(completed(), Judgement(Verdict.PASS, (), ""))
    assert wrong_with(told_of(judged)) == []


def test_a_report_with_one_thing_altered_is_not_as_the_schema_has_it() -> None:
    told = told_of(replace(FAILED, site=SiteWindow(FORESEEN, "simulated", 4100.0)))
    assert wrong_with(told) == []
    cases = {name: other for name, other in altered(told) if name != "trials.0.site dropped"}
    assert len(cases) > 50
    assert [name for name, other in cases.items() if not wrong_with(other)] == []


@pytest.mark.parametrize(
    ("key", "value"), [("verdict", "FINE"), ("seconds", -1), ("trace_hash", "no hash"), ("site", None), ("lab", None)]
)
def test_a_word_that_the_report_never_says_is_not_as_the_schema_has_it(key: str, value: Any) -> None:
    told = told_of(PASSED)
    told["trials"][0][key] = value
    assert len(wrong_with(told)) == 1


def test_the_schema_in_the_documentation_is_the_models() -> None:
    assert SCHEMA.read_text() == json_report.schema_text(), (
        f"regenerate it: python -m harness.report.json_report > {SCHEMA}"
    )
    Draft202012Validator.check_schema(json.loads(json_report.schema_text()))
