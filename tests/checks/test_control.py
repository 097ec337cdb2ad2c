"""A negative control passes when the named checks fail, fails when they pass, and cannot tell when they cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.checks.ending import ending
from harness.checks.verdict import Judgement, Verdict, judge
from harness.evidence import Evidence, Manifest

from . import builders
from .builders import without


def control(*caught_by: str, saying: tuple[str, ...] = ()) -> Evidence:
    """A complete, good trial whose scenario says that these checks must find something wrong."""
    evidence = builders.completed()
    evidence.expectation = replace(evidence.expectation, caught_by=list(caught_by), caught_saying=list(saying))
    return evidence


def empty(evidence: Evidence) -> Evidence:
    """Nothing is served at the end but the root."""
    assert evidence.served is not None
    evidence.served = Manifest([entry for entry in evidence.served.entries if entry.path == "."])
    return evidence


def judged(evidence: Evidence, verdict: Verdict, *words: str) -> Judgement:
    judgement = judge(evidence)
    assert judgement.verdict is verdict, judgement
    for word in words:
        assert word in judgement.reason
    return judgement


def test_a_check_that_fails_as_it_must_is_a_pass_that_says_why() -> None:
    judgement = judged(empty(control("durability")), Verdict.PASS, "caught by durability", "8 missing")
    findings = {finding.check: finding.verdict for finding in judgement.findings}
    assert findings["durability"] is Verdict.FAIL, "the check's own word stands"


def test_a_check_that_sees_nothing_wrong_fails_the_trial() -> None:
    judged(control("durability"), Verdict.FAIL, "control: durability did not catch it")


def test_every_named_check_must_catch_it() -> None:
    judged(empty(control("durability", "replica")), Verdict.FAIL, "replica did not catch it")


def test_a_check_that_cannot_tell_leaves_it_open() -> None:
    evidence = control("replica")
    evidence.replica = None
    judged(evidence, Verdict.INCONCLUSIVE, "replica did not catch it", "no manifest of the replica")


def test_a_check_that_was_not_asked_leaves_it_open() -> None:
    evidence = control("durability")
    evidence.expectation = replace(evidence.expectation, checks=["service"])
    judged(evidence, Verdict.INCONCLUSIVE, "durability did not catch it: was not asked")


def test_a_check_that_fails_for_another_reason_fails_the_trial() -> None:
    evidence = empty(control("durability", saying=("extended attributes",)))
    judged(evidence, Verdict.FAIL, "nobody said 'extended attributes'")


def test_it_tells_the_sentence_that_was_asked_for() -> None:
    evidence = empty(control("durability", saying=("missing: photos/b",)))
    judged(evidence, Verdict.PASS, "durability: the served store: missing: photos/b")


def test_what_a_fake_does_not_model_catches_nothing() -> None:
    evidence = empty(control("durability"))
    evidence.unsupported = ["walrus00: lsblk --nobody-models-this"]
    judged(evidence, Verdict.INCONCLUSIVE, "groundwork")


def test_a_lab_that_failed_catches_nothing() -> None:
    evidence = empty(control("durability"))
    evidence.notes = ["the lab failed: walrus00 is gone"]
    judged(evidence, Verdict.INCONCLUSIVE, "groundwork", "walrus00 is gone")


def test_a_text_that_did_not_end_as_it_says_catches_nothing() -> None:
    evidence = empty(control("durability"))
    evidence.expectation = replace(evidence.expectation, outcome="stopped")
    judged(evidence, Verdict.FAIL, "outcome")


def test_checks_that_are_not_named_decide_nothing() -> None:
    evidence = empty(control("durability"))
    evidence.replica = without(evidence.replica, "photos/b") if evidence.replica else None
    judged(evidence, Verdict.PASS)


# Figures


def test_the_ending_counts_what_is_whole() -> None:
    evidence = builders.completed()
    found = ending(evidence)
    assert found is not None
    assert (found.outcome, found.disks, found.entries) == ("completed", "UpToDate/UpToDate", 8)
    assert (found.served, found.replica) == (8, 8)
    evidence.replica = without(builders.store(), "photos/b")
    found = ending(empty(evidence))
    assert found is not None
    assert found.served == 0
    assert found.replica is not None
    assert found.replica < 8


@pytest.mark.parametrize("refusal", ["walrus01: `mount` ended with status 32: wrong fs type"])
def test_a_replica_that_refuses_holds_nothing(refusal: str) -> None:
    evidence = builders.completed()
    evidence.replica, evidence.replica_refusal = None, refusal
    found = ending(evidence)
    assert found is not None
    assert found.replica == 0
    assert judge(evidence).verdict is Verdict.FAIL
