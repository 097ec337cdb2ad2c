"""Ending: what a move had come to when its last words were said. Nothing is judged here; figures for a comparison."""

from __future__ import annotations

from dataclasses import dataclass

from harness.checks.manifests import LOST_FOUND, ROOT, differences
from harness.checks.phases import moved
from harness.checks.replay import pair, world_at
from harness.evidence import Evidence, Manifest


@dataclass(frozen=True)
class Ending:
    """``disks`` as DRBD called them, the original's first; of the frozen store's entries how many are whole, and where.

    ``served`` and ``replica`` are None where nobody could look; where no Walrus is ENABLED, nothing is served.
    """

    outcome: str
    disks: str
    entries: int
    served: int | None
    replica: int | None


def ending(evidence: Evidence) -> Ending | None:
    """The figures, or None where the evidence holds too little to tell any."""
    frozen = evidence.frozen
    if frozen is None or not evidence.attempts:
        return None
    last = evidence.attempts[-1]
    world = world_at(evidence, last.ended_at)
    disks = "/".join(world[host].disk or "-" for host in pair(evidence))
    replica = 0 if evidence.replica_refusal else _whole(frozen, evidence.replica)
    served = _whole(frozen, evidence.served) if _somebody_serves(evidence) else 0
    return Ending(last.outcome, disks, _entries(frozen), served, replica if moved(evidence) else None)


def _somebody_serves(evidence: Evidence) -> bool:
    """A Walrus of which no event tells is as it was before."""
    original, additional = (world_at(evidence)[host].walrus for host in pair(evidence))
    return original in ("", "ENABLED") or additional == "ENABLED"


def _entries(frozen: Manifest) -> int:
    return sum(entry.path not in (ROOT, LOST_FOUND) for entry in frozen.entries)


def _whole(frozen: Manifest, found: Manifest | None) -> int | None:
    if found is None or found.error is not None:
        return None
    said = (line.partition(": ") for line in differences(frozen, found))
    wrong = sum(kind in ("missing", "changed") and path.partition(" (")[0] != ROOT for kind, _, path in said)
    return _entries(frozen) - wrong
