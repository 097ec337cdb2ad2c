"""A machine's kernel in QEMU: Debian's stock kernel on an emulated PC, nearer to hardware than User Mode Linux."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import LabError
from harness.labs.machine_kernel import ProcessKernel

QEMU = "qemu-system-x86_64"
MEMORY_MIB = 512
_OVERLAY_S = 60.0
_BARE = ("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot")
# No disk of the lab outlives this machine's own end, so nothing is flushed to it: what a machine has flushed is in the
# file, what it has not is in its own memory alone. A qcow2 keeps its tables up with every flush all the same.
_CACHE = "cache=unsafe"
# Without discards, for the same reason as under User Mode Linux: they would count as in sync.
_PLAIN = "discard=off,write-zeroes=off"
_MISSING = "null-co://,file.read-zeroes=on,file.size=65536"  # keeps its place, and so the names of those behind it
ACCELERATIONS = {"kvm": ("-accel", "kvm", "-cpu", "host"), "tcg": ("-accel", "tcg,thread=multi", "-cpu", "max")}
# An emulated processor is stopped and starved in ways that real ones never are: its watchdogs would cry about them. Its
# guards against eavesdroppers cost it much and guard nothing.
WORDS = (
    *("console=ttyS0", "printk.time=1", "printk.devkmsg=on", "panic=1"),
    *("nowatchdog", "rcupdate.rcu_cpu_stall_suppress=1", "tsc=reliable"),
    *("mitigations=off", "ipv6.disable=1", "net.ifnames=0"),
)


@dataclass(frozen=True)
class Firmware:
    """What every machine is started with: a kernel, what brings it to its root disk, and how its processor is made."""

    kernel: Path
    initramfs: Path
    acceleration: str


@dataclass
class QemuKernel(ProcessKernel):
    """Implements Kernel by QEMU."""

    firmware: Firmware

    program = QEMU
    disks = "vd"
    cards = "eth"
    lags = True  # its clock of whole seconds begins with the second in which it starts

    @property
    def slowness(self) -> float:
        return 1.0 if self.firmware.acceleration == "kvm" else 8.0

    @property
    def root_disk(self) -> Path:
        """What the machine changed of the root image."""
        return self.machine.directory / f"{self.name}-root.qcow2"

    def _prepare(self) -> None:
        """An overlay before the first start, and a new line of the log, which a power cut may have torn."""
        with self.console.open("ab") as log:
            log.write(b"\n")
        if self.root_disk.exists():
            return
        below = ("-b", str(self.machine.root_image), "-F", "raw")
        command = ["qemu-img", "create", "-q", "-f", "qcow2", *below, str(self.root_disk)]
        try:
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=_OVERLAY_S)
        except (OSError, subprocess.SubprocessError) as error:
            raise LabError(f"{self.name}: no overlay on the root image ({error}): make labs-qemu") from error

    def _command(self, words: Mapping[str, str]) -> list[str]:
        command = [*base_command(self.firmware), "-name", self.name]
        command += ["-chardev", f"file,id=console,path={self.console},append=on", "-serial", "chardev:console"]
        command += _disk(0, f"{self.root_disk},format=qcow2")
        for number, disk in enumerate(self.machine.disks, start=1):
            command += _disk(number, f"{disk},format=raw" if disk is not None and disk.exists() else _MISSING)
        for number, cable in enumerate(self.machine.cables):
            command += ["-netdev", f"tap,id=cable{number},ifname={cable.tap},script=no,downscript=no"]
            command += ["-device", f"virtio-net-pci,netdev=cable{number},mac={cable.mac},romfile="]
        lab = [f"{key}={value}" for key, value in {"lab.disks": self.disks, **words}.items()]
        return [*command, "-append", " ".join([*WORDS, *lab])]


def base_command(firmware: Firmware) -> list[str]:
    """QEMU with a processor, memory and the kernel, and nothing else."""
    command = [QEMU, *_BARE, "-machine", "q35", *ACCELERATIONS[firmware.acceleration], "-smp", "1"]
    return [*command, "-m", str(MEMORY_MIB), "-kernel", str(firmware.kernel), "-initrd", str(firmware.initramfs)]


def _disk(number: int, file: str) -> list[str]:
    drive = f"if=none,id=disk{number},{_CACHE},file={file}"
    return ["-drive", drive, "-device", f"virtio-blk-pci,drive=disk{number},{_PLAIN}"]
