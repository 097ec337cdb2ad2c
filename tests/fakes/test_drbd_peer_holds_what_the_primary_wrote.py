"""The content of the replicated device, as either side would find it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.program import UnsupportedInvocation
from fakes.simulated import SimulatedMachine
from fakes.world import Disk
from tests.fakes.pair import MIB, Pair


def test_a_switch_over_shows_everything_the_primary_wrote() -> None:
    pair = Pair().synchronised()
    pair.write(pair.one, "object")
    pair.switch_over()
    assert pair.names(pair.other) == ["object"]


def test_what_was_written_during_the_first_sync_is_there_after_it() -> None:
    pair = Pair().synchronising()
    pair.ok(pair.one, "mkfs.ext4 -q /dev/drbd1")
    pair.write(pair.one, "early")
    pair.world.advance(60.0)
    pair.switch_over()
    assert pair.names(pair.other) == ["early"]


def test_skipping_the_first_sync_before_anything_is_written_loses_nothing() -> None:
    pair = Pair().skipped()
    pair.write(pair.one, "object")
    pair.switch_over()
    assert pair.names(pair.other) == ["object"]


def _skipped_over_data() -> Pair:
    """The first side had a file system, shrunk beforehand, when both were declared equal."""
    pair = Pair()
    disk = pair.disk(pair.one)
    disk.signature, disk.image, disk.filesystem_kib = "ext4", "sdb", 90 * 1024
    pair.one.files.make_image("sdb")
    pair.ok(pair.one, "drbdadm create-md --force r0", "drbdadm up r0")
    pair.ok(pair.other, "drbdadm create-md r0", "drbdadm up r0")
    pair.ok(pair.one, "drbdadm -- --clear-bitmap new-current-uuid r0", "drbdadm primary r0")
    pair.write(pair.one, "object")
    return pair


def test_skipping_the_first_sync_over_data_leaves_the_peer_without_them() -> None:
    pair = _skipped_over_data()
    assert pair.dstate(pair.other) == "UpToDate/UpToDate"
    pair.switch_over()
    pair.fails(pair.other, "mount -t ext4 /dev/drbd1 /m", 32, "wrong fs type")


def test_a_resync_of_later_writes_does_not_mend_what_skipping_left_different() -> None:
    pair = _skipped_over_data()
    pair.cut()
    pair.write(pair.one, "later")
    pair.heal()
    pair.world.advance(60.0)
    assert pair.dstate(pair.other) == "UpToDate/UpToDate"
    pair.switch_over()
    pair.fails(pair.other, "mount -t ext4 /dev/drbd1 /m", 32, "wrong fs type")


def test_a_verify_finds_what_skipping_left_different_and_a_resync_mends_it() -> None:
    pair = _skipped_over_data()
    pair.ok(pair.one, "drbdadm verify r0")
    pair.world.advance(60.0)
    assert "oos:0" not in pair.ok(pair.one, "cat /proc/drbd")
    pair.ok(pair.one, "drbdadm disconnect r0", "drbdadm connect r0")
    pair.world.advance(60.0)
    pair.switch_over()
    assert pair.names(pair.other) == ["object"]


def test_clearing_the_bitmap_alone_makes_the_peer_copy_everything() -> None:
    pair = Pair().synchronised()
    pair.write(pair.one, "known")
    pair.ok(pair.one, "drbdadm disconnect r0")
    pair.write(pair.one, "unmarked")
    pair.ok(pair.one, "drbdadm new-current-uuid --clear-bitmap r0", "drbdadm connect r0")
    metadata = pair.disk(pair.one).metadata
    assert metadata is not None
    assert metadata.oos_kib == pair.disk(pair.other).size_bytes // 1024 - 40  # all but the metadata
    pair.world.advance(60.0)
    pair.switch_over()
    assert pair.names(pair.other) == ["known", "unmarked"]


def test_what_was_written_alone_follows_when_the_link_heals() -> None:
    pair = Pair().synchronised()
    pair.cut()
    pair.write(pair.one, "alone")
    pair.heal()
    pair.world.advance(60.0)
    pair.switch_over()
    assert pair.names(pair.other) == ["alone"]


def test_the_peer_keeps_the_state_of_the_instant_the_link_was_cut() -> None:
    pair = Pair().synchronised()
    pair.ok(pair.one, "mount -t ext4 /dev/drbd1 /m")
    pair.one.files.write("/m/before", b"")
    pair.cut()
    pair.one.files.write("/m/after", b"")
    pair.ok(pair.other, "drbdadm primary r0")
    assert pair.names(pair.other) == ["before"]


def test_after_a_power_cut_the_peer_has_what_was_flushed_and_no_more() -> None:
    pair = Pair().synchronised()
    pair.ok(pair.one, "mount -t ext4 /dev/drbd1 /m")
    pair.one.files.write("/m/flushed", b"")
    pair.one.files.sync()
    pair.one.files.write("/m/lost", b"")
    pair.one.power_off()
    pair.ok(pair.other, "drbdadm primary r0")
    assert pair.names(pair.other) == ["flushed"]


def test_a_half_filled_peer_forced_to_be_primary_shows_no_file_system() -> None:
    pair = Pair().synchronising()
    pair.ok(pair.one, "mkfs.ext4 -q /dev/drbd1")
    pair.world.advance(2.0)
    pair.one.power_off()
    pair.fails(pair.other, "drbdadm primary r0", 17, "Need access to UpToDate data")
    pair.fails(pair.other, "mount -t ext4 /dev/drbd1 /m", 32, "Wrong medium type")
    pair.ok(pair.other, "drbdadm primary --force r0")
    pair.fails(pair.other, "mount -t ext4 /dev/drbd1 /m", 32, "wrong fs type")


def test_a_side_that_lost_its_peer_while_it_took_everything_anew_has_lost_its_file_system() -> None:
    pair = Pair().synchronised()
    pair.ok(pair.one, "drbdadm secondary r0")
    pair.ok(pair.other, "drbdadm invalidate r0")
    pair.world.advance(2.0)
    pair.one.power_off()
    pair.ok(pair.other, "drbdadm primary --force r0")
    assert "ext4" in pair.ok(pair.other, "blkid -p /dev/drbd1")
    pair.fails(pair.other, "mount -t ext4 /dev/drbd1 /m", 32, "wrong fs type")


def test_a_sync_interrupted_and_resumed_brings_everything() -> None:
    pair = Pair().synchronising()
    pair.ok(pair.one, "mkfs.ext4 -q /dev/drbd1")
    pair.write(pair.one, "object")
    pair.world.advance(4.0)
    pair.cut()
    pair.world.advance(10.0)
    assert pair.dstate(pair.other) == "Inconsistent/DUnknown"
    left = pair.disk(pair.one).metadata
    assert left is not None
    assert 0 < left.oos_kib < 100 * 1024 - 30 * 1024
    pair.heal()
    pair.world.advance(60.0)
    pair.switch_over()
    assert pair.names(pair.other) == ["object"]


def test_invalidating_takes_the_peers_data() -> None:
    pair = Pair().synchronised()
    pair.write(pair.one, "object")
    pair.ok(pair.one, "drbdadm secondary r0")
    pair.ok(pair.other, "drbdadm invalidate r0")
    pair.world.advance(60.0)
    pair.ok(pair.other, "drbdadm primary r0")
    assert pair.names(pair.other) == ["object"]


def test_a_disk_written_past_drbd_is_not_what_the_peer_has() -> None:
    pair = Pair().synchronised()
    pair.write(pair.one, "object")
    pair.ok(pair.one, "drbdadm down r0", "mount -t ext4 /dev/sdb /n")
    pair.one.files.write("/n/smuggled", b"")
    pair.ok(pair.one, "umount /n", "drbdadm up r0")
    assert pair.dstate(pair.one) == "UpToDate/UpToDate"
    pair.ok(pair.other, "drbdadm primary r0")
    assert pair.names(pair.other) == ["object"]


def test_wiped_signatures_leave_nothing_to_mount_but_bytes_that_create_md_sees() -> None:
    pair = Pair().skipped()
    pair.ok(pair.one, "wipefs -a /dev/drbd1")
    for machine in (pair.one, pair.other):
        assert pair.disk(machine).image is None
        pair.ok(machine, "drbdadm down r0", "drbdadm -- --force wipe-md r0")
        assert pair.run(machine, "blkid -p /dev/sdb").exit_status == 2
        pair.fails(machine, "drbdadm create-md r0", 1, "This might destroy existing data!")


def test_a_planted_signature_wiped_leaves_bytes_that_create_md_sees() -> None:
    pair = Pair()
    pair.disk(pair.one).signature = "LVM2_member"
    pair.ok(pair.one, "wipefs -a /dev/sdb")
    pair.fails(pair.one, "drbdadm create-md r0", 1, "Found some data")


def test_reading_through_the_peers_disk_is_not_modelled() -> None:
    pair = Pair().skipped()
    pair.ok(pair.one, "drbdadm detach r0")
    with pytest.raises(UnsupportedInvocation):
        pair.run(pair.one, "mount -t ext4 /dev/drbd1 /m")


def test_an_unequal_pair_is_as_large_as_the_smaller_disk() -> None:
    pair = Pair()
    pair.row(pair.other).disks["/dev/sdb"] = Disk("/dev/sdb", 64 * MIB)
    pair.connected()
    pair.ok(pair.one, "drbdadm primary --force r0")
    assert int(pair.ok(pair.one, "blockdev --getsize64 /dev/drbd1")) < 64 * MIB


_VERBS = ("primary", "primary --force", "secondary", "disconnect", "connect", "down", "up", "outdate", "adjust")
_OTHER_STEPS = ("mount", "umount", "write", "write", "off", "on", "cut", "heal", "wait")
_STEP = st.tuples(
    st.sampled_from(["one", "other"]),
    st.sampled_from([*(f"drbdadm {verb} r0" for verb in _VERBS), *_OTHER_STEPS]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_STEP, max_size=40))
def test_whatever_happens_sides_that_end_up_to_date_together_hold_the_same(steps: list[tuple[str, str]]) -> None:
    pair = Pair().synchronised()
    try:
        for number, (who, what) in enumerate(steps):
            _take(pair, pair.one if who == "one" else pair.other, what, f"file-{number}")
        _heal(pair)
        if pair.dstate(pair.one) != "UpToDate/UpToDate":
            return  # split brain waits for a person
        assert _shown(pair, pair.one) == _shown(pair, pair.other)
    except UnsupportedInvocation:
        return  # honest, and the end of this history


def _take(pair: Pair, machine: SimulatedMachine, what: str, name: str) -> None:
    powered, is_cut = pair.row(machine).powered, bool(pair.world.state.cut_links)
    if what == "wait":
        pair.world.advance(5.0)
    elif what in ("cut", "heal") and is_cut == (what == "heal"):
        pair.cut() if what == "cut" else pair.heal()
    elif what in ("on", "off") and powered == (what == "off"):
        machine.power_on() if what == "on" else machine.power_off()
    elif powered and what == "write" and pair.row(machine).mounts:
        machine.files.write(f"/m/{name}", b"")
    elif powered and what in ("mount", "umount"):
        pair.run(machine, "mount -t ext4 /dev/drbd1 /m" if what == "mount" else "umount /m")
    elif powered and what.startswith("drbdadm"):
        pair.run(machine, what)


def _heal(pair: Pair) -> None:
    machines = (pair.one, pair.other)
    for machine in machines:
        if not pair.row(machine).powered:
            machine.power_on()
        pair.run(machine, "umount /m")
    if pair.world.state.cut_links:
        pair.heal()
    for machine in machines:
        for verb in ("up", "secondary", "connect"):
            pair.run(machine, f"drbdadm {verb} r0")
    pair.world.advance(60.0)


def _shown(pair: Pair, machine: SimulatedMachine) -> list[str] | None:
    """The names on the device; None where nothing can be mounted, as after a forced half-filled side."""
    pair.ok(machine, "drbdadm primary r0")
    found = None if pair.disk(machine).garbage else pair.names(machine)
    pair.ok(machine, "drbdadm secondary r0")
    return found
