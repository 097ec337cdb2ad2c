"""Thrift: a copy that was interrupted goes on where it was, instead of copying again what was already there."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from harness.checks.finding import Finding, Unknown, weigh
from harness.checks.manifests import require_frozen
from harness.checks.phases import last_outcome
from harness.evidence import Evidence, Manifest


def thrift(evidence: Evidence) -> Finding:
    """Of the bytes copied before the interruption, at most the share that the scenario allows was copied again."""
    return weigh("thrift", evidence, (copied_too_much_again,), "what was already copied was not copied again")


def copied_too_much_again(evidence: Evidence) -> Iterator[str]:
    bound = evidence.expectation.copied_again
    if bound is None:
        raise Unknown("the scenario sets no bound on what may be copied again")
    if last_outcome(evidence) != "completed":
        raise Unknown("the copies were never finished, so what a fault-free move copies is not known")
    already = sum(attempt.bytes_copied for attempt in evidence.attempts[:-1])
    if already <= 0:
        raise Unknown("nothing was copied before the interruption, so nothing could be copied again")
    needed = content_bytes(require_frozen(evidence.frozen)) * _copies(evidence)
    copied = already + evidence.attempts[-1].bytes_copied
    if copied < needed:
        raise Unknown(f"{copied} bytes were counted, but {needed} are needed: the count is not complete")
    if (copied - needed) > bound * already:
        share = (copied - needed) / already
        yield f"{copied - needed} of {already} bytes copied before were copied again: {share:.1%}, allowed {bound:.1%}"


def content_bytes(manifest: Manifest) -> int:
    """The bytes of all files, each hard-link set counted once."""
    return sum(entry.size for entry in manifest.entries if entry.kind == "file" and entry.same_as in (None, entry.path))


def _copies(evidence: Evidence) -> int:
    """How many places the store was copied to, by the destinations that the engine named."""
    places = {
        (sent.host, words[-1])
        for sent in evidence.sent
        if sent.effect != "read" and "rsync " in sent.what and (words := shlex.split(sent.what))
    }
    if not places:
        raise Unknown("no request to copy is recorded")
    return len(places)
