"""Honesty: whoever reads the last words of a run that did not succeed knows where the data is and what to type next."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.checks.finding import Finding, Unknown, weigh
from harness.checks.phases import last_outcome
from harness.checks.replay import pair
from harness.evidence import Attempt, Evidence

_COMMAND = re.compile(r"\bwalrus-ha [a-z]+")
_KEPT = re.compile(r"([\w.-]+):/[^\n]*? \(the (old store|staged copy|second staged copy)\)")
_PLACES = {"old store": "old-store", "staged copy": "staging", "second staged copy": "second-staging"}
_UNTOUCHED = re.compile(r"nothing was changed", re.IGNORECASE)


def honesty(evidence: Evidence) -> Finding:
    """Every unsuccessful exit names a safe copy and a next command, and the copy is where it says."""
    fine = "every unsuccessful end says where the data is and what to do next"
    return weigh("honesty", evidence, (says_too_little, points_to_no_copy, kept_nothing), fine)


def says_too_little(evidence: Evidence) -> Iterator[str]:
    for number, attempt in enumerate(evidence.attempts, 1):
        if not attempt.exit_status:
            continue
        if not attempt.last_words.strip():
            yield f"attempt {number} ended {attempt.outcome} without a word"
            continue
        if not _COMMAND.search(attempt.last_words):
            yield f"attempt {number} ended {attempt.outcome} and its last words give no walrus-ha command to type next"
        if not _named_hosts(evidence, attempt) and not _says_untouched(attempt):
            yield f"attempt {number} ended {attempt.outcome} and its last words name no copy as HOST:/PATH"


def points_to_no_copy(evidence: Evidence) -> Iterator[str]:
    """The hosts named at the very end are compared with the last census.

    Where the trial itself changed data, perhaps no copy equals the frozen store, and the words cannot be held to it.
    """
    if not evidence.attempts or not evidence.attempts[-1].exit_status or _data_was_changed(evidence):
        return
    named = _named_hosts(evidence, evidence.attempts[-1])
    if not named:
        return
    if not evidence.censuses:
        raise Unknown("there is no census to compare the last words with")
    complete = evidence.censuses[-1].complete
    if not named & {place.partition(":")[0] for place in complete}:
        found = ", ".join(complete) or "nothing"
        yield f"the last words point to {' and '.join(sorted(named))}, where no copy is complete (complete: {found})"


def kept_nothing(evidence: Evidence) -> Iterator[str]:
    """A copy that a completed move, or a reverse one, says it kept is there, whole."""
    changed = _data_was_changed(evidence) and not evidence.reuses_device
    if last_outcome(evidence) not in ("completed", "reversed") or changed:
        return
    for host, what in _KEPT.findall(evidence.attempts[-1].last_words):
        if not evidence.censuses:
            raise Unknown("there is no census to compare the last words with")
        if f"{host}:{_PLACES[what]}" not in evidence.censuses[-1].complete:
            yield f"the last words say that the {what} was kept on {host}, and no complete one is there"


def _named_hosts(evidence: Evidence, attempt: Attempt) -> set[str]:
    said = attempt.last_words
    return {host for host in pair(evidence) if re.search(rf"(?<![\w.-]){re.escape(host)}:/\S", said)}


def _data_was_changed(evidence: Evidence) -> bool:
    return any(
        receipt.proven and receipt.fault in ("write_object", "corrupt", "truncate") for receipt in evidence.receipts
    )


def _says_untouched(attempt: Attempt) -> bool:
    """Refused before anything was done: the store is where it always was."""
    return attempt.outcome == "refused" and _UNTOUCHED.search(attempt.last_words) is not None
