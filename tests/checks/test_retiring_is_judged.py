"""Deleting what the move kept fails the check unless it was the move's, after a reading, while the pair served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.checks.durability import durability
from harness.checks.proof import proof
from harness.checks.verdict import Verdict
from harness.evidence import Attempt, Event, Evidence, Sent
from tests.checks import builders

OLD = f"{builders.STORE}.before-ha"


def retired(path: str = OLD, outcome: str = "completed") -> Evidence:
    """A move, and later a command that deletes the old store."""
    evidence = builders.completed()
    at = max(sent.at for sent in evidence.sent) + 100
    hashing = f"start job x: find {builders.STORE} -xdev -type f -exec sha256sum -b -- {{}} +"
    for number, (what, effect) in enumerate(((hashing, "read"), (f"rm -rf --one-file-system -- {path}", "destroy"))):
        evidence.sent.append(Sent(at + number, 2, builders.ORIGINAL, "retire", what, effect, "done"))  # type: ignore[arg-type]  # the table holds plain words
    evidence.attempts.append(Attempt("retire", at, at + 9, outcome, 0 if outcome == "completed" else 4, "Deleted."))
    evidence.censuses[-1].complete[:] = [f"{builders.ORIGINAL}:store", f"{builders.ADDITIONAL}:device"]
    return evidence


def test_what_was_done_right_passes() -> None:
    assert proof(retired()).verdict is Verdict.PASS, proof(retired()).reason
    assert durability(retired()).verdict is Verdict.PASS


def _unread(evidence: Evidence) -> None:
    del evidence.sent[-2]


def _before_completion(evidence: Evidence) -> None:
    evidence.attempts[0] = replace(evidence.attempts[0], outcome="stopped", exit_status=4)


def _with_one_side_away(evidence: Evidence) -> None:
    evidence.events.append(Event(evidence.sent[-1].at - 1, builders.ORIGINAL, "connection", "WFConnection"))


def _with_an_old_side(evidence: Evidence) -> None:
    evidence.events.append(Event(evidence.sent[-1].at - 1, builders.ADDITIONAL, "disk", "Inconsistent"))


def _while_nobody_served(evidence: Evidence) -> None:
    for host in (builders.ORIGINAL, builders.ADDITIONAL):
        evidence.events.append(Event(evidence.sent[-1].at - 1, host, "walrus", "DISABLED"))


def _on_the_other_host(evidence: Evidence) -> None:
    evidence.sent[-1] = replace(evidence.sent[-1], host=builders.ADDITIONAL)


@pytest.mark.parametrize(
    "wrong",
    [
        _unread,
        _before_completion,
        _with_one_side_away,
        _with_an_old_side,
        _while_nobody_served,
        _on_the_other_host,
    ],
    ids=lambda wrong: wrong.__name__.strip("_"),
)
def test_what_was_done_wrong_is_found(wrong: Callable[[Evidence], None]) -> None:
    evidence = retired()
    wrong(evidence)
    assert proof(evidence).verdict is Verdict.FAIL


@pytest.mark.parametrize("path", [builders.STORE, "/newlocation", "/var/lib", f"{OLD}/inside"])
def test_another_path_is_found(path: str) -> None:
    assert "deletes what the move did not leave" in proof(retired(path)).reason


def test_a_copy_that_went_without_success_is_missed() -> None:
    assert durability(retired(outcome="stopped")).verdict is Verdict.FAIL


def test_a_copy_that_is_said_to_be_gone_and_is_not_is_found() -> None:
    evidence = retired()
    evidence.censuses[-1].complete.append(f"{builders.ORIGINAL}:old-store")
    assert "was retired and is still there" in durability(evidence).reason
