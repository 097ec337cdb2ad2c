"""The machines lab comes up as promised: kernels of their own that lose power, freeze, and come back quickly."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.errors import LabError
from harness.hosts.command import Command, Result
from harness.hosts.ssh import SshConnection
from harness.inventory import Node, load, render
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, ROLES, Start, StoreSpec
from harness.labs.machine_cleanup import left_over, watch_over
from harness.labs.machine_furnish import BACKING_DEVICE
from harness.labs.machine_host import MachineHost
from harness.labs.machine_network import PAIR
from harness.labs.machine_rack import MachineRack, rack

pytestmark = pytest.mark.xdist_group("machines")

DEVICE_BYTES = 64 * 1024 * 1024
STAGING_BYTES = 16 * 1024 * 1024
QUICK_S = 15.0


@pytest.fixture(scope="module")
def lab(require_lab: Callable[[str], None]) -> Iterator[MachineRack]:
    require_lab("machines")
    store = StoreSpec(objects=5, bytes=64 * 1024)
    run_id = secrets.token_hex(4)
    watchdog = watch_over(run_id)
    run = rack(run_id, Start(store=store, device_bytes=DEVICE_BYTES, staging_bytes=STAGING_BYTES))
    try:
        run.bring_up()
        yield run
    finally:
        run.tear_down()
        watchdog.dismiss()
    assert left_over(run_id) == []


@pytest.fixture
def original(lab: MachineRack) -> MachineHost:
    return lab.hosts[ORIGINAL]


def node(lab: MachineRack, role: str) -> Node:
    return next(node for node in lab.inventory().nodes() if node.role == role)


def ask(lab: MachineRack, role: str, *argv: str) -> Result:
    """Run a program as the engine would."""
    with contextlib.closing(node(lab, role).connection.open(node(lab, role).name)) as transport:
        answer = transport.send(Command(argv, timeout_s=20))
        assert isinstance(answer, Result)
        return answer


def reaches(host: MachineHost, address: str | None) -> bool:
    probe = ("timeout", "2", "bash", "-c", f"exec 3<>/dev/tcp/{address}/22")
    return host.execute(*probe, ok=(0, 1, 124)).exit_status == 0


# As the engine sees it


@pytest.mark.parametrize("role", ROLES)
def test_the_engine_reaches_every_host_by_ssh_and_its_name_is_the_inventorys(lab: MachineRack, role: str) -> None:
    assert ask(lab, role, "uname", "-n").text == f"{node(lab, role).uname}\n"


def test_the_inventory_can_be_written_and_read(lab: MachineRack, tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text(render(lab.inventory()))
    read = load(path)
    assert [one.connection.describe() for one in read.nodes()] == [
        one.connection.describe() for one in lab.inventory().nodes()
    ]
    assert isinstance(read.original.connection, SshConnection)
    assert read.original.connection.common_args == lab.network.ssh_arguments()


def test_no_other_key_opens_a_host(lab: MachineRack, tmp_path: Path) -> None:
    options = ["BatchMode=yes", "StrictHostKeyChecking=no", f"UserKnownHostsFile={tmp_path}/known_hosts"]
    options += [f"IdentityFile={tmp_path}/none", "IdentityAgent=none"]
    flags = [word for option in options for word in ("-o", option)]
    command = ["ssh", "-F", "none", *flags, *lab.network.ssh_arguments(), f"root@{lab.hosts[CLC].address}", "true"]
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert done.returncode == 255
    assert b"Permission denied" in done.stderr


def test_a_host_has_no_python_and_no_drbd_model(lab: MachineRack) -> None:
    assert ask(lab, ORIGINAL, "sh", "-c", "command -v python3 python perl5").exit_status != 0
    assert ask(lab, ORIGINAL, "modprobe", "drbd").ok
    assert "version: 8.4" in ask(lab, ORIGINAL, "cat", "/proc/drbd").text


@pytest.mark.parametrize("role", PAIR)
def test_the_backing_disk_has_the_size_asked_for(lab: MachineRack, role: str) -> None:
    assert int(ask(lab, role, "blockdev", "--getsize64", BACKING_DEVICE).text) == DEVICE_BYTES
    assert node(lab, role).backing_device == BACKING_DEVICE


def test_the_staging_area_is_bounded(lab: MachineRack) -> None:
    total_kib = int(ask(lab, ORIGINAL, "df", "-P", "-k", "--", lab.settings.staging).text.splitlines()[1].split()[1])
    assert STAGING_BYTES // 2 < total_kib * 1024 <= STAGING_BYTES


def test_nothing_of_the_network_can_be_seen_outside(lab: MachineRack) -> None:
    devices = os.listdir("/sys/class/net")
    assert not {lab.network.tap(role, network) for role in ROLES for network in lab.network.cables(role)} & set(devices)


# The lab's own door


def test_a_program_behind_the_door_gets_its_input_and_gives_its_status(original: MachineHost) -> None:
    assert original.execute("cat", stdin="words\n").text == "words\n"
    with pytest.raises(LabError, match=r"walrus00: `sh -c exit 3` ended with status 3"):
        original.execute("sh", "-c", "exit 3")
    with pytest.raises(LabError, match="did not end within"):
        original.execute("sleep", "60", timeout_s=0.5)
    with pytest.raises(LabError, match="status 127"):
        original.execute("no-such-program")


def test_the_door_opens_to_its_token_only(lab: MachineRack, original: MachineHost) -> None:
    with lab.network.connect(original.address, 1022, 5.0) as connection:
        connection.sendall(b'{"token": "another", "argv": ["touch", "/root/opened"]}\n')
        assert connection.recv(1) == b""
    assert original.execute("test", "-e", "/root/opened", ok=(1,)).exit_status == 1


# Power


def test_a_power_cut_loses_what_was_not_flushed_and_the_host_is_back_soon(original: MachineHost) -> None:
    original.execute("sh", "-c", "echo kept >/root/kept; sync; echo lost >/root/lost; setsid sleep 99 &")
    started = time.monotonic()
    original.cut_power()
    assert original.status() == "off"
    with pytest.raises(LabError, match="walrus00 is off"):
        original.execute("true")

    original.start()
    original.wait_for_ssh()
    seconds = time.monotonic() - started
    assert seconds < QUICK_S
    original.wait_for_door()
    assert original.execute("cat", "/root/kept").text == "kept\n"
    assert original.execute("sh", "-c", "cat /root/lost", ok=(0, 1)).text == ""
    assert "sleep 99" not in original.execute("ps", "axww", "-o", "args=").text
    print(f"back after {seconds:.1f} s")


def test_a_host_that_comes_back_finds_its_peer(lab: MachineRack) -> None:
    additional = lab.hosts[ADDITIONAL]
    additional.cut_power()
    additional.start()
    additional.wait_for_door()
    additional.wait_for_ssh()
    assert reaches(lab.hosts[ORIGINAL], additional.replication_address)
    assert reaches(additional, lab.hosts[ORIGINAL].replication_address)


def test_a_frozen_host_says_nothing_and_goes_on_after_the_thaw(original: MachineHost) -> None:
    original.execute("sh", "-c", "setsid sleep 99 </dev/null >/dev/null 2>&1 & until pgrep -fx 'sleep 99'; do :; done")
    original.kernel.freeze()
    assert original.status() == "frozen"
    with pytest.raises(LabError, match="walrus00 is frozen"):
        original.execute("true")
    original.kernel.thaw()
    assert "sleep 99" in original.execute("ps", "axww", "-o", "args=").text


def test_a_frozen_host_can_lose_its_power(lab: MachineRack) -> None:
    clc = lab.hosts[CLC]
    clc.kernel.freeze()
    clc.cut_power()
    assert clc.status() == "off"
    clc.start()
    clc.wait_for_ssh()
    clc.wait_for_door()


# The replication cable


def test_a_cut_cable_parts_the_pair_and_nobody_else(lab: MachineRack, original: MachineHost) -> None:
    peer = lab.hosts[ADDITIONAL]
    lab.network.cut_replication()
    assert lab.network.replication_is_cut()
    assert not reaches(original, peer.replication_address)
    assert reaches(original, peer.address)
    lab.network.heal_replication()
    assert not lab.network.replication_is_cut()
    assert reaches(original, peer.replication_address)


def test_one_direction_of_the_cable_can_be_cut(lab: MachineRack, original: MachineHost) -> None:
    peer = lab.hosts[ADDITIONAL]
    count = ("sh", "-c", "cat /sys/class/net/vec1/statistics/rx_packets")
    lab.network.cut_replication(ADDITIONAL)
    original.execute("sleep", "0.5")  # what was on its way when the cable was cut has arrived
    before = int(peer.execute(*count).text), int(original.execute(*count).text)
    assert not reaches(original, peer.replication_address)
    after = int(peer.execute(*count).text), int(original.execute(*count).text)
    lab.network.heal_replication()
    assert after[0] > before[0], "what the original sends still arrives"
    assert after[1] == before[1], "what the additional host sends does not"
