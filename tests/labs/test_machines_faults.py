"""What a machines lab breaks is really broken and heals; what it tells is what disks hold and what kernels said."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from harness.checks.manifests import differences
from harness.errors import FaultNotProven, Indeterminate, Unreachable
from harness.evidence import Manifest
from harness.hosts.command import Command, Result
from harness.hosts.transport import Transport
from harness.inventory import Node
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, ROLES, Opened, Start, StoreSpec
from harness.labs.machines import MachinesLab

pytestmark = pytest.mark.xdist_group("machines")

PAIR = (ORIGINAL, ADDITIONAL)
STAGING_BYTES = 8 * 1024 * 1024
SETTLES_WITHIN_S = 90.0  # a resync on a crowded machine
WAYS: dict[str, Transport] = {}


@pytest.fixture(scope="module")
def lab(require_lab: Callable[[str], None]) -> Iterator[Opened]:
    require_lab("machines")
    store = StoreSpec(objects=40, bytes=1024 * 1024)
    start = Start(store=store, device_bytes=64 * 1024 * 1024, staging_bytes=STAGING_BYTES)
    with MachinesLab().open(start) as opened:
        yield opened


@pytest.fixture(scope="module")
def store(lab: Opened) -> Manifest:
    return lab.truth.manifest(ORIGINAL, "store")


@pytest.fixture(autouse=True)
def healed(lab: Opened) -> Iterator[None]:
    yield
    lab.faults.heal()


def node(lab: Opened, role: str) -> Node:
    return next(node for node in lab.inventory.nodes() if node.role == role)


@pytest.fixture(scope="module", autouse=True)
def ways(lab: Opened) -> Iterator[dict[str, Transport]]:
    """A way to every host as the engine opens it; it finds back by itself after a power cut."""
    with contextlib.ExitStack() as open_ways:
        for role in ROLES:
            WAYS[role] = node(lab, role).connection.open(node(lab, role).name)
            open_ways.callback(WAYS[role].close)
        yield WAYS
    WAYS.clear()


def send(lab: Opened, role: str, *argv: str) -> Result:
    answer = WAYS[role].send(Command(argv, timeout_s=60))
    assert isinstance(answer, Result)
    return answer


def ask(lab: Opened, role: str, *argv: str) -> Result:
    answer = send(lab, role, *argv)
    assert answer.ok, (argv, answer)
    return answer


def state(lab: Opened, role: str) -> str:
    """The line of /proc/drbd that tells connection, roles and disks."""
    lines = ask(lab, role, "cat", "/proc/drbd").text.splitlines()
    return next((line for line in lines if "cs:" in line), "")


def wait_for(lab: Opened, role: str, *words: str) -> None:
    deadline = time.monotonic() + SETTLES_WITHIN_S
    while not all(word in (seen := state(lab, role)) for word in words):
        assert time.monotonic() < deadline, (words, seen)
        time.sleep(0.1)


def complaints(lab: Opened) -> list[str]:
    return [f"{event.host}: {event.detail}" for event in lab.truth.events() if event.kind == "complaint"]


# Before there is DRBD


def test_a_host_is_seen_as_it_is_before_the_move(lab: Opened) -> None:
    seen = {role: lab.truth.snapshot(role) for role in ROLES}
    assert all(snapshot.reachable for snapshot in seen.values())
    assert [seen[role].disks for role in PAIR] == [{"/dev/mapper/walrus-disk": "blank"}] * 2
    assert seen[ORIGINAL].services == {
        "drbd": {"running": False, "starts at boot": False},
        "eucalyptus-cloud": {"running": True, "starts at boot": True},
    }
    assert seen[CLC].disks == {}
    assert ["/dev/ubdc", "/newlocation"] in seen[ORIGINAL].mounts
    assert "ext4" in (seen[ORIGINAL].files["/etc/fstab"] or "")
    assert seen[ORIGINAL].leftovers == []


def test_the_original_serves_its_objects_over_http(lab: Opened, store: Manifest) -> None:
    reads = lab.truth.read_objects("before", store)
    assert len(reads) == 5
    assert {(read.status, read.sha256) for read in reads} == {(200, read.expected_sha256) for read in reads}


def test_a_disk_without_a_file_system_holds_no_store(lab: Opened) -> None:
    assert "no file system" in (lab.truth.manifest(ORIGINAL, "device").error or "")


def test_a_full_disk_refuses_to_grow_until_it_is_freed(lab: Opened) -> None:
    write = ("dd", "if=/dev/zero", "of=/newlocation/more", "bs=1M", "count=1")
    assert lab.faults.fill_disk(ORIGINAL, "staging").proven
    assert b"No space left on device" in send(lab, ORIGINAL, *write).stderr
    assert lab.faults.free_disk(ORIGINAL, "staging").proven
    ask(lab, ORIGINAL, *write)
    ask(lab, ORIGINAL, "rm", "-f", "--", "/newlocation/more")


def test_the_store_s_own_disk_can_be_filled_without_a_trace_in_the_store(lab: Opened, store: Manifest) -> None:
    assert lab.faults.fill_disk(ORIGINAL, "store").proven
    assert b"No space left" in send(lab, ORIGINAL, "dd", "if=/dev/zero", "of=/root/more", "bs=1M", "count=1").stderr
    assert lab.truth.manifest(ORIGINAL, "store") == store
    assert lab.faults.free_disk(ORIGINAL, "store").proven
    ask(lab, ORIGINAL, "rm", "-f", "--", "/root/more")


def test_bytes_received_counts_what_is_written_once_and_what_is_copied_again_twice(lab: Opened) -> None:
    def after(*script: str) -> int:
        ask(lab, ORIGINAL, "sh", "-ec", f"cd /newlocation/bukkits; {'; '.join(script)}")
        return lab.truth.bytes_received(ORIGINAL, "staging")

    ask(lab, ORIGINAL, "mkdir", "-p", "/newlocation/bukkits", "/newlocation/other")
    assert after("true") == 0
    assert after("head -c 1000 /dev/zero >.part", "head -c 500 /dev/zero >whole", "ln whole again") == 1500
    assert after("mv .part ../other/", "mv ../other/.part part", "touch -d 1999-01-01 part") == 1500
    assert after("head -c 500 /dev/zero >.whole", "mv .whole whole") == 2000
    ask(lab, ORIGINAL, "rm", "-rf", "--", "/newlocation/bukkits", "/newlocation/other")


def test_there_is_no_call_that_real_programs_do_not_model(lab: Opened) -> None:
    with pytest.raises(FaultNotProven, match="real programs"):
        lab.faults.unmodelled_call(ADDITIONAL)


def test_a_reset_takes_the_session_and_the_reply_of_the_command_in_it(lab: Opened) -> None:
    ended: list[object] = []

    def work() -> None:
        try:
            ended.append(WAYS[ORIGINAL].send(Command(("sleep", "20"), timeout_s=30)))
        except Indeterminate as lost:
            ended.append(lost)

    busy = threading.Thread(target=work)
    busy.start()
    assert lab.faults.reset_ssh(ORIGINAL).proven
    busy.join(30)
    assert isinstance(ended[0], Indeterminate)
    ask(lab, ORIGINAL, "true")


# With DRBD: each test leaves the pair connected and in sync, the original Primary and the device mounted

CONFIGURATION = """
resource r0 {{
  protocol C; device /dev/drbd1; disk /dev/mapper/walrus-disk; meta-disk internal;
  disk {{ resync-rate 40M; c-plan-ahead 0; }}
  net {{ verify-alg md5; ping-int 1; connect-int 1; }}
  on walrus00 {{ address {0}:7789; }}
  on walrus01 {{ address {1}:7789; }}
}}
"""


@pytest.fixture(scope="module")
def pair(lab: Opened, store: Manifest) -> None:
    """A pair whose first sync is held, and on its device a copy of the store."""
    text = CONFIGURATION.format(*(node(lab, role).replication_address for role in PAIR))
    for role in PAIR:
        ask(lab, role, "sh", "-c", 'printf %s "$1" >/etc/drbd.d/r0.res', "write", text)
        ask(lab, role, "sh", "-ec", "modprobe drbd; drbdadm create-md r0 </dev/null; drbdadm up r0")
    wait_for(lab, ORIGINAL, "cs:Connected")
    assert lab.faults.stall_sync().proven
    made = "mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 /dev/drbd1"  # else mounting goes on writing
    ask(lab, ORIGINAL, "sh", "-ec", f"drbdadm primary --force r0; {made}; mount /dev/drbd1 /mnt")
    ask(lab, ORIGINAL, "sh", "-ec", "cp -a /var/lib/eucalyptus/bukkits/. /mnt/; sync")


@pytest.mark.usefixtures("pair")
def test_a_stalled_sync_stays_connected_and_stands_still_until_it_is_resumed(lab: Opened) -> None:
    wait_for(lab, ADDITIONAL, "cs:SyncTarget", "ds:Inconsistent/UpToDate")
    receipt = lab.faults.stall_sync()
    assert receipt.proven, receipt
    assert "SyncSource" in receipt.detail
    assert lab.faults.resume_sync().proven
    wait_for(lab, ADDITIONAL, "cs:Connected", "ds:UpToDate/UpToDate")


@pytest.mark.usefixtures("pair")
def test_the_device_is_read_on_both_sides_and_no_byte_of_a_disk_changes(lab: Opened, store: Manifest) -> None:
    at_rest = ("sh", "-c", "drbdadm dstate r0; dd if=/dev/ubdb iflag=direct bs=1M 2>/dev/null | sha256sum")
    ask(lab, ORIGINAL, "fsfreeze", "--freeze", "/mnt")
    before = ask(lab, ADDITIONAL, *at_rest).text
    for role in PAIR:
        found = lab.truth.manifest(role, "device")
        assert found.error is None
        assert list(differences(store, found)) == []
    assert ask(lab, ADDITIONAL, *at_rest).text == before
    ask(lab, ORIGINAL, "fsfreeze", "--unfreeze", "/mnt")
    assert lab.truth.bytes_received(ORIGINAL, "device") > 1024 * 1024
    assert lab.truth.bytes_received(ADDITIONAL, "device") > 1024 * 1024, "what DRBD brought, mounted nowhere"


@pytest.mark.usefixtures("pair")
@pytest.mark.parametrize("sender", [None, ADDITIONAL])
def test_a_cut_cable_parts_the_pair_and_the_engine_reaches_both(lab: Opened, sender: str | None) -> None:
    assert lab.faults.cut_link(sender).proven
    wait_for(lab, ADDITIONAL, "/DUnknown")
    assert lab.faults.heal_link().proven
    wait_for(lab, ADDITIONAL, "cs:Connected", "ds:UpToDate/UpToDate")


@pytest.mark.usefixtures("pair")
def test_a_frozen_host_says_nothing_and_goes_on_after_the_thaw(lab: Opened) -> None:
    before = lab.clock.now()
    assert lab.faults.freeze(ADDITIONAL).proven
    assert not lab.truth.snapshot(ADDITIONAL).reachable
    assert lab.truth.manifest(ADDITIONAL, "store").error == "walrus01 is frozen"
    wait_for(lab, ORIGINAL, "/DUnknown")
    assert lab.faults.thaw(ADDITIONAL).proven
    wait_for(lab, ORIGINAL, "cs:Connected", "ds:UpToDate/UpToDate")
    noted = [event for event in lab.truth.events() if event.kind == "frozen"]
    assert [event.detail for event in noted] == ["on", "off"]
    assert all(before <= event.at <= lab.clock.now() for event in noted)


@pytest.mark.usefixtures("pair")
def test_a_slow_disk_still_answers(lab: Opened) -> None:
    assert lab.faults.slow_disk(ADDITIONAL, 40).proven
    assert lab.faults.mend_disk(ADDITIONAL).proven


@pytest.mark.usefixtures("pair")
def test_a_broken_disk_is_given_up_and_complained_of_by_its_own_kernel(lab: Opened) -> None:
    assert complaints(lab) == []
    assert lab.faults.break_disk(ADDITIONAL).proven
    ask(lab, ORIGINAL, "sh", "-ec", "echo more >/mnt/more; sync; rm /mnt/more; sync")
    wait_for(lab, ADDITIONAL, "ds:Diskless/UpToDate")
    assert all(complaint.startswith("walrus01: ") for complaint in complaints(lab))
    assert any("IO" in complaint for complaint in complaints(lab))
    assert lab.faults.mend_disk(ADDITIONAL).proven
    ask(lab, ADDITIONAL, "drbdadm", "attach", "r0")
    wait_for(lab, ADDITIONAL, "cs:Connected", "ds:UpToDate/UpToDate")


@pytest.mark.usefixtures("pair")
def test_a_power_cut_ends_everything_and_reading_the_disk_boots_nothing(lab: Opened, store: Manifest) -> None:
    ask(lab, ORIGINAL, "sh", "-c", "echo kept >/root/kept; sync; echo lost >/root/lost")
    assert lab.faults.power_off(ORIGINAL).proven
    events = lab.truth.events()
    assert events[-1].kind == "power" or any((one.kind, one.detail) == ("power", "off") for one in events)
    with pytest.raises(Unreachable):
        send(lab, ORIGINAL, "true")
    assert lab.truth.manifest(ORIGINAL, "store") == store
    assert list(differences(store, lab.truth.manifest(ORIGINAL, "device"))) == []
    assert lab.truth.manifest(ORIGINAL, "staging").error is not None
    assert not lab.truth.snapshot(ORIGINAL).reachable
    assert not [one for one in lab.truth.events() if one.host == "walrus00" and one.at > events[-1].at + 1]

    assert lab.faults.power_on(ORIGINAL).proven
    assert ask(lab, ORIGINAL, "sh", "-c", "cat /root/kept; cat /root/lost 2>/dev/null || true").text in (
        "kept\n",
        "kept\nlost\n",
    )
    assert [one.detail for one in lab.truth.events() if (one.host, one.kind) == ("walrus00", "power")] == ["off", "on"]
    ask(lab, ORIGINAL, "sh", "-ec", "modprobe drbd; drbdadm up r0")
    wait_for(lab, ORIGINAL, "cs:Connected", "ds:UpToDate/UpToDate")
    ask(lab, ORIGINAL, "sh", "-ec", "drbdadm primary r0; mount /dev/drbd1 /mnt")


@pytest.mark.usefixtures("pair")
def test_the_mounts_and_destructions_of_all_this_were_told(lab: Opened) -> None:
    told = [f"{event.kind} {event.detail}" for event in lab.truth.events() if event.host == "walrus00"]
    assert told.count("mount /dev/drbd1 /mnt") == 2
    assert "destroy drbdadm primary --force r0" in told
    assert any(one.startswith("destroy mkfs.ext4") for one in told)
    assert any(one.startswith("destroy drbdmeta") and "create-md" in one for one in told)


@pytest.mark.usefixtures("pair")
def test_a_byte_changed_behind_drbd_s_back_is_found_on_that_side_alone(lab: Opened, store: Manifest) -> None:
    assert lab.faults.corrupt(ADDITIONAL, "device").proven
    assert len(list(differences(store, lab.truth.manifest(ADDITIONAL, "device")))) == 1
    assert list(differences(store, lab.truth.manifest(ORIGINAL, "device"))) == []

    found = lab.truth.compare_sides()
    assert found is not None
    assert found.verified
    assert found.differing == {"walrus00": 4, "walrus01": 4}
    assert found.sha256["walrus00"] != found.sha256["walrus01"]
    assert any("out of sync" in complaint.lower() for complaint in complaints(lab))


def test_an_object_of_the_store_changes_under_a_fault_and_stat_does_not_tell(lab: Opened, store: Manifest) -> None:
    assert lab.faults.corrupt(ORIGINAL, "store").proven
    after = lab.truth.manifest(ORIGINAL, "store")
    changed = [entry for entry in store.entries if after.by_path()[entry.path].sha256 != entry.sha256]
    assert len({entry.same_as or entry.path for entry in changed}) == 1
    assert all(after.by_path()[entry.path].mtime_ns == entry.mtime_ns for entry in changed)
    assert lab.faults.write_object(ORIGINAL).proven
    assert lab.truth.manifest(ORIGINAL, "store") != after
