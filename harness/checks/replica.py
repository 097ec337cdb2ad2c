"""Replica: the side that does not serve, promoted and read, holds the frozen store."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.finding import Finding, not_asked, weigh
from harness.checks.manifests import differences, lines, require, require_frozen
from harness.checks.phases import moved
from harness.evidence import Evidence


def replica(evidence: Evidence) -> Finding:
    """UpToDate is DRBD's opinion; this is the data."""
    if not moved(evidence):
        return not_asked("replica", "the move was not completed, so there is no replica")
    return weigh("replica", evidence, (replica_differs,), "the other side, promoted and read, holds the frozen store")


def replica_differs(evidence: Evidence) -> Iterator[str]:
    frozen = require_frozen(evidence.frozen)
    yield from lines("the replica", differences(frozen, require(evidence.replica, "the replica")))
