"""What was copied before an interruption is not copied again."""

from __future__ import annotations

from dataclasses import replace

from harness.checks.thrift import content_bytes, thrift

from . import builders
from .asking import cannot_tell, fails, passes

WHOLE = content_bytes(builders.store())
HALF = WHOLE // 2


def test_a_hard_link_set_is_copied_once() -> None:
    assert len(builders.CONTENT) * 4 == WHOLE


def test_a_copy_that_goes_on_passes() -> None:
    passes(thrift, builders.interrupted())


def test_a_little_more_is_allowed_up_to_the_bound() -> None:
    for more, ask in ((HALF // 4, passes), (HALF // 4 + 1, fails)):
        evidence = builders.interrupted(HALF, 2 * WHOLE - HALF + more)
        evidence.expectation = replace(evidence.expectation, copied_again=0.25)
        ask(thrift, evidence)


def test_a_copy_that_begins_anew() -> None:
    fails(thrift, builders.interrupted(HALF, 2 * WHOLE), "were copied again: 100.0%, allowed 5.0%")


def test_an_interruption_before_anything_was_copied() -> None:
    cannot_tell(thrift, builders.interrupted(0, 2 * WHOLE), "nothing was copied before")


def test_a_single_attempt_has_no_interruption() -> None:
    evidence = builders.interrupted()
    evidence.attempts = evidence.attempts[1:]
    cannot_tell(thrift, evidence, "nothing was copied before")


def test_a_count_that_lacks_bytes_proves_nothing() -> None:
    cannot_tell(thrift, builders.interrupted(HALF, HALF), "count is not complete")


def test_copies_that_were_never_finished() -> None:
    evidence = builders.interrupted()
    evidence.attempts[1] = replace(evidence.attempts[1], outcome="rolled_back", exit_status=4)
    cannot_tell(thrift, evidence, "never finished")


def test_no_copy_was_ever_asked_for() -> None:
    evidence = builders.interrupted()
    evidence.sent = [sent for sent in evidence.sent if "rsync" not in sent.what]
    cannot_tell(thrift, evidence, "no request to copy")


def test_no_bound() -> None:
    cannot_tell(thrift, builders.completed(), "no bound")
