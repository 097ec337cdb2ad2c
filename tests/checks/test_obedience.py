"""Obedience: a pause in which something is changed, and an abort after which the move goes on, are found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.checks.obedience import obedience
from harness.evidence import Evidence, Receipt, Sent

from . import builders
from .asking import cannot_tell, fails, passes

JOB = "trial.job.stage-store.copy.1.1"


def ordered(evidence: Evidence, *orders: tuple[float, str]) -> Evidence:
    told = [Receipt(at, "order", True, detail) for at, detail in orders]
    return replace(evidence, receipts=[*evidence.receipts, *told])


def long_move() -> Evidence:
    """A move that says nothing between its last request and a minute later, and whose jobs nobody speaks of."""
    evidence = builders.completed()
    attempt = replace(evidence.attempts[0], ended_at=evidence.sent[-1].at + 60)
    spoken_of = [one for one in evidence.sent if not one.what.startswith("start job")]
    return replace(evidence, attempts=[attempt], sent=spoken_of)


def sent(at: float, what: str, outcome: str = "done") -> Sent:
    return Sent(at, 1, builders.ORIGINAL, "stage-store", what, "write", outcome)


def with_requests(evidence: Evidence, *more: Sent) -> Evidence:
    return replace(evidence, sent=sorted([*evidence.sent, *more], key=lambda one: one.at))


def end_of(evidence: Evidence) -> float:
    return builders.completed().sent[-1].at


def test_without_an_order_nothing_can_be_told() -> None:
    cannot_tell(obedience, builders.completed(), "no order is proven")


def test_an_abort_while_steps_are_to_come_must_not_end_completed() -> None:
    evidence = builders.completed()
    starting = next(one.at for one in evidence.sent if one.step == "start-services")
    fails(obedience, ordered(evidence, (starting - 0.5, "abort: by the operator")), "the attempt ended completed")


def test_an_abort_when_the_last_change_was_made_stops_nothing() -> None:
    evidence = long_move()
    passes(obedience, ordered(evidence, (end_of(evidence) + 1, "abort: by the operator")))


@pytest.mark.parametrize("kept", ["keep journal (12 bytes from 99)", "release the hosts"])
def test_keeping_the_journal_and_giving_hosts_back_go_not_forward(kept: str) -> None:
    evidence = with_requests(long_move(), sent(end_of(long_move()) + 2, kept))
    passes(obedience, ordered(evidence, (end_of(evidence) + 1, "abort: by the operator")))


def test_one_change_after_the_abort_is_enough() -> None:
    evidence = with_requests(long_move(), sent(end_of(long_move()) + 2, "service eucalyptus-cloud start", "status 0"))
    fails(obedience, ordered(evidence, (end_of(evidence) + 1, "abort: by the operator")), "ended completed")


def test_an_abort_that_took_back_is_obeyed() -> None:
    evidence = builders.rolled_back()
    passes(obedience, ordered(evidence, (evidence.sent[3].at, "abort: by the operator")))


def test_a_change_during_a_pause_is_found() -> None:
    end = end_of(long_move())
    evidence = ordered(long_move(), (end + 1, "pause: by the operator"), (end + 50, "pause taken back: go on"))
    passes(obedience, with_requests(evidence, sent(end + 5, "mkdir /newlocation", "status 0")))  # it had not heard yet
    fails(obedience, with_requests(evidence, sent(end + 20, "mkdir /newlocation", "status 0")), "during a pause")


def test_a_job_must_stand_still_and_go_on() -> None:
    end = end_of(long_move())
    evidence = ordered(long_move(), (end + 10, "pause: by the operator"), (end + 50, "pause taken back: go on"))
    running = with_requests(evidence, sent(end + 1, f"start job {JOB}: rsync"))
    fails(obedience, running, f"job {JOB} went on")
    still = with_requests(running, sent(end + 12, f"pause job {JOB}"))
    fails(obedience, still, f"job {JOB} stood still after the pause")
    passes(obedience, with_requests(still, sent(end + 51, f"continue job {JOB}")))
