"""A kernel's console log becomes the events that the fakes would have recorded, in epoch seconds."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Any

import pytest

from harness.checks.replay import KINDS
from harness.evidence import Event
from harness.labs.machine_events import kernel_events, merged

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "kernel-log"


def golden(host: str) -> list[Event]:
    return kernel_events(host, (GOLDEN / f"{host}.txt").read_text(), "r0")


@pytest.fixture(scope="module")
def both() -> list[Event]:
    return merged(golden("walrus00"), golden("walrus01"))


def told(events: list[Event], host: str, after: str = "", until: str = "") -> list[str]:
    """Kind and detail of a host's events, from the first that reads ``after`` up to the next that reads ``until``."""
    words = [f"{event.kind} {event.detail}" for event in events if event.host == host]
    begin = words.index(after) if after else 0
    end = words.index(until, begin) + 1 if until else len(words)
    return words[begin:end]


def test_every_kind_is_one_that_the_checks_know(both: list[Event]) -> None:
    assert {event.kind for event in both} <= KINDS


def test_a_pair_comes_up_and_the_first_sync_runs_to_its_end(both: list[Event]) -> None:
    assert told(both, "walrus00", until="sync-done r0") == [
        *("disk Attaching", "disk Inconsistent", "connection Unconnected", "connection WFConnection"),
        *("connection WFReportParams", "connection Connected"),
        *("role Primary", "disk UpToDate", "destroy drbdadm primary --force r0"),
        *("connection WFBitMapS", "connection SyncSource", "sync-source r0", "sync-done r0"),
    ]
    target = told(both, "walrus01", "connection WFBitMapT", "disk UpToDate")
    assert target[-4:] == ["sync-target r0", "sync-done r0", "connection Connected", "disk UpToDate"]


def test_a_cut_link_heals_and_only_what_was_missed_is_sent(both: list[Event]) -> None:
    lost = told(both, "walrus01", "connection NetworkFailure", "disk UpToDate")
    assert lost == [
        *("connection NetworkFailure", "connection Unconnected", "connection WFConnection"),
        *("connection WFReportParams", "connection WFBitMapT", "disk Outdated", "connection WFSyncUUID"),
        *("connection SyncTarget", "disk Inconsistent", "sync-target r0"),
        *("sync-done r0", "connection Connected", "disk UpToDate"),
    ]


def test_a_host_that_starts_again_says_so_before_anything_else(both: list[Event]) -> None:
    assert told(both, "walrus01", "power on")[:3] == ["power on", "disk Attaching", "disk UpToDate"]
    assert told(both, "walrus00").count("power on") == 0


def test_a_split_brain_is_a_complaint_and_the_connection_falls(both: list[Event]) -> None:
    line = "complaint block drbd1: Split-Brain detected but unresolved, dropping connection!"
    for host in ("walrus00", "walrus01"):
        fall = told(both, host, line)
        assert fall[:3] == [line, "connection Disconnecting", "connection StandAlone"]
    assert "destroy drbdadm connect --discard-my-data r0" in told(both, "walrus01", line)
    assert "destroy drbdadm connect --discard-my-data r0" not in told(both, "walrus00", line)


def test_a_skipped_first_sync_destroys_and_syncs_nothing(both: list[Event]) -> None:
    skipped = told(both, "walrus00", "destroy drbdadm new-current-uuid --clear-bitmap r0", "role Primary")
    assert skipped == ["destroy drbdadm new-current-uuid --clear-bitmap r0", "disk UpToDate", "role Primary"]


def test_an_invalidated_side_is_destroyed_there_alone(both: list[Event]) -> None:
    assert told(both, "walrus01").count("destroy drbdadm invalidate r0") == 2
    assert told(both, "walrus00").count("destroy drbdadm invalidate r0") == 0


def test_a_broken_disk_is_detached_under_complaints(both: list[Event]) -> None:
    broken = told(both, "walrus00", "complaint block drbd1: local READ IO error sector 15944+2 on dm-0")
    assert broken[1] == "disk Failed"
    assert "disk Diskless" in broken[2:10]


def test_blocks_that_differ_are_complaints_and_change_no_state() -> None:
    events = kernel_events("walrus00", (GOLDEN / "differing-blocks.txt").read_text(), "r0")
    begin = [event.detail for event in events].index("VerifyS")
    assert [f"{event.kind} {event.detail}" for event in events[begin:]] == [
        "connection VerifyS",
        "complaint block drbd1: Out of sync: start=278944, size=8 (sectors)",
        "complaint block drbd1: Online verify found 1 4k block out of sync!",
        "connection Connected",
    ]


def test_both_hosts_tell_the_time_of_one_change_alike(both: list[Event]) -> None:
    for kind, detail in (("sync-done", "r0"), ("connection", "StandAlone")):
        first, second = (
            [event.at for event in golden(host) if (event.kind, event.detail) == (kind, detail)]
            for host in ("walrus00", "walrus01")
        )
        near = [min(abs(one - other) for other in first) for one in second]
        assert max(near) < 0.1, (kind, near)


LOG = """
[    0.000000] Linux version 6.1.176 (gcc)
[    1.500000] walrus-lab: clock 1000.000000
[    2.000000] walrus-lab: mount /dev/drbd1 /var/lib/eucalyptus/bukkits
sshd says something and is cut short[    2.100000] walrus-lab: destroy wipefs -a /dev/drbd1
walrus-lab: destroy nothing, for no kernel said so
[    3.000000] walrus-lab: unmount /dev/drbd1 /var/lib/eucalyptus/bukkits
[    4.000000] walrus-lab: destroy mkfs.ext4 -q /dev/drbd1
[    5.000000] walrus-lab: clock 1003.520000
[    0.000000] Linux version 6.1.176 (gcc)
[    1.000000] block drbd1: role( Secondary -> Primary )
[    0.000000] Linux version 6.1.176 (gcc)
[    0.000000] Kernel command line: umid=walrus00 root=/dev/ubda lab.name=walrus00 lab.rescue=1 console=tty0
[    1.000000] walrus-lab: clock 1010.000000
[    1.000000] block drbd1: role( Secondary -> Primary )
[    0.000000] Linux version 6.1.176 (gcc)
[    1.000000] walrus-lab: clock 1020.000000
[    1.100000] block drbd1: role( Secondary -> Prim"""


def test_mounts_and_destroying_programs_are_told_by_the_lab() -> None:
    assert [(round(event.at, 2), event.kind, event.detail) for event in kernel_events("walrus00", LOG, "r0")] == [
        (1000.52, "mount", "/dev/drbd1 /var/lib/eucalyptus/bukkits"),
        (1000.62, "destroy", "wipefs -a /dev/drbd1"),
        (1001.52, "unmount", "/dev/drbd1 /var/lib/eucalyptus/bukkits"),
        (1002.52, "destroy", "mkfs.ext4 -q /dev/drbd1"),
        (1019.0, "power", "on"),
    ]


def test_boots_without_a_clock_and_boots_for_the_lab_alone_tell_nothing() -> None:
    assert not [event for event in kernel_events("walrus00", LOG, "r0") if event.kind == "role"]


def test_what_a_look_of_the_lab_reads_is_no_complaint_of_the_trial() -> None:
    log = """
[    1.000000] walrus-lab: clock 1000.000000
[    2.000000] walrus-lab: look dm-1
[    2.100000] EXT4-fs error (device dm-1): ext4_lookup:1785: inode #2: comm python3: deleted inode referenced: 12
[    2.200000] EXT4-fs error (device dm-11): ext4_lookup:1785: inode #2: comm python3: deleted inode referenced: 12
"""
    complaints = [event.detail for event in kernel_events("walrus00", log, "r0")]
    assert len(complaints) == 1
    assert "dm-11" in complaints[0]


def test_an_empty_log_tells_nothing() -> None:
    assert kernel_events("walrus00", "", "r0") == []


@pytest.fixture(scope="module")
def mountwatch() -> Any:
    path = ROOT / "images" / "machine" / "mountwatch.py"
    spec = importlib.util.spec_from_file_location("mountwatch", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_watch_tells_of_disks_and_not_of_the_root_or_the_labs_own_looks(mountwatch: Any) -> None:
    mounts = (
        b"/dev/root / ext4 rw 0 0\nproc /proc proc rw 0 0\n/dev/drbd1 /var/lib/euca\\040store ext4 rw 0 0\n"
        b"/dev/mapper/look /run/walrus-lab/look ext4 ro 0 0\n"
    )
    assert mountwatch.mounted(io.BytesIO(mounts)) == [("/dev/drbd1", "/var/lib/euca store")]


def test_the_watch_counts_a_device_that_is_mounted_twice(mountwatch: Any) -> None:
    one = ("/dev/drbd1", "/a")
    assert mountwatch.minus([one, one], [one]) == [one]
    assert mountwatch.minus([one], [one, one]) == []
