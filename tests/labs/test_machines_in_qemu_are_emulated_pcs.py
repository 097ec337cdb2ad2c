"""A machine in QEMU has its disks, cables and words where the lab looks for them, and loses what it had not flushed."""

from __future__ import annotations

import dataclasses
import lzma
import shutil
import struct
from pathlib import Path

import pytest

from harness.errors import InvalidInput, LabUnavailable
from harness.labs import doctor, machine_backend, machine_stock
from harness.labs.lab import CLC, ORIGINAL
from harness.labs.machine_initramfs import TO_THE_ROOT, Entry, archive, load_order
from harness.labs.machine_kernel import Cable, Machine
from harness.labs.machine_network import MachineNetwork
from harness.labs.machine_qemu import Firmware, QemuKernel

MODULES_DEP = """kernel/virtio/virtio.ko:
kernel/virtio/virtio_ring.ko: kernel/virtio/virtio.ko
kernel/virtio/virtio-pci.ko.xz: kernel/virtio/virtio_ring.ko kernel/virtio/virtio.ko
kernel/lib/crc16.ko:
kernel/fs/ext4.ko: kernel/fs/jbd2.ko kernel/lib/crc16.ko
kernel/fs/jbd2.ko:
"""
FIRMWARE = Firmware(Path("/kernel"), Path("/initramfs"), "tcg")


def kernel(directory: Path, *disks: Path | None) -> QemuKernel:
    cables = (Cable("rea-original", "02:77:68:00:00:02"), Cable("rep-original", "02:77:68:00:01:02"))
    machine = Machine("walrus00", "walrus-ha-x", directory, directory / "root.img", disks, cables)
    return QemuKernel(machine, FIRMWARE)


def values(command: list[str], option: str) -> list[str]:
    return [command[number + 1] for number, word in enumerate(command) if word == option]


# The command line


def test_a_disk_that_is_not_there_keeps_its_place(tmp_path: Path) -> None:
    (data := tmp_path / "data.img").touch()
    drives = values(kernel(tmp_path, data, None, tmp_path / "absent.tar")._command({}), "-drive")
    assert [drive.split("file=")[1].split(",")[0] for drive in drives] == [
        f"{tmp_path}/walrus00-root.qcow2",
        str(data),
        "null-co://",
        "null-co://",
    ]


def test_no_disk_takes_discards(tmp_path: Path) -> None:
    devices = [one for one in values(kernel(tmp_path, None)._command({}), "-device") if "blk" in one]
    assert len(devices) == 2
    assert all("discard=off" in device and "write-zeroes=off" in device for device in devices)


def test_its_cables_have_the_labs_addresses_in_the_labs_order(tmp_path: Path) -> None:
    command = kernel(tmp_path)._command({})
    assert ["ifname=rea-original" in one for one in values(command, "-netdev")] == [True, False]
    assert ["mac=02:77:68:00:00:02" in one for one in values(command, "-device") if "net" in one] == [True, False]


def test_the_labs_words_reach_its_kernel_with_the_names_of_its_disks(tmp_path: Path) -> None:
    (words,) = values(kernel(tmp_path)._command({"lab.name": "walrus00"}), "-append")
    assert {"lab.name=walrus00", "lab.disks=vd", "console=ttyS0", "printk.time=1"} <= set(words.split())


def test_its_console_goes_on_after_a_power_cut(tmp_path: Path) -> None:
    command = kernel(tmp_path)._command({})
    assert f"file,id=console,path={tmp_path}/walrus00.console,append=on" in values(command, "-chardev")


def test_an_emulated_processor_is_given_more_time_than_a_real_one(tmp_path: Path) -> None:
    emulated = kernel(tmp_path)
    real = QemuKernel(emulated.machine, dataclasses.replace(FIRMWARE, acceleration="kvm"))
    assert emulated.slowness > real.slowness == 1.0
    assert "kvm" in real._command({})


@pytest.mark.parametrize("cards", ["vec", "eth"])
def test_the_network_is_set_up_under_the_names_of_the_kernels_cards(cards: str) -> None:
    batch = MachineNetwork("x").host_batch(ORIGINAL, cards)
    assert f"addr add 198.19.0.2/24 dev {cards}1" in batch
    assert f"{cards}1" not in MachineNetwork("x").host_batch(CLC, cards)


# What it starts with


def test_every_module_is_loaded_after_those_that_it_needs() -> None:
    assert [Path(file).name for file in load_order(MODULES_DEP, ["virtio_pci", "ext4"])] == [
        "virtio.ko",
        "virtio_ring.ko",
        "virtio-pci.ko.xz",
        "crc16.ko",
        "jbd2.ko",
        "ext4.ko",
    ]


def test_a_kernel_without_a_module_is_refused_with_the_remedy() -> None:
    with pytest.raises(LabUnavailable, match=r"virtio_blk.*make labs-qemu"):
        load_order(MODULES_DEP, TO_THE_ROOT)


def unpacked(content: bytes) -> dict[str, Entry]:
    """What lies in an archive, read as the kernel's documentation says (initramfs buffer format)."""
    found: dict[str, Entry] = {}
    at = 0
    while True:
        assert content[at : at + 6] == b"070701"
        fields = [int(content[place : place + 8], 16) for place in range(at + 6, at + 110, 8)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = content[at + 110 : at + 110 + name_size].rstrip(b"\0").decode()
        start = at + (110 + name_size + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found[name] = Entry(mode, content[start : start + size])
        at = start + (size + 3) // 4 * 4


def test_the_archive_is_one_that_a_kernel_reads() -> None:
    entries = {"bin": Entry(0o40755), "bin/init": Entry(0o100755, b"#!/bin/sh\n"), "empty": Entry(0o100644)}
    assert unpacked(archive(entries)) == entries


def test_the_archive_is_the_same_for_the_same_content() -> None:
    one, other = Entry(0o100644, b"one"), Entry(0o100644, b"other")
    assert archive({"a": one, "b": other}) == archive({"b": other, "a": one}) != archive({"a": one})


def test_a_packed_kernel_is_unpacked_and_any_other_left_alone() -> None:
    packed = lzma.compress(b"\x7fELF and more")
    image = bytearray(4 * 512)
    image[0x1F1] = 2
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", image, 0x248, 512, len(packed) + 4)
    vmlinuz = bytes(image) + packed + struct.pack("<I", 13)
    assert machine_stock.payload(vmlinuz) == b"\x7fELF and more"
    assert machine_stock.payload(vmlinuz.replace(b"\xfd7zXZ", b"other")) is None
    assert machine_stock.payload(b"\x7fELF") is None


# Choosing


def test_what_cannot_be_chosen_is_refused_with_what_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(machine_backend.VARIABLE, "xen")
    with pytest.raises(InvalidInput, match=r"WALRUS_HA_MACHINES is 'xen'.* uml or qemu"):
        machine_backend.chosen()


@pytest.mark.parametrize(("asked", "given"), [(None, "uml"), ("", "uml"), ("uml", "uml"), ("qemu", "qemu")])
def test_the_environment_chooses(asked: str | None, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(machine_backend.VARIABLE, raising=False)
    if asked is not None:
        monkeypatch.setenv(machine_backend.VARIABLE, asked)
    assert machine_backend.chosen().name == given


def test_what_qemu_lacks_is_named_with_its_own_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(machine_backend.VARIABLE, "qemu")
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    state = next(one for one in doctor.survey() if one.name == "machines")
    assert "qemu-img of Debian's package qemu-utils: make labs-qemu" in state.lacks
    assert not any("user-mode-linux" in lack for lack in state.lacks)
    assert (state.remedy, state.note) == ("make labs-qemu", "in qemu")
