"""A host of a privileged lab: a container beside the others on one kernel. It has processes, files and a network of its
own, and its kernel goes on when it does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import FaultNotProven
from harness.labs.machine_kernel import Power
from harness.labs.privileged_guest import IMAGE, SHARED, Guest

SHIFT = 100  # between the minors of one host and the next, as the kernel counts them
_LAB = "/usr/lib/walrus-lab"
_STATES: dict[str, Power] = {"running": "running", "paused": "frozen"}
_STAMPED = re.compile(r"(\[ *\d+\.\d+\] )(.*)$")
_DISKS = re.compile(r"\b(dm-|loop)[01]\b")  # of the pair, in the order of the hosts' numbers
_THEIRS = re.compile(r"walrus-lab-host (\S+) (.*)$")


@dataclass
class ContainerKernel:
    """Implements harness.labs.machine_kernel.Kernel as far as a container can: nobody can cut its power."""

    name: str
    number: int  # from 1
    directory: Path  # of the host, as the guest sees it too
    guest: Guest
    disks = "loop"  # only a name: LOOPS says which is whose
    cards = "eth"
    lags = False
    slowness = 1.0
    _power: Power = field(default="off", init=False)

    @property
    def shift(self) -> int:
        """What its minors are lower by than the kernel's."""
        return SHIFT * self.number

    @property
    def console(self) -> Path:
        """What the shared kernel said of this host, in the host's own words, as far as it has come."""
        path = self.directory / "console"
        shared = self.guest.kernel.console
        text = shared.read_text("utf-8", "replace") if shared.exists() else ""
        path.write_text(own_lines(text, self.name, self.shift))
        return path

    def start(self, words: Mapping[str, str]) -> None:
        """Make and start the container."""
        (self.directory / "words").write_text("".join(f"{key}={value}\n" for key, value in words.items()))
        (self.directory / "shared-kernel").write_text(f"name={self.name}\nshift={self.shift}\n")
        self.guest.docker(
            ("POST", f"/containers/create?name={self.name}", self._description(words["lab.name"])),
            ("POST", f"/containers/{self.name}/start", None),
        )
        self._look()

    def _description(self, uname: str) -> dict[str, object]:
        binds = [
            f"{self.directory}:{_LAB}/own:ro",
            f"{SHARED}:{_LAB}/shared:ro",
            f"/run/netns/{self.name}:{_LAB}/own-network",
            f"/run/lab/first-network:{_LAB}/first-network",
            f"/run/lab/hosts/{self.name}.kmsg:{_LAB}/kmsg",
        ]
        return {
            "Image": IMAGE,
            "Hostname": uname,
            "Entrypoint": [f"{_LAB}/shared/host-init"],
            "HostConfig": {"Privileged": True, "NetworkMode": "host", "Binds": binds, "LogConfig": {"Type": "none"}},
        }

    def cut_power(self) -> None:
        raise FaultNotProven(f"{self.name} shares its kernel with its peer: power cannot be cut for one of them")

    def let_go(self) -> None:
        """Nothing here holds it."""

    def freeze(self) -> None:
        self._become("pause")

    def thaw(self) -> None:
        self._become("unpause")

    def _become(self, change: str) -> None:
        self.guest.docker(("POST", f"/containers/{self.name}/{change}", None))
        self._look()

    def _look(self) -> None:
        (found,) = self.guest.docker(("GET", f"/containers/{self.name}/json", None))
        self._power = _STATES.get(found["State"]["Status"], "off")

    def status(self) -> Power:
        """What Docker said after the last change; nothing else changes it but its end, which its door tells."""
        return "off" if self.guest.kernel.status() == "off" else self._power


def own_lines(log: str, name: str, shift: int) -> str:
    """The lines of a shared kernel's log that a kernel of this host's own would have written; pure.

    Lines that name no host belong to all: boots, clocks, complaints.
    """
    own_device = re.compile(rf"\bdrbd({shift // SHIFT}\d\d)\b")
    own_disk = re.compile(rf"\b(dm-|loop){shift // SHIFT - 1}\b")
    any_device = re.compile(r"\bdrbd[1-9]\d\d\b|\bdrbd \S+\.\w+:")
    found = []
    for line in log.splitlines():
        stamped = _STAMPED.search(line)
        stamp, text = stamped.groups() if stamped else ("", line)
        theirs = _THEIRS.match(text)
        if theirs:
            if theirs[1] == name:
                found.append(stamp + theirs[2])
            continue
        if any_device.search(text) and not own_device.search(text) and f".{name}" not in text:
            continue
        if _DISKS.search(text) and not own_disk.search(text):
            continue
        text = own_device.sub(lambda match: f"drbd{int(match[1]) - shift}", text).replace(f".{name}", "")
        found.append(stamp + text)
    return "".join(f"{line}\n" for line in found)
