"""What runs the machines of the lab: User Mode Linux, or QEMU where ``WALRUS_HA_MACHINES`` says so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import InvalidInput, LabUnavailable
from harness.labs import machine_initramfs, machine_stock, uml
from harness.labs.machine_kernel import Kernel, Machine, UmlKernel
from harness.labs.machine_qemu import QEMU, QemuKernel

VARIABLE = "WALRUS_HA_MACHINES"
DEFAULT = "uml"


@dataclass(frozen=True)
class Backend:
    """One way to run machines. ``programs`` it needs, each with its Debian package; ``remedy`` installs them."""

    name: str
    programs: dict[str, str]
    remedy: str
    kernel_package: str
    find_modules: Callable[[], Path | None]
    make: Callable[[Machine], Kernel]

    def modules(self) -> Path:
        """The modules of its kernel, which its machines' image holds.

        Raises:
            LabUnavailable: when there is no such kernel here.
        """
        if (found := self.find_modules()) is None:
            raise LabUnavailable(f"no kernel with modules of Debian's package {self.kernel_package}: {self.remedy}")
        return found

    def lacks(self) -> list[str]:
        """What this machine lacks for it, each with the command that would provide it."""
        lacking = absent(self.programs, self.remedy)
        if self.find_modules() is None:
            lacking.append(f"a kernel with modules of Debian's package {self.kernel_package}: {self.remedy}")
        return lacking


def chosen() -> Backend:
    """The one that the environment asks for.

    Raises:
        InvalidInput: it asks for one that there is not.
    """
    name = os.environ.get(VARIABLE) or DEFAULT
    if name not in BACKENDS:
        raise InvalidInput(f"{VARIABLE} is {name!r}; the machines lab runs in {' or '.join(BACKENDS)}")
    return BACKENDS[name]


def absent(programs: dict[str, str], remedy: str) -> list[str]:
    """Those that are not on PATH, nor where root has its programs."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    return [
        f"{name} of Debian's package {package}: {remedy}"
        for name, package in programs.items()
        if not shutil.which(name, path=path)
    ]


def _uml_modules() -> Path | None:
    kernel = uml.found()
    return kernel.of_its_version() if kernel else None


def _qemu(machine: Machine) -> Kernel:
    return QemuKernel(machine, machine_stock.firmware(BACKENDS["qemu"].modules()))


_UML_PROGRAMS = {"taskset": "util-linux"}
_QEMU_PROGRAMS = {
    QEMU: "qemu-system-x86",
    "qemu-img": "qemu-utils",
    machine_initramfs.BUSYBOX: "busybox",
    "setpriv": "util-linux",
}
BACKENDS = {
    one.name: one
    for one in (
        Backend("uml", _UML_PROGRAMS, "make labs", "user-mode-linux", _uml_modules, UmlKernel),
        Backend("qemu", _QEMU_PROGRAMS, "make labs-qemu", "linux-image-amd64", machine_stock.modules, _qemu),
    )
}
