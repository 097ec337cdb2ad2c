"""DRBD 8.3.12 with the tools of its time.

There is no recording of it: what is claimed follows its sources (tag drbd-8.3.12: user/drbdadm_main.c, drbdsetup.c,
drbdmeta.c, drbd/drbd_proc.c, drbd_nl.c, scripts/drbd-overview.pl) and drbdadm-83 of drbd-utils 9.22.0.
"""

from __future__ import annotations

import pytest

from fakes.program import UnsupportedInvocation
from tests.fakes.pair import Pair


@pytest.fixture
def pair() -> Pair:
    return Pair("8.3")


def test_proc_drbd_names_the_version_of_the_time(pair: Pair) -> None:
    pair.connected()
    assert pair.ok(pair.one, "cat /proc/drbd").splitlines() == [
        "version: 8.3.12 (api:88/proto:86-96)",
        "GIT-hash: e2a8ef4656be026bbae540305fcb998a5991090f build by dag@Build64R6, 2011-11-20 10:57:03",
        "",
        " 1: cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent C r-----",
        "    ns:0 nr:0 dw:0 dr:0 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:102360",
    ]


def test_options_of_drbdsetup_stand_behind_two_dashes(pair: Pair) -> None:
    pair.connected()
    pair.ok(pair.one, "drbdadm -- --overwrite-data-of-peer primary r0")
    assert pair.ok(pair.one, "drbdadm role r0") == "Primary/Secondary\n"
    assert pair.cstate(pair.one) == "SyncSource"


def test_skipping_the_first_sync(pair: Pair) -> None:
    pair.connected()
    pair.ok(pair.one, "drbdadm -- --clear-bitmap new-current-uuid r0")
    assert pair.dstate(pair.other) == "UpToDate/UpToDate"


def test_options_behind_the_command_are_not_known(pair: Pair) -> None:
    pair.connected()
    pair.fails(pair.one, "drbdadm new-current-uuid --clear-bitmap r0", 20, "unrecognized option '--clear-bitmap'")
    pair.fails(pair.one, "drbdadm connect --discard-my-data r0", 20, "unrecognized option '--discard-my-data'")


def test_force_is_an_option_of_drbdadm_itself_and_does_not_force_primary(pair: Pair) -> None:
    pair.connected()
    pair.fails(pair.one, "drbdadm primary --force r0", 17, "Command 'drbdsetup 1 primary' terminated with exit code 17")


def test_giving_way_after_split_brain(pair: Pair) -> None:
    pair.skipped()
    pair.ok(pair.one, "drbdadm secondary r0")
    pair.cut()
    for machine in (pair.one, pair.other):
        pair.ok(machine, "drbdadm primary r0")
        pair.write(machine, machine.name)
    pair.heal()
    assert [pair.cstate(machine) for machine in (pair.one, pair.other)] == ["StandAlone"] * 2
    pair.ok(pair.other, "drbdadm secondary r0", "drbdadm -- --discard-my-data connect r0")
    pair.ok(pair.one, "drbdadm connect r0")
    pair.world.advance(60.0)
    assert pair.dstate(pair.one) == "UpToDate/UpToDate"
    pair.switch_over()
    assert pair.names(pair.other) == ["walrus00"]


def test_metadata_are_made_and_wiped(pair: Pair) -> None:
    assert pair.ok(pair.one, "drbdadm create-md r0").splitlines() == [
        "Writing meta data...",
        "initializing activity log",
        "NOT initialized bitmap",
        "New drbd meta data block successfully created.",
    ]
    assert pair.ok(pair.one, "drbdadm dstate r0") == "Inconsistent/DUnknown\n"
    pair.ok(pair.one, "drbdadm -- --force wipe-md r0")
    assert pair.disk(pair.one).metadata is None


def test_up_without_metadata_is_refused_by_the_kernel(pair: Pair) -> None:
    pair.fails(pair.one, "drbdadm up r0", 1, "1: Failure: (119) No valid meta-data signature found.")


def test_up_twice_is_refused_by_the_kernel(pair: Pair) -> None:
    pair.connected()
    pair.fails(pair.one, "drbdadm up r0", 1, "1: Failure: (124) Device is attached to a disk (use detach first)")
    pair.fails(pair.one, "drbdadm connect r0", 10, "1: Failure: (125) Device has a net-config (use disconnect first)")


def test_a_minor_that_was_down_is_unconfigured_and_one_never_up_is_unknown(pair: Pair) -> None:
    pair.fails(pair.one, "drbdadm role r0", 10, "1: Failure: (127) Device minor not allocated")
    pair.connected()
    pair.ok(pair.one, "drbdadm down r0")
    assert pair.ok(pair.one, "cat /proc/drbd").splitlines()[2:] == ["", " 1: cs:Unconfigured"]
    assert [pair.ok(pair.one, f"drbdadm {word} r0") for word in ("role", "cstate", "dstate")] == ["Unconfigured\n"] * 3
    pair.ok(pair.one, "rmmod drbd", "modprobe drbd", "drbdadm up r0")


def test_without_the_module_drbdadm_asks_for_it_and_down_succeeds(pair: Pair) -> None:
    pair.ok(pair.one, "rmmod drbd")
    pair.fails(pair.one, "drbdadm role r0", 20, "do you need to load the module?\ntry: modprobe drbd\n")
    pair.ok(pair.one, "drbdadm down r0", "drbdadm secondary r0")
    assert "drbd" not in pair.row(pair.one).modules
    assert "DRBD_KERNEL_VERSION_CODE=0x000000\n" in pair.ok(pair.one, "drbdadm --version")


def test_version_is_told_for_programs(pair: Pair) -> None:
    told = pair.ok(pair.one, "drbdadm --version").splitlines()
    assert told[1:] == [
        "DRBDADM_API_VERSION=88",
        "DRBD_KERNEL_VERSION_CODE=0x08030c",
        "DRBDADM_VERSION_CODE=0x08030c",
        "DRBDADM_VERSION=8.3.12",
    ]


def test_status_is_xml(pair: Pair) -> None:
    pair.connected()
    assert pair.ok(pair.one, "drbdadm status").splitlines() == [
        '<drbd-status version="8.3.12" api="88">',
        '<resources config_file="/etc/drbd.conf">',
        '<resource minor="1" name="r0" cs="Connected" ro1="Secondary" ro2="Secondary" ds1="Inconsistent"'
        ' ds2="Inconsistent" />',
        "</resources>",
        "</drbd-status>",
    ]


def test_overview_names_resources_and_what_they_are_used_for(pair: Pair) -> None:
    pair.skipped()
    overview = pair.ok(pair.one, "drbd-overview")
    assert overview == "  1:r0  Connected Primary/Secondary UpToDate/UpToDate C r----- \n"
    pair.ok(pair.one, "mount /dev/drbd1")
    words = pair.ok(pair.one, "drbd-overview").split()
    assert words[6:9] == ["/m", "ext4", "100M"]
    pair.ok(pair.one, "umount /dev/drbd1", "drbdadm secondary r0", "drbdadm disconnect r0")
    assert "StandAlone Secondary/Unknown UpToDate/DUnknown - r-----" in pair.ok(pair.one, "drbd-overview")


def test_overview_shows_the_progress_of_a_sync(pair: Pair) -> None:
    pair.synchronising()
    pair.world.advance(5.0)
    assert "[=========>..........] sync'ed:" in pair.ok(pair.other, "drbd-overview")


def test_overview_without_the_module(pair: Pair) -> None:
    pair.ok(pair.one, "rmmod drbd")
    assert pair.ok(pair.one, "drbd-overview") == "drbd not loaded\n"


def test_a_resource_included_twice_is_defined_twice_and_of_84_once(pair: Pair) -> None:
    new = Pair("8.4")
    for each in (pair, new):
        each.one.files.write("/etc/r0.res", each.one.files.read("/etc/drbd.conf"))
        each.one.files.write("/etc/drbd.conf", b'include "r0.res";\ninclude "/etc/r0.res";\n')
    pair.fails(pair.one, "drbdadm role r0", 10, "conflicting use of resource section 'r0'")
    new.fails(new.one, "drbdadm role r0", 10, "unknown minor")


def test_a_resource_of_other_hosts_is_ignored(pair: Pair) -> None:
    pair.one.node_name = "elsewhere"
    pair.fails(pair.one, "drbdadm up r0", 1, "'r0' ignored, since this host (elsewhere) is not mentioned")
    pair.fails(pair.one, "drbdadm up nosuch", 1, "'nosuch' not defined in your config.\n")


def test_invalidating_alone_needs_no_peer(pair: Pair) -> None:
    pair.skipped()
    pair.ok(pair.other, "drbdadm disconnect r0", "drbdadm invalidate r0")
    assert pair.dstate(pair.other) == "Inconsistent/DUnknown"


def test_syncer_by_hand_as_the_vendor_writes_it(pair: Pair) -> None:
    pair.connected()
    pair.ok(pair.one, "drbdsetup /dev/drbd1 syncer -r 110M")


def test_a_wrong_command_prints_the_usage(pair: Pair) -> None:
    pair.fails(pair.one, "drbdadm frobnicate r0", 1, "USAGE: drbdadm [OPTION...] [-- DRBDSETUP-OPTION...] COMMAND")
    with pytest.raises(UnsupportedInvocation):
        pair.run(pair.one, "drbdadm frobnicate r0 --at-all")
