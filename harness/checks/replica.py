"""Replica: the side that does not serve, promoted and read, holds the frozen store."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.finding import Finding, Unknown, not_asked, weigh
from harness.checks.manifests import differences, expected_at_the_end, lines, require
from harness.checks.phases import moved
from harness.evidence import Evidence

_BELOW = "of its disk"
_BLOCK_KIB = 4  # in which DRBD counts


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
    if 0 < max(found.differing.values(), default=0) <= _rotted_kib(evidence):
        return  # the blocks that rotted below DRBD: what was wrong was written again, elsewhere on the device
    for host, kib in sorted(found.differing.items()):
        if kib:
            yield f"{host} counts {kib} KiB out of sync after all blocks were compared"
    if len(set(found.sha256.values())) > 1:
        sums = ", ".join(f"{host} {sha256}" for host, sha256 in sorted(found.sha256.items()))
        yield f"the disks of the pair differ: {sums}"


def _rotted_kib(evidence: Evidence) -> int:
    """What faults changed on a disk behind DRBD's back; whether a file still holds it is for the manifests to say."""
    rotted = (one for one in evidence.receipts if one.proven and one.fault == "corrupt" and one.detail.endswith(_BELOW))
    return _BLOCK_KIB * sum(1 for _ in rotted)
