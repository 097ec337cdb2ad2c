"""A Primary that loses power while it fills its peer: the peer stays Inconsistent, the sync goes on from the bitmap."""

from __future__ import annotations

import pytest

from tests.fakes.pair import Pair

SYNCED_S = 4.0  # of 10 s
DONE_KIB = 40 * 1024
ACTIVITY_LOG_KIB = 12 * 1024


@pytest.fixture
def pair() -> Pair:
    """The Primary has just lost its power, with 40 of 100 MiB brought over."""
    made = Pair().synchronising()
    made.world.advance(SYNCED_S)
    assert made.cstate(made.one) == "SyncSource"
    made.one.power_off()
    return made


def _is_back(pair: Pair) -> None:
    pair.one.power_on()
    pair.ok(pair.one, "modprobe drbd")


def test_the_peer_waits_with_half_a_disk_that_nobody_can_promote_by_asking(pair: Pair) -> None:
    assert (pair.cstate(pair.other), pair.dstate(pair.other)) == ("WFConnection", "Inconsistent/DUnknown")
    pair.fails(pair.other, "drbdadm primary r0", 17, "Need access to UpToDate data")
    pair.fails(pair.other, "mount -t ext4 /dev/drbd1 /m", 32, "")


def test_the_metadata_of_the_primary_remember_that_it_was_one(pair: Pair) -> None:
    _is_back(pair)
    assert pair.ok(pair.one, "drbdadm dstate r0").strip() == "Consistent"
    generations = pair.ok(pair.one, "drbdadm get-gi r0").strip().split(":")
    current, bitmap, flags = generations[0], generations[1], generations[4:]
    assert int(bitmap, 16), "the bitmap counts from the generation that the peer was to reach"
    assert pair.ok(pair.other, "drbdadm get-gi r0").split(":")[0] == bitmap
    assert flags[2] == "1", "it was Primary"
    assert int(current, 16) & 1, "and the generation bears a Primary's mark"


def _oos_kib(pair: Pair) -> int:
    metadata = pair.disk(pair.one).metadata
    assert metadata is not None, "made by create-md"
    return metadata.oos_kib


def test_the_sync_goes_on_in_the_same_direction_with_what_the_activity_log_adds(pair: Pair) -> None:
    _is_back(pair)
    left_kib = _oos_kib(pair)
    assert left_kib < 100 * 1024 - DONE_KIB + 1024
    reply = pair.run(pair.one, "drbdadm up r0")
    assert b"Marked additional 12 MB as out-of-sync based on AL." in reply.stderr
    assert (pair.cstate(pair.one), pair.dstate(pair.one)) == ("SyncSource", "UpToDate/Inconsistent")
    assert left_kib < _oos_kib(pair) <= left_kib + ACTIVITY_LOG_KIB
    pair.world.advance(10.0)
    assert (pair.cstate(pair.other), pair.dstate(pair.other)) == ("Connected", "UpToDate/UpToDate")
    assert ("walrus01", "r0") not in pair.events("sync-source"), "the half-filled side was never the source"


def test_the_primary_can_be_promoted_before_its_peer_is_back(pair: Pair) -> None:
    pair.other.power_off()
    _is_back(pair)
    pair.ok(pair.one, "drbdadm up r0", "drbdadm primary r0")
    assert pair.dstate(pair.one).startswith("UpToDate/")
    pair.other.power_on()
    pair.ok(pair.other, "modprobe drbd", "drbdadm up r0")
    assert pair.cstate(pair.other) == "SyncTarget"
