"""The other side, promoted and read, holds the frozen store: UpToDate is not enough."""

from __future__ import annotations

import pytest

from harness.checks.replica import replica
from harness.evidence import Evidence, Receipt, Replication

from . import builders
from .asking import cannot_tell, fails, passes
from .builders import changed, entry, store, with_entry


def test_a_replica_with_other_content() -> None:
    evidence = builders.completed()
    evidence.replica = changed(store(), "photos/.hidden", sha256="0" * 64)
    fails(replica, evidence, "the replica is not the frozen store", "changed: photos/.hidden")


def test_a_replica_with_objects_that_nobody_stored() -> None:
    evidence = builders.completed()
    evidence.replica = with_entry(store(), entry("photos/ghost"))
    fails(replica, evidence, "extra: photos/ghost")


def test_a_replica_that_nobody_read() -> None:
    evidence = builders.completed()
    evidence.replica = None
    cannot_tell(replica, evidence, "no manifest of the replica")


def test_nothing_to_compare_the_replica_with() -> None:
    evidence = builders.completed()
    evidence.frozen = None
    cannot_tell(replica, evidence, "frozen")


def test_without_a_move_there_is_no_replica() -> None:
    passes(replica, builders.rolled_back())


EQUAL = {builders.ORIGINAL: "a" * 64, builders.ADDITIONAL: "a" * 64}
UNEQUAL = {builders.ORIGINAL: "a" * 64, builders.ADDITIONAL: "b" * 64}
NOTHING = {builders.ORIGINAL: 0, builders.ADDITIONAL: 0}
FOUR = {builders.ORIGINAL: 4, builders.ADDITIONAL: 4}


def compared(found: Replication) -> Evidence:
    """A good move whose sides were compared block by block."""
    evidence = builders.completed()
    evidence.replication = found
    return evidence


def test_sides_that_are_equal_block_by_block() -> None:
    passes(replica, compared(Replication(True, NOTHING, EQUAL)))


@pytest.mark.parametrize("found", [Replication(True, FOUR, EQUAL), Replication(True, FOUR, UNEQUAL)])
def test_blocks_that_the_pair_itself_finds_different(found: Replication) -> None:
    fails(replica, compared(found), "walrus00 counts 4 KiB out of sync")


def test_disks_that_differ_although_the_pair_finds_nothing() -> None:
    fails(replica, compared(Replication(True, NOTHING, UNEQUAL)), "the disks of the pair differ")


def rotted(found: Replication, times: int, proven: bool = True) -> Evidence:
    """So many objects rotted on the original's disk, below DRBD."""
    evidence = compared(found)
    detail = "walrus00:b'/var/lib/eucalyptus/bukkits.on-device/bucket0/object' at byte 143136129 of its disk"
    evidence.receipts = [Receipt(800.0, "corrupt", proven, detail) for _ in range(times)]
    return evidence


def test_a_block_that_rotted_below_drbd_may_stay_as_it_is_when_no_file_holds_it() -> None:
    """What was wrong was copied again, to another place on the device; the manifests of both sides are compared."""
    passes(replica, rotted(Replication(True, FOUR, UNEQUAL), times=1))


def test_rot_explains_no_more_than_what_rotted() -> None:
    fails(replica, rotted(Replication(True, {"walrus00": 8, "walrus01": 8}, UNEQUAL), times=1), "8 KiB out of sync")
    fails(replica, rotted(Replication(True, FOUR, UNEQUAL), times=1, proven=False), "4 KiB out of sync")
    fails(replica, rotted(Replication(True, NOTHING, UNEQUAL), times=1), "the disks of the pair differ")


def test_a_comparison_that_did_not_end() -> None:
    cannot_tell(replica, compared(Replication(False, NOTHING, EQUAL)), "did not compare its blocks to the end")


def test_blocks_that_were_never_written_may_differ_where_the_first_sync_was_skipped() -> None:
    passes(replica, compared(Replication(True, FOUR, UNEQUAL, unwritten_differ=True)))


def test_a_replica_that_cannot_be_mounted() -> None:
    evidence = builders.completed()
    evidence.replica, evidence.replica_refusal = None, "walrus01: `mount` ended with status 32: wrong fs type"
    fails(replica, evidence, "the other side cannot serve", "wrong fs type")
