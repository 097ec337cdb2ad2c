"""Idempotence: running the move again after it was completed changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.checks.finding import Finding, Unknown, weigh
from harness.checks.phases import changes_by, recorded
from harness.evidence import Attempt, Evidence


def idempotence(evidence: Evidence) -> Finding:
    """A run after success sends nothing that changes a host, and ends as a success."""
    fine = "running again after success sent nothing that changes a host"
    return weigh("idempotence", evidence, (no_rerun, reruns_that_change, reruns_that_fail), fine)


def reruns(evidence: Evidence) -> list[int]:
    """The numbers of the migrate attempts that follow a completed one."""
    attempts = recorded(evidence)
    done = next((number for number, attempt in enumerate(attempts, 1) if attempt.outcome == "completed"), len(attempts))
    later = range(done + 1, len(attempts) + 1)
    back = next((number for number in later if _goes_back(attempts[number - 1])), len(attempts) + 1)
    return [number for number in later if attempts[number - 1].command == "migrate" and number < back]


def _goes_back(attempt: Attempt) -> bool:
    """From here on there is a reverse move, and running the move again takes that back."""
    return attempt.command == "rollback" and attempt.outcome != "refused"


def no_rerun(evidence: Evidence) -> Iterable[str]:
    if not reruns(evidence):
        raise Unknown("the move was not run again after success")
    return ()


def reruns_that_change(evidence: Evidence) -> Iterator[str]:
    for number in reruns(evidence):
        for sent in changes_by(evidence, number):
            yield f"attempt {number} ran again after success and sent a {sent.effect} to {sent.host}: {sent.what}"


def reruns_that_fail(evidence: Evidence) -> Iterator[str]:
    for number in reruns(evidence):
        ended = recorded(evidence)[number - 1].outcome
        if ended not in ("completed", evidence.expectation.outcome):
            yield f"attempt {number} ran again after success and ended {ended}"
