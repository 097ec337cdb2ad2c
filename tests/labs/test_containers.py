"""The containers lab comes up as promised, what it breaks is really broken and heals, and it tells what is there."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from harness.errors import FaultNotProven, Indeterminate, Unreachable
from harness.hosts.command import Command, Result
from harness.hosts.transport import Transport
from harness.inventory import Node
from harness.labs.containers import ContainersLab
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, ROLES, Opened, Start, StoreSpec

pytestmark = pytest.mark.xdist_group("containers")

STAGING_BYTES = 8 * 1024 * 1024


@pytest.fixture(scope="module")
def lab(require_lab: Callable[[str], None]) -> Iterator[Opened]:
    require_lab("containers")
    start = Start(store=StoreSpec(objects=40, bytes=1024 * 1024), staging_bytes=STAGING_BYTES)
    with ContainersLab().open(start) as opened:
        yield opened


@pytest.fixture(autouse=True)
def healed(lab: Opened) -> Iterator[None]:
    yield
    lab.faults.heal()


def node(lab: Opened, role: str) -> Node:
    return next(node for node in lab.inventory.nodes() if node.role == role)


@contextlib.contextmanager
def reached(lab: Opened, role: str) -> Iterator[Transport]:
    """A transport to the host as the engine would open it."""
    transport = node(lab, role).connection.open(node(lab, role).name)
    try:
        yield transport
    finally:
        transport.close()


def ask(lab: Opened, role: str, *argv: str) -> Result:
    with reached(lab, role) as transport:
        answer = transport.send(Command(argv, timeout_s=20))
        assert isinstance(answer, Result)
        return answer


@pytest.mark.parametrize("role", ROLES)
def test_the_engine_reaches_every_host_by_ssh_and_its_name_is_the_inventorys(lab: Opened, role: str) -> None:
    assert ask(lab, role, "uname", "-n").text == f"{node(lab, role).uname}\n"


def test_no_other_key_opens_a_host(lab: Opened, tmp_path: object) -> None:
    address = node(lab, ORIGINAL).address
    command = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"]
    command += ["-o", f"UserKnownHostsFile={tmp_path}/known_hosts", "-o", f"IdentityFile={tmp_path}/none"]
    done = subprocess.run([*command, "-o", "IdentityAgent=none", f"root@{address}", "true"], capture_output=True)
    assert done.returncode == 255
    assert b"Permission denied" in done.stderr


@pytest.mark.parametrize("role", ROLES)
def test_a_host_is_no_privileged_container(lab: Opened, role: str) -> None:
    effective = ask(lab, role, "grep", "CapEff", "/proc/1/status").text.split()[1]
    assert int(effective, 16) & 1 << 21 == 0, "CAP_SYS_ADMIN"
    assert int(effective, 16) & 1 << 12 == 0, "CAP_NET_ADMIN"


def test_the_original_serves_its_objects_over_http(lab: Opened) -> None:
    reads = lab.truth.read_objects("before", lab.truth.manifest(ORIGINAL, "store"))
    assert len(reads) == 5
    assert {(read.status, read.sha256) for read in reads} == {(200, read.expected_sha256) for read in reads}


def test_the_same_seed_gives_the_same_store(lab: Opened) -> None:
    manifest = lab.truth.manifest(ORIGINAL, "store")
    first = next(entry for entry in manifest.entries if entry.kind == "file" and entry.path.count("/") == 1)
    assert manifest.error is None
    assert (first.uid, first.gid) == (498, 498)
    assert sum(entry.kind == "file" for entry in manifest.entries) > 40


def test_the_staging_area_is_bounded(lab: Opened) -> None:
    total_kib = int(ask(lab, ORIGINAL, "df", "-P", "-k", "--", "/newlocation").text.splitlines()[1].split()[1])
    assert total_kib == STAGING_BYTES // 1024


# Faults


def test_a_power_cut_ends_every_process_and_keeps_files_and_address(lab: Opened) -> None:
    store = lab.truth.manifest(ORIGINAL, "store")
    ask(lab, ORIGINAL, "touch", "/newlocation/kept", "/etc/kept")
    ask(lab, ORIGINAL, "sh", "-c", "setsid sleep 99 </dev/null >/dev/null 2>&1 &")

    assert lab.faults.power_off(ORIGINAL).proven
    with pytest.raises(Unreachable):
        ask(lab, ORIGINAL, "true")
    assert lab.truth.manifest(ORIGINAL, "store") == store
    assert not lab.truth.snapshot(ORIGINAL).reachable
    assert lab.faults.power_on(ORIGINAL).proven

    assert ask(lab, ORIGINAL, "stat", "-c", "%n", "/newlocation/kept", "/etc/kept").ok
    assert "sleep 99" not in ask(lab, ORIGINAL, "ps", "axww", "-o", "args=").text
    assert lab.truth.manifest(ORIGINAL, "store") == store


def test_reading_the_disk_of_a_host_without_power_does_not_boot_it(lab: Opened) -> None:
    lab.faults.power_off(ADDITIONAL)
    events = lab.truth.events()
    lab.truth.manifest(ADDITIONAL, "store")
    assert lab.truth.events() == events
    with pytest.raises(Unreachable):
        ask(lab, ADDITIONAL, "true")


def test_a_frozen_host_says_nothing_and_goes_on_after_the_thaw(lab: Opened) -> None:
    ask(lab, ADDITIONAL, "sh", "-c", "setsid sleep 99 </dev/null >/dev/null 2>&1 &")
    assert lab.faults.freeze(ADDITIONAL).proven
    assert not lab.truth.snapshot(ADDITIONAL).reachable
    assert lab.truth.manifest(ADDITIONAL, "store").error == "walrus01 is frozen"
    assert lab.truth.unsupported() == []  # the world can still be read: the frozen host does not hold it
    assert lab.faults.thaw(ADDITIONAL).proven
    assert "sleep 99" in ask(lab, ADDITIONAL, "ps", "axww", "-o", "args=").text


def test_a_cut_link_parts_the_pair_and_nobody_else(lab: Opened) -> None:
    peer, port = str(node(lab, ADDITIONAL).replication_address), "22"
    probe = ("timeout", "2", "bash", "-c", 'exec 3<>"/dev/tcp/$0/$1"', peer, port)
    assert ask(lab, ORIGINAL, *probe).ok

    assert lab.faults.cut_link().proven
    assert not ask(lab, ORIGINAL, *probe).ok
    assert ask(lab, ADDITIONAL, "true").ok
    assert ask(lab, CLC, *probe[:-2], node(lab, ADDITIONAL).address, port).ok

    assert lab.faults.heal_link().proven
    assert ask(lab, ORIGINAL, *probe).ok


def test_a_reset_takes_the_session_and_the_reply_of_the_command_in_it(lab: Opened) -> None:
    ended: list[object] = []

    def work(transport: Transport) -> None:
        try:
            ended.append(transport.send(Command(("sleep", "20"), timeout_s=30)))
        except Indeterminate as lost:
            ended.append(lost)

    with reached(lab, ORIGINAL) as transport:
        busy = threading.Thread(target=work, args=(transport,))
        busy.start()
        assert lab.faults.reset_ssh(ORIGINAL).proven
        busy.join(30)
    assert isinstance(ended[0], Indeterminate)
    assert ask(lab, ORIGINAL, "true").ok


def test_disks_that_are_modelled_cannot_fail(lab: Opened) -> None:
    for fault in (lab.faults.break_disk, lab.faults.mend_disk):
        with pytest.raises(FaultNotProven, match="a model"):
            fault(ADDITIONAL)
    with pytest.raises(FaultNotProven, match="both directions"):
        lab.faults.cut_link(ADDITIONAL)


def test_a_full_disk_refuses_to_grow_until_it_is_freed(lab: Opened) -> None:
    write = ("dd", "if=/dev/zero", "of=/newlocation/more", "bs=1M", "count=1")
    assert lab.faults.fill_disk(ORIGINAL, "staging").proven
    assert b"No space left on device" in ask(lab, ORIGINAL, *write).stderr
    assert lab.faults.free_disk(ORIGINAL, "staging").proven
    assert ask(lab, ORIGINAL, *write).ok
    ask(lab, ORIGINAL, "rm", "-f", "--", "/newlocation/more")


def test_the_disk_of_this_machine_is_never_filled(lab: Opened) -> None:
    with pytest.raises(FaultNotProven, match="staging_bytes"):
        lab.faults.fill_disk(ORIGINAL, "store")


def test_a_bounded_staging_area_survives_the_power_cut_of_its_host(lab: Opened) -> None:
    lab.faults.fill_disk(ORIGINAL, "staging")
    lab.faults.power_off(ORIGINAL)
    lab.faults.power_on(ORIGINAL)
    write = ("dd", "if=/dev/zero", "of=/newlocation/more", "bs=1M", "count=1")
    assert b"No space left on device" in ask(lab, ORIGINAL, *write).stderr


def test_corruption_changes_one_byte_and_nothing_that_stat_tells(lab: Opened) -> None:
    before = {entry.path: entry for entry in lab.truth.manifest(ORIGINAL, "store").entries}
    assert lab.faults.corrupt(ORIGINAL, "store").proven
    after = {entry.path: entry for entry in lab.truth.manifest(ORIGINAL, "store").entries}

    changed = [path for path in before if before[path].sha256 != after[path].sha256]
    one = changed[0]
    assert len({before[path].same_as or path for path in changed}) == 1
    assert (before[one].size, before[one].mtime_ns) == (after[one].size, after[one].mtime_ns)


def test_a_writer_that_was_not_stopped_changes_an_object(lab: Opened) -> None:
    before = lab.truth.manifest(ORIGINAL, "store")
    assert lab.faults.write_object(ORIGINAL).proven
    assert lab.truth.manifest(ORIGINAL, "store") != before


def test_bytes_received_counts_what_is_written_once_and_what_is_copied_again_twice(lab: Opened) -> None:
    def after(*script: str) -> int:
        ask(lab, ORIGINAL, "sh", "-ec", f"cd /newlocation/bukkits; {'; '.join(script)}")
        return lab.truth.bytes_received(ORIGINAL, "staging")

    ask(lab, ORIGINAL, "mkdir", "-p", "/newlocation/bukkits", "/newlocation/other")
    assert after("true") == 0
    assert after("head -c 1000 /dev/zero >.part", "head -c 500 /dev/zero >whole", "ln whole again") == 1500
    assert after("head -c 200 /dev/zero >>.part", "mv .part part", "touch -d 1999-01-01 part", "chown 498 part") == 1700
    assert after("mv part ../other/", "mv ../other/part part") == 1700
    assert after("head -c 500 /dev/zero >.whole", "mv .whole whole") == 2200
    assert after("rm part", "head -c 1200 /dev/zero >part") == 3400
    ask(lab, ORIGINAL, "rm", "-rf", "--", "/newlocation/bukkits", "/newlocation/other")


def test_a_call_that_no_fake_models_is_told(lab: Opened) -> None:
    receipt = lab.faults.unmodelled_call(ADDITIONAL)
    assert receipt.proven
    assert receipt.detail in lab.truth.unsupported()


def test_events_of_faults_stand_on_the_same_time_line_as_the_labs_clock(lab: Opened) -> None:
    before = lab.clock.now()
    lab.faults.freeze(ADDITIONAL)
    lab.faults.thaw(ADDITIONAL)
    after = lab.clock.now()
    noted = [event for event in lab.truth.events() if event.kind == "frozen" and event.at >= before]
    assert [event.detail for event in noted] == ["on", "off"]
    assert all(before <= event.at <= after for event in noted)


def test_a_second_lab_can_run_beside_the_first(lab: Opened) -> None:
    started = time.monotonic()
    with ContainersLab().open(Start(store=StoreSpec(objects=2, bytes=2048))) as other:
        seconds = time.monotonic() - started
        assert {node.address for node in other.inventory.nodes()}.isdisjoint(n.address for n in lab.inventory.nodes())
        assert ask(other, ORIGINAL, "uname", "-n").text == "walrus00\n"
    print(f"three hosts in {seconds:.1f} s")
