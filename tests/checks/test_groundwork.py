"""A trial with gaps in its evidence, or in a world that was not the scenario's, proves nothing."""

from __future__ import annotations

from dataclasses import replace

from harness.checks.groundwork import groundwork
from harness.evidence import Event, Receipt

from . import builders
from .asking import cannot_tell, passes


def test_complete_evidence_passes() -> None:
    passes(groundwork, builders.interrupted())


def test_an_unproven_fault() -> None:
    evidence = builders.interrupted()
    evidence.receipts.append(Receipt(9.0, "cut_link", False, "its moment never came"))
    cannot_tell(groundwork, evidence, "cut_link", "its moment never came")


def test_a_call_that_no_fake_models() -> None:
    evidence = builders.completed()
    evidence.unsupported = ["drbdadm --frobnicate r0"]
    cannot_tell(groundwork, evidence, "drbdadm --frobnicate r0")


def test_something_that_the_trial_could_not_find_out() -> None:
    evidence = builders.completed()
    evidence.notes = ["the replica could not be promoted"]
    cannot_tell(groundwork, evidence, "the replica could not be promoted")


def test_no_frozen_manifest() -> None:
    evidence = builders.completed()
    evidence.frozen = None
    cannot_tell(groundwork, evidence, "no manifest of the frozen store")


def test_no_attempt() -> None:
    evidence = builders.completed()
    evidence.attempts = []
    cannot_tell(groundwork, evidence, "the engine was never run")


def test_no_look_at_a_host_afterwards() -> None:
    evidence = builders.completed()
    evidence.after = evidence.after[:1]
    cannot_tell(groundwork, evidence, "walrus01 after the trial")


def test_no_look_at_a_host_beforehand() -> None:
    evidence = builders.completed()
    evidence.before = evidence.before[1:]
    cannot_tell(groundwork, evidence, "walrus00 before the trial")


def test_requests_of_nobody() -> None:
    evidence = builders.completed()
    evidence.sent[0] = replace(evidence.sent[0], attempt=2)
    cannot_tell(groundwork, evidence, "1 request(s) belong to none of 1 attempt(s)")


def test_events_that_no_check_understands() -> None:
    evidence = builders.completed()
    evidence.events.append(Event(1.0, "walrus00", "quorum", "lost"))
    cannot_tell(groundwork, evidence, "quorum")


def test_a_scenario_without_a_question() -> None:
    evidence = builders.completed()
    evidence.expectation = replace(evidence.expectation, checks=[])
    cannot_tell(groundwork, evidence, "nothing was asked")
