"""A machine in QEMU comes up, freezes, and after a power cut has what it flushed and nothing else."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator

import pytest

from harness.labs import machine_furnish as furnish
from harness.labs import machine_image
from harness.labs.lab import ORIGINAL, ROLES, Start, StoreSpec
from harness.labs.machine_cleanup import left_over, watch_over
from harness.labs.machine_host import MachineHost
from harness.labs.machine_rack import MachineRack, rack

pytestmark = pytest.mark.xdist_group("machines")


@pytest.fixture(scope="module")
def original(require_qemu: Callable[[], None]) -> Iterator[MachineHost]:
    """One machine of a lab: an emulated processor takes long, and three take three times as long."""
    require_qemu()
    run = rack(secrets.token_hex(4), Start(store=StoreSpec(objects=1, bytes=10), device_bytes=64 * 1024 * 1024))
    watchdog = watch_over(run.run_id)
    try:
        yield _started(run)
    finally:
        run.tear_down()
        watchdog.dismiss()
    assert left_over(run.run_id) == []


def _started(run: MachineRack) -> MachineHost:
    image = machine_image.ensure()
    run.hosts = {role: run._host(role, image) for role in ROLES}
    run._make_keys()
    run.network.create()
    run._disk_maker(ORIGINAL)()
    host = run.hosts[ORIGINAL]
    host.put(furnish.files_for(host.plan, run) | run._own_files(host))
    host.start()
    host.wait_for_door()
    return host


def test_its_backing_disk_is_under_the_device_mapper(original: MachineHost) -> None:
    assert original.execute("lsblk", "-nro", "NAME", "/dev/vdb").text.split() == ["vdb", "walrus-disk"]
    assert original.execute("blockdev", "--getsize64", furnish.BACKING_DEVICE).text == "67108864\n"


def test_its_clock_is_this_machines(original: MachineHost) -> None:
    before = time.time()
    there = float(original.execute("date", "+%s.%N").text)
    assert before - 0.5 < there < time.time() + 0.5


def test_it_loads_drbd(original: MachineHost) -> None:
    original.execute("modprobe", "drbd")
    assert "version: 8.4" in original.execute("cat", "/proc/drbd").text


def test_it_freezes_and_goes_on(original: MachineHost) -> None:
    original.kernel.freeze()
    assert original.status() == "frozen"
    original.kernel.thaw()
    assert original.execute("uname", "-n").text == "walrus00\n"


def test_a_power_cut_takes_what_was_not_flushed(original: MachineHost) -> None:
    kept = f"printf flushed >/root/kept; sync; printf disk | dd of={furnish.BACKING_DEVICE} conv=fsync status=none"
    original.execute("sh", "-c", f"{kept}; printf volatile >/root/lost")
    original.cut_power()
    original.start()
    original.wait_for_door()
    assert original.execute("cat", "/root/kept").text == "flushed"
    assert original.execute("cat", "/root/lost", ok=range(256)).text == ""
    assert original.execute("head", "-c4", furnish.BACKING_DEVICE).text == "disk"
