"""A run ends as its scenario says, and its exit status tells the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.checks.outcome import outcome
from harness.evidence import Attempt, CommandName, Evidence, Receipt

from . import builders
from .asking import cannot_tell, fails, passes


def test_the_expected_outcome_passes() -> None:
    passes(outcome, builders.completed())


def test_another_outcome_fails_with_both_words_and_the_first_of_the_last_words() -> None:
    evidence = builders.rolled_back()
    evidence.expectation = replace(evidence.expectation, outcome="completed")
    fails(outcome, evidence, "ended rolled_back, expected completed", "The sync failed.")


def test_only_the_last_attempt_must_end_as_expected() -> None:
    passes(outcome, builders.interrupted())


def test_no_attempt_at_all() -> None:
    evidence = builders.completed()
    evidence.attempts = []
    cannot_tell(outcome, evidence, "no attempt")


def test_an_end_that_nobody_saw() -> None:
    evidence = builders.completed()
    evidence.attempts = [replace(evidence.attempts[0], outcome="undetermined", exit_status=None)]
    cannot_tell(outcome, evidence, "nobody could tell")


def _unexpected() -> Evidence:
    evidence = builders.rolled_back()
    evidence.expectation = replace(evidence.expectation, outcome="completed")
    return evidence


def test_an_unexpected_outcome_proves_nothing_where_a_fake_was_at_its_end() -> None:
    evidence = _unexpected()
    evidence.unsupported = ["drbdadm adjust r0"]
    cannot_tell(outcome, evidence, "expected completed", "drbdadm adjust r0")


def test_an_unexpected_outcome_proves_nothing_where_the_fault_did_not_happen() -> None:
    evidence = _unexpected()
    evidence.receipts = [Receipt(1.0, "stall_sync", False, "there was no sync")]
    cannot_tell(outcome, evidence, "stall_sync")


@pytest.mark.parametrize(
    ("command", "word", "status"),
    [
        ("migrate", "completed", 0),
        ("migrate", "refused", 3),
        ("migrate", "rolled_back", 4),
        ("migrate", "stopped", 4),
        ("migrate", "operator_needed", 5),
        ("migrate", "killed", None),
        ("rollback", "rolled_back", 0),
        ("rollback", "refused", 3),
        ("second_migrate", "refused", 3),
    ],
)
def test_each_outcome_has_its_exit_status(command: CommandName, word: str, status: int | None) -> None:
    evidence = builders.completed()
    attempt = Attempt(command, 0.0, 1.0, word, status, "words")
    evidence.attempts = [attempt, *evidence.attempts]
    passes(outcome, evidence)
    for wrong in {0, 1, 2, 3, 4, 5, None} - {status}:
        evidence.attempts[0] = replace(attempt, exit_status=wrong)
        fails(outcome, evidence, f"attempt 1 ended {word} with exit status {wrong}, expected {status}")


def test_looking_again_after_success_may_find_something_changed() -> None:
    evidence = builders.run_again()
    evidence.expectation = replace(evidence.expectation, outcome="stopped")
    evidence.attempts[1] = replace(evidence.attempts[1], outcome="stopped", exit_status=1)
    passes(outcome, evidence)


def test_an_outcome_of_no_known_name_fails() -> None:
    evidence = builders.completed()
    evidence.attempts[0] = replace(evidence.attempts[0], outcome="finished")
    fails(outcome, evidence, "ended finished, expected completed", "another outcome")


def test_another_exit_status_than_the_scenario_says_fails() -> None:
    evidence = builders.completed()
    evidence.expectation = replace(evidence.expectation, exit_status=1)
    fails(outcome, evidence, "exited with 0, expected 1")


def test_a_refusal_for_another_reason_fails_with_what_is_missing_and_what_nobody_planted() -> None:
    evidence = builders.refused()
    evidence.attempts[-1] = replace(evidence.attempts[-1], findings=["port-in-use"])
    evidence.expectation = replace(evidence.expectation, findings=["uid-differs"])
    fails(outcome, evidence, "does not name uid-differs", "names port-in-use")


def test_a_refusal_for_the_planted_reason_passes() -> None:
    evidence = builders.refused()
    evidence.attempts[-1] = replace(evidence.attempts[-1], findings=["uid-differs"])
    evidence.expectation = replace(evidence.expectation, findings=["uid-differs"])
    passes(outcome, evidence)


def test_a_second_engine_that_is_let_in_fails() -> None:
    evidence = builders.completed()
    other = replace(evidence.attempts[-1], command="second_migrate")
    evidence.attempts.insert(0, other)
    fails(outcome, evidence, "a second engine was not refused")
