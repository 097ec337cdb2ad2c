"""Claims about states and refusals that the recordings do not hold, and about everything that could come in between."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.program import Call, UnsupportedInvocation
from fakes.programs import drbd_rules as rules
from fakes.programs.drbd_model import settle
from fakes.programs.drbd_replica import connected_peer, replica
from fakes.world import Metadata
from tests.fakes.pair import CONFIGURATION, MIB, Pair


def test_first_sync_takes_as_long_as_its_speed_says() -> None:
    pair = Pair().synchronising()
    pair.world.advance(5.0)
    assert pair.cstate(pair.other) == "SyncTarget"
    assert pair.dstate(pair.other) == "Inconsistent/UpToDate"
    pair.world.advance(5.0)
    assert pair.cstate(pair.other) == "Connected"
    assert pair.dstate(pair.other) == "UpToDate/UpToDate"


def test_looking_often_does_not_slow_a_sync_down() -> None:
    pair = Pair().synchronising()
    for _ in range(1000):
        pair.world.advance(0.01)
        pair.cstate(pair.one)
    assert pair.cstate(pair.one) == "Connected"


def test_a_stalled_sync_stands_still_and_goes_on() -> None:
    pair = Pair().synchronising()
    pair.world.advance(4.0)
    pair.world.stall_sync(True)
    before = pair.ok(pair.one, "drbdadm status r0")
    pair.world.advance(100.0)
    assert pair.ok(pair.one, "drbdadm status r0") == before
    pair.world.stall_sync(False)
    pair.world.advance(10.0)
    assert pair.cstate(pair.one) == "Connected"


def test_a_device_held_open_is_neither_demoted_nor_taken_down() -> None:
    pair = Pair().skipped()
    pair.ok(pair.one, "mount -t ext4 /dev/drbd1 /m")
    for verb in ("secondary", "down"):
        pair.fails(pair.one, f"drbdadm {verb} r0", 11, "Device is held open by someone")
    pair.ok(pair.one, "umount /m", "drbdadm secondary r0", "drbdadm down r0")


def test_peers_that_are_told_different_ports_never_meet() -> None:
    pair = Pair()
    pair.other.files.write("/etc/drbd.conf", (CONFIGURATION % ("", 7790)).encode())
    pair.connected()
    pair.world.advance(60.0)
    assert [pair.cstate(machine) for machine in (pair.one, pair.other)] == ["WFConnection"] * 2


def test_a_blocked_port_keeps_peers_apart() -> None:
    pair = Pair()
    pair.world.state.blocked_ports.append(7789)
    pair.connected()
    assert pair.cstate(pair.one) == "WFConnection"


def test_a_frozen_peer_is_waited_for_and_found_again() -> None:
    pair = Pair().skipped()
    pair.other.freeze()
    assert pair.cstate(pair.one) == "WFConnection"
    pair.other.thaw()
    pair.world.advance(5.0)
    assert pair.cstate(pair.one) == "Connected"


def test_two_secondaries_that_lost_each_other_meet_without_a_resync() -> None:
    pair = Pair().skipped()
    pair.ok(pair.one, "drbdadm secondary r0")
    pair.cut()
    assert pair.dstate(pair.one) == "UpToDate/DUnknown"
    pair.heal()
    assert pair.dstate(pair.one) == "UpToDate/UpToDate"
    assert not pair.events("sync-source")


def test_data_that_never_met_are_not_connected() -> None:
    pair = Pair()
    for machine in (pair.one, pair.other):
        pair.ok(machine, "drbdadm create-md r0", "drbdadm up r0", "drbdadm disconnect r0")
        pair.ok(machine, "drbdadm primary --force r0", "drbdadm secondary r0", "drbdadm new-current-uuid r0")
        pair.ok(machine, "drbdadm new-current-uuid r0", "drbdadm new-current-uuid r0")
    for machine in (pair.one, pair.other):
        pair.ok(machine, "drbdadm connect r0")
    assert pair.cstate(pair.one) == "StandAlone"


def split(pair: Pair) -> Pair:
    """Both sides were Primary while the cable was out; now the first one is."""
    pair.ok(pair.one, "drbdadm secondary r0")
    pair.cut()
    pair.ok(pair.other, "drbdadm primary r0", "drbdadm secondary r0")
    pair.ok(pair.one, "drbdadm primary r0")
    return pair


def test_data_that_a_policy_discards_are_told_of() -> None:
    pair = split(Pair(net="after-sb-1pri discard-secondary;").skipped())
    pair.heal()
    assert pair.cstate(pair.one) == "Connected"
    told = [told for told in pair.events("destroy") if "discard" in told[1]]
    assert told == [("walrus01", "after-sb policy: discard the data of r0")]


def test_nothing_is_discarded_where_the_policy_is_to_part() -> None:
    pair = split(Pair().skipped())
    pair.heal()
    assert pair.cstate(pair.one) == "StandAlone"
    assert not [told for told in pair.events("destroy") if "discard" in told[1]]


def test_a_healed_cable_lets_the_peers_meet_though_nobody_looks() -> None:
    pair = Pair().skipped()
    pair.cut()
    pair.cstate(pair.one)
    pair.heal()
    assert pair.events("connection")[-2:] == [("walrus00", "Connected"), ("walrus01", "Connected")]


def test_a_split_that_lies_further_back_is_no_case_for_a_policy() -> None:
    pair = Pair(net="after-sb-0pri discard-zero-changes;").skipped()
    pair.ok(pair.one, "drbdadm secondary r0")
    pair.cut()
    for machine in (pair.one, pair.other):
        pair.ok(machine, "drbdadm primary r0", "drbdadm secondary r0", "drbdadm disconnect r0")
        pair.ok(machine, "drbdadm new-current-uuid r0")
    pair.heal()
    for machine in (pair.one, pair.other):
        pair.ok(machine, "drbdadm connect r0")
    assert pair.cstate(pair.one) == "StandAlone"


def test_a_primary_that_would_have_to_take_the_peers_data_drops_the_connection() -> None:
    pair = Pair().skipped()
    pair.ok(pair.other, "drbdadm disconnect r0")
    pair.ok(pair.one, "drbdadm secondary r0", "drbdadm disconnect r0")
    pair.ok(pair.other, "drbdadm new-current-uuid r0", "drbdadm connect r0")
    metadata = pair.disk(pair.one).metadata
    assert metadata is not None
    pair.side(pair.one).role = "Primary"  # without a generation of its own, as a kernel of the past might have done
    pair.ok(pair.one, "drbdadm connect r0")
    assert pair.cstate(pair.one) == "StandAlone"


@pytest.mark.parametrize("policy", ["discard-younger-primary", "discard-least-changes", "call-pri-lost-after-sb"])
def test_a_policy_after_split_brain_that_is_not_modelled_is_refused_loudly(policy: str) -> None:
    pair = Pair(net=f"after-sb-0pri {policy};").skipped()
    pair.ok(pair.one, "drbdadm secondary r0")
    pair.cut()
    for machine in (pair.one, pair.other):
        pair.ok(machine, "drbdadm primary r0", "drbdadm secondary r0")
    pair.heal()
    assert pair.cstate(pair.one) == "StandAlone"
    assert pair.world.state.unsupported == [f"walrus00: when r0 met its peer: after-sb-0pri {policy} is not modelled"]


@pytest.mark.parametrize(
    "line",
    [
        "drbdadm resize --size=50M r0",
        "drbdadm frobnicate-nobody-models-this r0 --at-all",
        "drbdadm -d up r0",
        "drbdadm show-gi r0",
        "drbdsetup events2",
        "drbdmeta 1 v09 /dev/sdb internal create-md",
        "mount -o loop /dev/drbd1 /m",
        "mount --bind /m /n",
        "mount -t nfs /dev/drbd1 /m",
        "umount -l /m",
        "findmnt /m",
        "blkid",
        "wipefs -o 0x438 /dev/sdb",
        "lsblk",
        "blockdev --setro /dev/sdb",
        "mkfs.ext4 -L label /dev/drbd1",
        "modprobe -r drbd",
        "rmmod lru_cache",
    ],
)
def test_what_is_not_modelled_never_succeeds(line: str) -> None:
    pair = Pair().skipped()
    with pytest.raises(UnsupportedInvocation):
        pair.run(pair.one, line)


def test_the_tools_that_play_84_have_dropped_drbd_overview() -> None:
    pair = Pair().skipped()
    reply = pair.run(pair.one, "drbd-overview")
    assert (reply.exit_status, reply.stdout) == (127, b"")


def test_a_user_other_than_root_cannot_run_drbdadm() -> None:
    with pytest.raises(UnsupportedInvocation):
        Pair().run(Pair().one, "drbdadm role r0", user="eucalyptus")


def test_a_power_cut_takes_all_that_the_kernel_knew_and_leaves_the_metadata() -> None:
    pair = Pair().skipped()
    pair.one.power_off()
    pair.one.power_on()
    assert "No such file" in pair.run(pair.one, "cat /proc/drbd").stderr.decode()
    metadata = pair.disk(pair.one).metadata
    assert metadata is not None
    assert metadata.primary
    assert pair.ok(pair.one, "drbdadm dstate r0") == "Consistent\n"


def test_everything_of_note_is_told_to_the_world() -> None:
    pair = Pair().synchronising()
    pair.world.advance(60.0)
    pair.ok(pair.one, "mkfs.ext4 -q /dev/drbd1", "mount -t ext4 /dev/drbd1 /m", "umount /m")
    pair.ok(pair.one, "drbdadm secondary r0")
    one, other = "walrus00", "walrus01"
    assert pair.events("destroy") == [
        (one, "drbdadm create-md r0"),
        (other, "drbdadm create-md r0"),
        (one, "drbdadm primary --overwrite-data-of-peer r0"),
        (one, "mkfs.ext4 -q /dev/drbd1"),
    ]
    assert pair.events("role") == [(one, "Primary"), (one, "Secondary")]
    assert pair.events("sync-source") == [(one, "r0")]
    assert pair.events("sync-target") == [(other, "r0")]
    assert pair.events("sync-done") == [(one, "r0")]
    assert pair.events("mount") == pair.events("unmount") == [(one, "/dev/drbd1 /m")]
    assert (other, "Inconsistent") in pair.events("disk")
    assert pair.events("disk")[-1] == (other, "UpToDate")
    assert (one, "WFConnection") in pair.events("connection")


def test_refused_commands_destroy_nothing() -> None:
    pair = Pair().skipped()
    before = len(pair.events("destroy"))
    refused = ["drbdadm create-md r0", "mkfs.ext4 -q /dev/sdb", "wipefs -a /dev/sdb", "drbdadm up r0"]
    for line in refused:
        assert pair.run(pair.one, line).exit_status != 0
    pair.run(pair.one, "drbdadm primary --force r0")  # it is Primary already
    assert len(pair.events("destroy")) == before


_COMMANDS = (
    "create-md r0", "up r0", "down r0", "attach r0", "detach r0", "connect r0", "disconnect r0", "primary r0",
    "primary --force r0", "secondary r0", "invalidate r0", "invalidate-remote r0", "outdate r0", "verify r0",
    "pause-sync r0", "resume-sync r0", "new-current-uuid --clear-bitmap r0", "connect --discard-my-data r0",
    "adjust r0",
)  # fmt: skip
_STEP = st.one_of(
    st.tuples(st.sampled_from(["one", "other"]), st.sampled_from(_COMMANDS)),
    st.tuples(st.just("world"), st.sampled_from(["cut", "heal", "wait a moment", "wait long", "mount", "umount"])),
    st.tuples(st.sampled_from(["off", "on"]), st.sampled_from(["one", "other"])),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_STEP, max_size=40))
def test_whatever_happens_both_sides_agree_and_never_are_both_primary_together(steps: list[tuple[str, str]]) -> None:
    pair = Pair().connected()
    for step in steps:
        try:
            _take(pair, *step)
        except UnsupportedInvocation:
            return  # honest, and the end of this history
        _check(pair)


def _take(pair: Pair, who: str, what: str) -> None:
    machines = {"one": pair.one, "other": pair.other}
    if who in machines:
        if pair.row(machines[who]).powered:
            pair.run(machines[who], f"drbdadm {what}")
    elif who in ("off", "on"):
        machine = machines[what]
        if pair.row(machine).powered != (who == "on"):
            machine.power_on() if who == "on" else machine.power_off()
    elif what == "cut":
        pair.cut()
    elif what == "heal":
        pair.heal()
    elif what.startswith("wait"):
        pair.world.advance(60.0 if what == "wait long" else 0.5)
    elif pair.row(pair.one).powered:
        pair.run(pair.one, "mount -t ext4 /dev/drbd1 /m" if what == "mount" else "umount /m")


def _check(pair: Pair) -> None:
    state = pair.world.state
    settle(state, pair.world.now)
    sides = [replica(state, row, "r0") for row in state.hosts.values()]
    for one in (side for side in sides if side is not None and side.talking):
        other = connected_peer(one)
        assert other is not None, "talks to nobody"
        assert other.state == rules.mirrored(one.state, one.side.paused_by_peer)
        assert (one.side.role, other.side.role) != ("Primary", "Primary")
        assert rules.sanitised(one.state) == one.state
        ours, theirs = one.metadata, other.metadata
        if one.side.connection in rules.SYNCING and ours and theirs:
            assert ours.oos_kib == theirs.oos_kib
        if {one.side.disk, other.side.disk} == {"UpToDate"} and one.side.connection == "Connected" and ours and theirs:
            assert ours.current_uuid & ~1 == theirs.current_uuid & ~1
    for one in (side for side in sides if side is not None):
        assert (one.side.disk == "Diskless") == (one.side.backing == "")
        assert _within(one.metadata, one.size_kib)


def _within(metadata: Metadata | None, size_kib: int) -> bool:
    return metadata is None or 0 <= metadata.oos_kib <= max(size_kib, 100 * MIB // 1024)


def test_the_same_calls_give_the_same_world() -> None:
    worlds = []
    for _ in range(2):
        pair = Pair().synchronised()
        pair.switch_over()
        pair.one.execute(Call(("drbdadm", "get-gi", "r0")))
        worlds.append(pair.world.state)
    assert worlds[0] == worlds[1]
