"""Replica: the side that does not serve, promoted and read, holds the frozen store."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.finding import Finding, Unknown, not_asked, weigh
from harness.checks.manifests import differences, expected_at_the_end, lines, require
from harness.checks.phases import moved
from harness.evidence import Evidence


def replica(evidence: Evidence) -> Finding:
    """UpToDate is DRBD's opinion; this is the data."""
    if not moved(evidence):
        return not_asked("replica", "the move was not completed, so there is no replica")
    looks = (replica_differs, sides_differ)
    return weigh("replica", evidence, looks, "the other side, promoted and read, holds the frozen store")


def replica_differs(evidence: Evidence) -> Iterator[str]:
    if evidence.replica_refusal:
        yield f"the other side cannot serve: {evidence.replica_refusal}"
        return
    frozen = expected_at_the_end(evidence)
    yield from lines("the replica", differences(frozen, require(evidence.replica, "the replica")))


def sides_differ(evidence: Evidence) -> Iterator[str]:
    """Block by block, where the lab has disks that can be compared."""
    found = evidence.replication
    if found is None or found.unwritten_differ:
        return
    if not found.verified:
        raise Unknown("the pair did not compare its blocks to the end")
    for host, kib in sorted(found.differing.items()):
        if kib:
            yield f"{host} counts {kib} KiB out of sync after all blocks were compared"
    if len(set(found.sha256.values())) > 1:
        sums = ", ".join(f"{host} {sha256}" for host, sha256 in sorted(found.sha256.items()))
        yield f"the disks of the pair differ: {sums}"
