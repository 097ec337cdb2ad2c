"""The kernels of User Mode Linux on this machine: the one that ``make labs`` brought, or else the release's own.

Debian 12's is of 6.1 and steps through every system call of its processes with ptrace. From 6.16 on a kernel takes them
by seccomp where it is told to, in less than half of the time; ``uml_provide`` brings such a kernel from a later
release, with the C library that it is linked with beside it.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.errors import LabUnavailable
from harness.labs.state import state_directory

LINUX = "linux.uml"
PREFIX = "uml-"
SYSTEM_MODULES = Path("/usr/lib/uml/modules")
VARIABLE = "WALRUS_HA_UML"
OF_THE_RELEASE = "release"


@dataclass(frozen=True)
class UserModeLinux:
    """One kernel: the words that start it, in ``directory``, and the folder of its modules' folders, one a version."""

    words: tuple[str, ...]
    modules: Path
    directory: Path | None = None

    def of_its_version(self) -> Path:
        """Its modules."""
        return max(self.modules.iterdir(), key=_numbers)


def kernels_directory() -> Path:
    """Where kernels that were brought are, each in a folder of its own."""
    return state_directory() / "kernels"


def brought() -> Path | None:
    """The folder of the youngest kernel that was brought, if any."""
    return max(kernels_directory().glob(f"{PREFIX}*"), key=_numbers, default=None)


def kept_in(directory: Path) -> UserModeLinux:
    """The kernel that was brought into a folder, which has its own C library there."""
    words = ("env", f"LD_LIBRARY_PATH={directory}", f"./{LINUX}")
    return UserModeLinux(words, directory / "modules", directory)


def found() -> UserModeLinux | None:
    """The kernel that labs run here; None where there is none.

    ``WALRUS_HA_UML=release`` takes the one that this machine's release has, whatever was brought.
    """
    directory = None if os.environ.get(VARIABLE) == OF_THE_RELEASE else brought()
    if directory is not None:
        return kept_in(directory)
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    if shutil.which(LINUX, path=path) and SYSTEM_MODULES.is_dir() and any(SYSTEM_MODULES.iterdir()):
        return UserModeLinux((LINUX,), SYSTEM_MODULES)
    return None


def installed() -> UserModeLinux:
    """The kernel that labs run here.

    Raises:
        LabUnavailable: there is none.
    """
    if (kernel := found()) is None:
        raise LabUnavailable(f"{LINUX} of Debian's package user-mode-linux: make labs")
    return kernel


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.name)]
