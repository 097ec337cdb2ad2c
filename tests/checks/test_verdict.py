"""The worst finding decides, and whatever could not be judged is never a PASS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from harness.checks.finding import Finding, Unknown, Verdict, weigh, worst
from harness.checks.verdict import CHECKS, judge, judge_file
from harness.errors import InvalidInput
from harness.evidence import Evidence, Receipt
from harness.trials.expect import CheckName

from . import builders

GOOD = {
    "completed": builders.completed,
    "interrupted": builders.interrupted,
    "run_again": builders.run_again,
    "rolled_back": builders.rolled_back,
    "refused": builders.refused,
    "stopped": builders.stopped,
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_trial_passes_every_check(name: str) -> None:
    judgement = judge(GOOD[name]())
    assert [found for found in judgement.findings if found.verdict is not Verdict.PASS] == []
    assert (judgement.verdict, judgement.reason) == (Verdict.PASS, "")


def test_some_checks_apply_whatever_a_scenario_names() -> None:
    def asked(evidence: Evidence) -> list[str]:
        evidence.expectation = replace(evidence.expectation, checks=["service", "service"])
        return [finding.check for finding in judge(evidence).findings]

    always = ["groundwork", "outcome", "service", "honesty", "proof", "secrecy"]
    assert asked(builders.completed()) == [*always, "configuration"]
    assert asked(builders.run_again()) == [
        "groundwork",
        "outcome",
        "service",
        "honesty",
        "proof",
        "secrecy",
        "configuration",
        "idempotence",
    ]
    assert asked(builders.interrupted()) == [
        "groundwork",
        "outcome",
        "service",
        "honesty",
        "proof",
        "secrecy",
        "configuration",
        "thrift",
    ]


def test_every_check_that_a_scenario_can_name_exists() -> None:
    assert set(get_args(CheckName)) <= set(CHECKS)


def test_fail_beats_inconclusive_beats_pass() -> None:
    assert worst([Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE]) is Verdict.FAIL
    assert worst([Verdict.PASS, Verdict.INCONCLUSIVE]) is Verdict.INCONCLUSIVE
    assert worst([Verdict.SKIPPED, Verdict.PASS]) is Verdict.PASS


def test_nothing_judged_is_inconclusive() -> None:
    assert worst([]) is Verdict.INCONCLUSIVE


def test_lost_data_fails_even_when_a_fault_is_not_proven() -> None:
    evidence = builders.completed()
    evidence.receipts = [Receipt(1.0, "cut_link", False, "packets still pass")]
    evidence.served = builders.without(builders.store(), "photos/.hidden")
    judgement = judge(evidence)
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason.startswith("durability: ")


def test_the_reason_names_the_check_and_what_is_wrong() -> None:
    evidence = builders.completed()
    evidence.attempts = [replace(evidence.attempts[0], outcome="stopped", exit_status=4, last_words="it broke")]
    assert judge(evidence).reason.startswith("outcome: the last attempt ended stopped, expected completed: it broke")


def test_an_unknown_check_name_is_inconclusive() -> None:
    evidence = builders.completed()
    evidence.expectation = replace(evidence.expectation, checks=["durability", "durabilty"])
    judgement = judge(evidence)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "durabilty" in judgement.reason


def test_a_check_that_crashes_is_inconclusive_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def crashes(evidence: Evidence) -> Finding:
        raise ZeroDivisionError(f"while looking at {evidence.scenario}")

    monkeypatch.setitem(CHECKS, "replica", crashes)
    judgement = judge(builders.completed())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "ZeroDivisionError: while looking at a-trial" in judgement.reason


def test_what_a_look_saw_before_it_crashed_still_counts() -> None:
    def crashes(evidence: Evidence) -> list[str]:
        raise KeyError(evidence.lab)

    def sees_then_loses(evidence: Evidence) -> Iterator[str]:
        yield f"wrong in {evidence.lab}"
        raise Unknown("the rest is missing")

    found = weigh("some", builders.completed(), [crashes, sees_then_loses], "fine")
    assert (found.verdict, found.reason) == (Verdict.FAIL, "wrong in simulated")
    assert found.detail == ("wrong in simulated", "crashes crashed: KeyError: 'simulated'", "the rest is missing")


def test_saved_evidence_is_judged_again(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    evidence = builders.completed()
    evidence.save(path)
    assert judge_file(path) == judge(evidence)


@pytest.mark.parametrize("content", ["", "{}", "[1]", "not json", '{"scenario": 3}'])
def test_a_file_that_is_no_evidence_is_invalid_input(tmp_path: Path, content: str) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(content)
    with pytest.raises(InvalidInput, match=r"evidence\.json:1:1: not evidence"):
        judge_file(path)


def test_a_missing_file_is_invalid_input(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        judge_file(tmp_path / "none.json")


def test_evidence_of_another_format_is_invalid_input(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    evidence = builders.completed()
    evidence.format = 99
    evidence.save(path)
    with pytest.raises(InvalidInput, match="format 99"):
        judge_file(path)
