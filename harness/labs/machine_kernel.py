"""A machine's kernel: a process of this machine with disks in files, which can lose its power at any moment."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from harness.errors import LabError
from harness.labs.machine_cleanup import NAMESPACES
from harness.labs.uml import LINUX, installed

Power = Literal["running", "frozen", "off"]
MEMORY = "512M"
# What no lab has, and takes time at each start: a benchmark of most of a second for RAID 6, which older and younger
# kernels call differently, the file systems JFS and Btrfs, serial lines, and 256 terminals of the old kind. And system
# calls by seccomp where the kernel can, which takes less than half of the time that ptrace takes; a kernel that cannot
# does not know the word.
QUICK = (
    "initcall_blacklist=raid6_select_algo,raid6_init,init_jfs_fs,init_btrfs_fs,ssl_init",
    "pty.legacy_count=0",
    "seccomp=auto",
)
# Otherwise a kernel counts for a tenth of a second how often it loops in a tick. Only waits of microseconds ask for it.
_LOOPS_PER_TICK = "lpj=5000000"
_END_S = 20.0
_STOPPED = "T"  # as /proc/PID/stat says it
_GROUP = 2  # its place among the fields there


class Kernel(Protocol):
    """One machine without its meaning: power, disks and what its kernel says.

    ``disks`` and ``cards`` are what the names of its disks and network cards begin with: disk b is the first of the
    machine's own, card 0 its first cable. ``slowness`` is how many times longer than in User Mode Linux all may take.
    ``lags``: its clock may be behind at a start, until somebody sets it.
    """

    disks: str
    cards: str
    lags: bool

    @property
    def slowness(self) -> float: ...

    @property
    def name(self) -> str: ...

    @property
    def console(self) -> Path:
        """The kernel's log over all its starts; it survives a power cut."""
        ...

    def start(self, words: Mapping[str, str]) -> None:
        """Give it power; the words reach the machine on the kernel's command line."""
        ...

    def cut_power(self) -> None:
        """End it at once, without a word to it: what its kernel had not written is lost."""
        ...

    def let_go(self) -> None:
        """Leave it running when this process ends."""
        ...

    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def status(self) -> Power: ...


@dataclass(frozen=True)
class Cable:
    """The controller's end of a network cable, and the address of the machine's end."""

    tap: str
    mac: str


@dataclass(frozen=True)
class Machine:
    """What a kernel is started with. ``disks`` are b, c, d ... in order, behind the root's; None leaves one out.

    ``cpu`` is the only one that a User Mode Linux kernel runs on, unless None: kernel and processes hand over to each
    other at every system call, which takes twice the time when they sit on two.
    """

    name: str
    namespace: str
    directory: Path
    root_image: Path
    disks: tuple[Path | None, ...]
    cables: tuple[Cable, ...]
    cpu: int | None = None


@dataclass
class ProcessKernel(ABC):
    """A kernel that is one process of this machine, with its helpers in a session of their own."""

    machine: Machine
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def console(self) -> Path:
        return self.machine.directory / f"{self.name}.console"

    @property
    @abstractmethod
    def program(self) -> str:
        """What the process runs."""

    @property
    def directory(self) -> Path | None:
        """Where it is started, when that matters."""
        return None

    @abstractmethod
    def _command(self, words: Mapping[str, str]) -> list[str]:
        """The argument list that starts it, ``words`` on the kernel's command line."""

    @abstractmethod
    def _prepare(self) -> None:
        """Leave everything as a start needs it."""

    def start(self, words: Mapping[str, str]) -> None:
        """Give it power.

        Raises:
            LabError: when it has power, or the kernel cannot be started.
        """
        if self.status() != "off":
            raise LabError(f"{self.name} is {self.status()}; it cannot be started")
        self._prepare()
        enter = ["nsenter", f"--net={NAMESPACES}/{self.machine.namespace}"]
        environment = {"HOME": str(self.machine.directory), "PATH": os.environ.get("PATH", os.defpath)}
        with self.console.open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    [*enter, *self._command(words)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    cwd=self.directory,
                    start_new_session=True,  # a group of its own: a power cut reaches all of it and nothing else
                )
            except OSError as error:
                raise LabError(f"{self.name}: {self.program} did not start ({error}): make labs") from error

    def cut_power(self) -> None:
        """End the kernel and all its processes at once; nothing when it has no power.

        The kernel goes first: one that sees its processes die before it does has time for a panic on its console.
        """
        process = self._process
        if process is None:
            return
        process.kill()
        process.wait(_END_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        self._await_end_of(process.pid)
        self._process = None

    def _await_end_of(self, group: int) -> None:
        """Its last processes hold the disks and cables for a moment."""
        deadline = time.monotonic() + _END_S
        while _exists(group):
            if time.monotonic() > deadline:
                raise LabError(f"{self.name}: processes of group {group} outlive SIGKILL")
            time.sleep(0.005)

    def let_go(self) -> None:
        """It has a session of its own already and its console is a file: there is nothing that ends it but a sweep."""
        if self._process is not None:
            self._process.returncode = 0  # or Python warns that nobody waited for it
        self._process = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        """To the kernel alone: it traces its processes and would take a signal to them for theirs."""
        if self._process is None or self._process.poll() is not None:
            raise LabError(f"{self.name} has no power")
        os.kill(self._process.pid, number)
        wanted = "frozen" if number == signal.SIGSTOP else "running"
        deadline = time.monotonic() + _END_S
        while self.status() != wanted:
            if time.monotonic() > deadline:
                raise LabError(f"{self.name} is {self.status()}, not {wanted}, {_END_S:g} s after {number.name}")
            time.sleep(0.005)

    def status(self) -> Power:
        if self._process is None or self._process.poll() is not None:
            return "off"
        return "frozen" if _fields(str(self._process.pid))[:1] == [_STOPPED] else "running"


class UmlKernel(ProcessKernel):
    """Implements Kernel by User Mode Linux."""

    program = LINUX
    disks = "ubd"
    cards = "vec"
    slowness = 1.0
    lags = True  # a kernel that gets little of the processor while it boots loses tenths of a second

    @property
    def directory(self) -> Path | None:
        """Where its own C library is."""
        return installed().directory

    @property
    def root_disk(self) -> Path:
        """What the machine changed of the root image."""
        return self.machine.directory / f"{self.name}-root.cow"

    def _prepare(self) -> None:
        """A kernel that was killed leaves what controls it."""
        shutil.rmtree(self.machine.directory / ".uml" / self.name, ignore_errors=True)

    def _command(self, words: Mapping[str, str]) -> list[str]:
        alone = [] if self.machine.cpu is None else ["taskset", "-c", str(self.machine.cpu)]
        return [*alone, *installed().words, *self._arguments(), *(f"{key}={value}" for key, value in words.items())]

    def _arguments(self) -> list[str]:
        """What its disks, cables, root and console are."""
        machine = self.machine
        arguments = [f"umid={self.name}", f"mem={MEMORY}", f"ubd0={self.root_disk},{machine.root_image}"]
        # t: no discards. With them mkfs on the device makes DRBD count nearly all of it as in sync, and the first
        # synchronisation, which a trial wants to break, is over before it began.
        arguments += [f"ubd{number}t={disk}" for number, disk in enumerate(machine.disks, start=1) if disk]
        arguments += [
            f"vec{number}:transport=tap,ifname={cable.tap},mac={cable.mac},depth=128,gro=1"
            for number, cable in enumerate(machine.cables)
        ]
        arguments += ["root=/dev/ubda", "rootfstype=ext4", "rw", "con=null", "con0=null,fd:1", "init=/sbin/lab-init"]
        return [*arguments, "printk.time=1", "printk.devkmsg=on", "panic=1", _LOOPS_PER_TICK, *QUICK]


def _exists(group: int) -> bool:
    """A process of the group is there that is more than an entry nobody has collected yet."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        fields = _fields(pid)
        if len(fields) > _GROUP and fields[_GROUP] == str(group) and fields[0] != "Z":
            return True
    return False


def _fields(pid: str) -> list[str]:
    """What /proc/PID/stat says after the program's name: state, parent, group ...; nothing when it is gone."""
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []
