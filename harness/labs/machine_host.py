"""One host of a machines lab: a kernel of its own, sshd for the engine, a door of its own for the lab."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import LabError
from harness.hosts.command import Result
from harness.labs.hostfiles import File, packed
from harness.labs.look import LOOKING
from harness.labs.machine_door import Answer, Door, DoorClosed
from harness.labs.machine_kernel import Kernel, Power
from harness.labs.machine_network import MachineNetwork

SSH_PORT = 22
FURNISHING = "furnish.tar"  # ends the name of the disk that brings files to a machine without power
_ANSWER_S = 60.0
_LAST_WORDS = 1500
_CLOCK_LOOKS = 3
_TELL_TIME = "import time; print(repr(time.time()))"
_ADVANCE = """
import sys, time
time.clock_settime(time.CLOCK_REALTIME, time.time() + float(sys.argv[1]))
with open("/dev/kmsg", "w") as log:
    log.write(f"walrus-lab: clock {time.time():.6f}\\n")
"""
_LISTENS = """
with open("/proc/net/tcp") as table:
    rows = [line.split() for line in table][1:]
answer(any(row[1].endswith(f":{int(sys.argv[1]):04X}") and row[3] == "0A" for row in rows))
"""
_UNPACK = ("tar", "-xf", "-", "-C", "/")

# What every script of ``run_script`` may use besides LOOKING: the fakes, and an argument that is a directory.
_PRELUDE = """
import time
if "/opt" not in sys.path:
    sys.path.insert(0, "/opt")


def directory(argument):
    return os.path.realpath(argument)


"""


@dataclass(frozen=True)
class Plan:
    """What a host shall be before it is there."""

    role: str
    name: str
    uname: str
    device_bytes: int | None = None  # of the disk under DRBD; None on the CLC, which has none
    staging: str | None = None  # where a staging area of its own is mounted
    staging_bytes: int | None = None

    @property
    def replicates(self) -> bool:
        return self.device_bytes is not None


@dataclass
class MachineHost:
    """A running, frozen or powerless machine. ``power`` is held while its power changes or its disks are read."""

    plan: Plan
    kernel: Kernel
    network: MachineNetwork
    door: Door
    furnishing: Path
    power: threading.RLock = field(default_factory=threading.RLock)
    _pending: dict[str, File] = field(default_factory=dict, init=False)
    _rescued: bool = field(default=False, init=False)

    @property
    def address(self) -> str:
        return self.network.address(self.plan.role)

    @property
    def replication_address(self) -> str | None:
        return self.network.replication_address(self.plan.role)

    @property
    def ssh(self) -> tuple[str, int]:
        return self.address, SSH_PORT

    @property
    def backing_disk(self) -> str:
        """The disk of the pair below BACKING_DEVICE."""
        return f"/dev/{self.kernel.disks}b"

    def status(self) -> Power:
        return self.kernel.status()

    # Power

    def start(self, rescue: bool = False) -> None:
        """Give it power, with what was put into it meanwhile. It is up some seconds later.

        After a ``rescue`` start it runs nothing but the lab's door, and what was put is still to come.

        Raises:
            LabError: when it has power already, or its kernel cannot be started.
        """
        with self.power:
            words = {"lab.name": self.plan.uname}
            if self.plan.device_bytes is not None:
                words["lab.disk"] = str(self.plan.device_bytes // 512)
            if self.plan.staging is not None:
                words["lab.staging"] = self.plan.staging
            if rescue:
                words["lab.rescue"] = "1"
            elif self._pending:
                self.furnishing.write_bytes(packed(self._pending))
                words["lab.furnish"] = "1"
            self._rescued = rescue
            self.kernel.start(words)

    def cut_power(self) -> None:
        """End it at once: what its kernel had not written to its disks is lost."""
        with self.power:
            self.kernel.cut_power()

    def wait_for_door(self, timeout_s: float = _ANSWER_S) -> None:
        """Wait until the lab can run programs on it.

        Raises:
            LabError: with the machine's last words, when it cannot in time.
        """
        self._wait(self.door.answers, "does not answer at the lab's door", timeout_s)
        if not self._rescued:
            self._pending.clear()  # it unpacks and flushes before it opens the door
        if self.kernel.lags:
            self._set_clock()

    def _set_clock(self) -> None:
        """To this machine's, as well as the quickest of some answers tells it, and note that in the kernel's log."""
        looks = []
        for _ in range(_CLOCK_LOOKS):
            asked = time.time()
            there = float(self.script(_TELL_TIME).text)
            answered = time.time()
            looks.append((answered - asked, (asked + answered) / 2 - there))
        self.script(_ADVANCE, repr(min(looks)[1]))

    def wait_for_ssh(self, timeout_s: float = _ANSWER_S) -> None:
        """Wait until its sshd listens: with its keys read, it is ready. To be greeted would cost the host a process.

        Raises:
            LabError: with the machine's last words, when it does not in time.
        """
        self._wait(self._listens, f"does not answer ssh at {self.address}", timeout_s)

    def _wait(self, holds: Callable[[], bool], complaint: str, timeout_s: float) -> None:
        bound_s = timeout_s * self.kernel.slowness
        deadline = time.monotonic() + bound_s
        while not holds():
            if time.monotonic() > deadline or self.status() == "off":
                raise LabError(f"{self.plan.name} {complaint} after {bound_s:g} s{self._last_words()}")
            time.sleep(0.05)

    def _listens(self) -> bool:
        return self.door.answers() and bool(run_script(self, _LISTENS, str(SSH_PORT)))

    def _last_words(self) -> str:
        """What its kernel said last, for an error message."""
        said = self.kernel.console.read_text(errors="replace") if self.kernel.console.exists() else ""
        return f" (the host is {self.status()}; its console {self.kernel.console} ends: {said[-_LAST_WORDS:].strip()})"

    # Past everything that the engine uses

    def execute(
        self, *argv: str, stdin: str | bytes | None = None, ok: Iterable[int] = (0,), timeout_s: float = _ANSWER_S
    ) -> Result:
        """Run a program through the lab's own door, past sshd.

        Raises:
            LabError: when it ended with a status that is not in ``ok``, took too long, or the host does not run.
        """
        timeout_s *= self.kernel.slowness
        answer = self._ask(lambda: self.door.program(argv, _content(stdin), timeout_s))
        return self._result(_brief(argv), answer, ok, timeout_s)

    def script(
        self,
        text: str,
        *arguments: str,
        stdin: str | bytes | None = None,
        ok: Iterable[int] = (0,),
        timeout_s: float = _ANSWER_S,
    ) -> Result:
        """Run a Python text on the host without starting an interpreter; it finds ``arguments`` in sys.argv[1:].

        Raises:
            LabError: as for ``execute``.
        """
        timeout_s *= self.kernel.slowness
        answer = self._ask(lambda: self.door.script(text, arguments, _content(stdin), timeout_s))
        return self._result("a script of the lab", answer, ok, timeout_s)

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        if (status := self.status()) != "running":
            raise LabError(f"{self.plan.name} is {status}")
        try:
            return ask()
        except DoorClosed as closed:
            raise LabError(f"{closed}{self._last_words()}") from closed

    def _result(self, what: str, answer: Answer, ok: Iterable[int], timeout_s: float) -> Result:
        result = Result(answer.status, answer.stdout, answer.stderr)
        said = (result.stderr or result.stdout).decode(errors="replace").strip()[-1000:]
        if answer.timed_out:
            raise LabError(f"{self.plan.name}: `{what}` did not end within {timeout_s:g} s: {said}")
        if result.exit_status not in ok:
            raise LabError(f"{self.plan.name}: `{what}` ended with status {result.exit_status}: {said}")
        return result

    def put(self, files: dict[str, File]) -> None:
        """Write files, owned by root: at once on a running host, at its next start on one without power.

        Raises:
            LabError: when the host is frozen or cannot write them.
        """
        with self.power:
            if self.status() == "off":
                self._pending |= files
            else:
                self.execute(*_UNPACK, stdin=packed(files))


def run_script(host: MachineHost, script: str, *arguments: str, timeout_s: float = _ANSWER_S) -> Any:
    """Run a Python program of the lab on a host and return what it answered in JSON.

    Raises:
        LabError: when it failed, or the host does not run.
    """
    return json.loads(host.script(LOOKING + _PRELUDE + script, *arguments, timeout_s=timeout_s).stdout)


def _content(stdin: str | bytes | None) -> bytes:
    return stdin.encode() if isinstance(stdin, str) else stdin or b""


def _brief(argv: Iterable[str]) -> str:
    """A command for an error message, its scripts left out."""
    return " ".join(word if "\n" not in word else "..." for word in argv)
