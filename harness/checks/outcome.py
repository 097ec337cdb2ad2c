"""Outcome: the last attempt ended as the scenario says, and every exit status says how its attempt ended."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.finding import Finding, Unknown, weigh
from harness.checks.groundwork import another_world
from harness.checks.phases import last_outcome
from harness.evidence import Attempt, Evidence

# An asked-for rollback that worked is a success; one that a failed move fell back to is a safe stop.
_STATUS: dict[str, dict[str, set[int | None]]] = {
    "migrate": {"completed": {0}, "refused": {3}, "rolled_back": {4}, "stopped": {4}, "operator_needed": {5}},
    "rollback": {
        "rolled_back": {0},
        "reversed": {0},
        "reverse_taken_back": {4},
        "refused": {3},
        "stopped": {4},
        "operator_needed": {5},
    },
    "adopt": {"adopted": {0}, "refused": {3}, "stopped": {4}, "operator_needed": {5}},
}
_STATUS_OF_RERUN: dict[str, set[int | None]] = _STATUS["migrate"] | {
    "stopped": {1, 4}
}  # running again after success checks what was left


def outcome(evidence: Evidence) -> Finding:
    """The outcome expected, told by the exit status."""
    looks = (unexpected_outcome, wrong_exit_statuses, unexpected_exit_status, refused_for_another_reason, let_in_twice)
    return weigh("outcome", evidence, looks, f"ended {last_outcome(evidence)}")


def unexpected_outcome(evidence: Evidence) -> Iterator[str]:
    if not evidence.attempts:
        raise Unknown("there is no attempt, so no outcome")
    last, expected = evidence.attempts[-1], evidence.expectation.outcome
    if last.outcome == "undetermined":
        raise Unknown("nobody could tell how the last attempt ended")
    if last.outcome == expected:
        return
    words = last.last_words.splitlines()
    what = f"the last attempt ended {last.outcome}, expected {expected}" + (f": {words[0]}" if words else "")
    if other := list(another_world(evidence)):
        raise Unknown(f"{what}; but {other[0]}")
    yield what


def unexpected_exit_status(evidence: Evidence) -> Iterator[str]:
    wanted = evidence.expectation.exit_status
    if wanted is None or not evidence.attempts or list(another_world(evidence)):
        return
    if evidence.attempts[-1].exit_status != wanted:
        yield f"the last attempt exited with {evidence.attempts[-1].exit_status}, expected {wanted}"


def refused_for_another_reason(evidence: Evidence) -> Iterator[str]:
    """A refusal must be for what the scenario planted, all of it and nothing else."""
    if last_outcome(evidence) != "refused" or not evidence.expectation.findings:
        return
    wanted, found = set(evidence.expectation.findings), set(evidence.attempts[-1].findings)
    if wanted - found:
        yield f"the refusal does not name {', '.join(sorted(wanted - found))}"
    if found - wanted:
        yield f"the refusal names {', '.join(sorted(found - wanted))}, which nobody planted"


def let_in_twice(evidence: Evidence) -> Iterator[str]:
    """A second engine, started while the first has not finished, must be refused."""
    for attempt in evidence.attempts:
        if attempt.command == "second_migrate" and attempt.outcome != "refused":
            yield f"a second engine was not refused: it ended {attempt.outcome}"


def wrong_exit_statuses(evidence: Evidence) -> Iterator[str]:
    done = False
    for number, attempt in enumerate(evidence.attempts, 1):
        allowed = _allowed(attempt, done)
        if allowed is not None and attempt.exit_status not in allowed:
            wanted = " or ".join(sorted(map(str, allowed))) or "another outcome"
            yield f"attempt {number} ended {attempt.outcome} with exit status {attempt.exit_status}, expected {wanted}"
        done = done or attempt.outcome == "completed"


def _allowed(attempt: Attempt, after_success: bool) -> set[int | None] | None:
    """The exit statuses that fit the outcome; None where the outcome is not known."""
    if attempt.outcome == "undetermined":
        return None
    if attempt.outcome == "killed":
        return {None}
    command = attempt.command.removeprefix("other_")
    if command in ("rollback", "adopt"):
        return _STATUS[command].get(attempt.outcome, set())
    return (_STATUS_OF_RERUN if after_success else _STATUS["migrate"]).get(attempt.outcome, set())
