"""Hosts of the privileged lab see the kernel that they share as theirs alone, and its faults are what that leaves."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.errors import FaultNotProven
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, ROLES, Start, StoreSpec
from harness.labs.machine_cleanup import left_over, sweep, watch_over
from harness.labs.machine_host import MachineHost
from harness.labs.machine_network import PAIR
from harness.labs.privileged_faults import PrivilegedFaults
from harness.labs.privileged_rack import PrivilegedRack, rack
from harness.labs.privileged_truth import PrivilegedTruth

pytestmark = pytest.mark.xdist_group("privileged")

DEVICE_BYTES = 32 * 1024 * 1024
CONFIGURATION = """\
resource r0 {
  disk { resync-rate 40M; c-plan-ahead 0; }
  on walrus00 { device /dev/drbd1; disk /dev/mapper/walrus-disk; address 198.19.0.2:7789; meta-disk internal; }
  on walrus01 { device /dev/drbd1; disk /dev/mapper/walrus-disk; address 198.19.0.3:7789; meta-disk internal; }
}
"""
CONNECT_S = 20.0


@pytest.fixture(scope="module")
def lab(require_lab: Callable[[str], None]) -> Iterator[PrivilegedRack]:
    require_lab("privileged")
    run_id = secrets.token_hex(4)
    with contextlib.ExitStack() as ending:
        ending.callback(watch_over(run_id).dismiss)
        run = rack(run_id, Start(store=StoreSpec(objects=3, bytes=300), device_bytes=DEVICE_BYTES))
        ending.callback(run.tear_down)
        run.bring_up()
        yield run


@pytest.fixture(scope="module")
def pair(lab: PrivilegedRack) -> PrivilegedRack:
    """Both hosts with the configuration that the engine writes, synced."""
    for role in PAIR:
        host = lab.hosts[role]
        host.execute("sh", "-c", "cat >/etc/drbd.d/r0.res", stdin=CONFIGURATION)
        host.execute("sh", "-c", "modprobe drbd && drbdadm create-md r0 </dev/null && drbdadm up r0")
    wait_for(lab, "cstate", "Connected")
    lab.hosts[ORIGINAL].execute("drbdadm", "primary", "--force", "r0")
    wait_for(lab, "dstate", "UpToDate/UpToDate")
    lab.hosts[ORIGINAL].execute("drbdadm", "secondary", "r0")
    return lab


def wait_for(lab: PrivilegedRack, word: str, wanted: str) -> None:
    """Until drbdadm says so on the original."""
    deadline = time.monotonic() + CONNECT_S
    while (said := lab.hosts[ORIGINAL].execute("drbdadm", word, "r0", ok=(0, 10)).text.strip()) != wanted:
        assert time.monotonic() < deadline, f"{word} is {said}, not {wanted}, after {CONNECT_S:g} s"
        time.sleep(0.2)


def test_each_host_has_its_name_and_address(lab: PrivilegedRack) -> None:
    for role in ROLES:
        host = lab.hosts[role]
        assert host.execute("uname", "-n").text.strip() == host.plan.name
        assert host.address in host.execute("ip", "-o", "addr", "show", "dev", "vec0").text


def test_the_machines_own_file_system_is_not_writable_in_the_labs_kernel(lab: PrivilegedRack) -> None:
    root = lab.guest.execute("findmnt", "-n", "-o", "FSTYPE,OPTIONS", "/").split()
    assert root[0] == "hostfs"
    assert root[1].split(",")[0] == "ro"


def test_the_module_is_there_for_a_host_that_loaded_it_and_for_no_other(lab: PrivilegedRack) -> None:
    one, other = (lab.hosts[role] for role in PAIR)
    one.execute("modprobe", "drbd")
    assert has_drbd(one)
    assert not has_drbd(other)
    assert other.execute("cat", "/proc/drbd", ok=(1,)).stderr == b"cat: /proc/drbd: No such file or directory\n"
    one.execute("rmmod", "drbd")
    assert not has_drbd(one)


def has_drbd(host: MachineHost) -> bool:
    """As a host sees it."""
    return any(line.startswith("drbd ") for line in host.execute("cat", "/proc/modules").text.splitlines())


def test_both_sides_speak_of_the_same_resource_and_minor(pair: PrivilegedRack) -> None:
    for role in PAIR:
        host = pair.hosts[role]
        assert host.execute("drbdadm", "role", "r0").text == "Secondary/Secondary\n"
        assert host.execute("drbdadm", "dstate", "r0").text == "UpToDate/UpToDate\n"
        told = host.execute("cat", "/proc/drbd").text
        assert [line.strip()[:15] for line in told.splitlines() if "cs:" in line] == ["1: cs:Connected"]
        assert "minor 1;" in host.execute("drbdsetup", "show", "r0").text
        assert "walrus0" not in host.execute("drbdsetup", "status").text


def test_what_is_written_on_one_side_is_read_on_the_other(pair: PrivilegedRack) -> None:
    one, other = (pair.hosts[role] for role in PAIR)
    one.execute(
        "sh", "-ec", "drbdadm primary r0; mkfs.ext4 -q /dev/drbd1; mount /dev/drbd1 /mnt; echo whole >/mnt/object"
    )
    assert one.execute("grep", "-c", "^/dev/drbd1 /mnt ", "/proc/mounts").text == "1\n"
    refused = other.execute("drbdadm", "primary", "r0", ok=range(1, 256))
    assert refused.exit_status == 11
    assert refused.stderr.startswith(b"1: State change failed")
    one.execute("sh", "-ec", "umount /mnt; drbdadm secondary r0")
    assert other.execute("sh", "-ec", "drbdadm primary r0; mount /dev/drbd1 /mnt; cat /mnt/object").text == "whole\n"
    other.execute("sh", "-ec", "umount /mnt; drbdadm secondary r0")
    events = [(event.host, event.kind, event.detail) for event in PrivilegedTruth(pair).events()]
    assert (one.plan.name, "mount", "/dev/drbd1 /mnt") in events
    assert (other.plan.name, "mount", "/dev/drbd1 /mnt") in events
    assert (other.plan.name, "destroy", "mkfs.ext4 -q /dev/drbd1") not in events


def test_a_cut_link_is_noticed_by_drbd_and_heals(pair: PrivilegedRack) -> None:
    faults = PrivilegedFaults(pair)
    assert faults.cut_link().proven
    pair.hosts[ORIGINAL].execute("drbdsetup", "net-options", *ends(pair), "--ping-int=1", "--ping-timeout=5")
    wait_for(pair, "cstate", "WFConnection")
    assert faults.heal_link().proven
    wait_for(pair, "cstate", "Connected")


def ends(lab: PrivilegedRack) -> tuple[str, ...]:
    return tuple(f"ipv4:{lab.network.replication_address(role)}:7789" for role in PAIR)


def test_a_frozen_host_does_not_answer_until_it_thaws(pair: PrivilegedRack) -> None:
    faults = PrivilegedFaults(pair)
    assert faults.freeze(ADDITIONAL).proven
    assert not pair.network.peers_reach_each_other()
    assert pair.hosts[CLC].execute("true").ok
    assert faults.thaw(ADDITIONAL).proven
    assert pair.hosts[ADDITIONAL].execute("true").ok


def test_power_cannot_be_cut_for_one_host_of_a_kernel(lab: PrivilegedRack) -> None:
    with pytest.raises(FaultNotProven, match="shares its kernel"):
        PrivilegedFaults(lab).power_off(ORIGINAL)


def test_a_sweep_leaves_nothing_of_a_lab(require_lab: Callable[[str], None]) -> None:
    require_lab("privileged")
    modules = sorted(os.listdir("/lib/modules"))
    run_id = secrets.token_hex(4)
    run = rack(run_id, Start(store=StoreSpec(objects=1, bytes=10), device_bytes=DEVICE_BYTES))
    run.bring_up()
    run.let_go()

    assert any("process" in thing for thing in sweep(run_id))

    assert left_over(run_id) == []
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if run_id in line]
    assert mounts == []
    assert sorted(os.listdir("/lib/modules")) == modules
