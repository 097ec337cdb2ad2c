"""Holding the pair's resync: the peers stay connected, what is written goes to both, and nothing else does.

DRBD asks for the next blocks ten times a second, as many as its rate allows in that time. At one KiB a second that is
none. The rate counts on the side that receives, which may be either.
"""

from __future__ import annotations

import re
import time
from typing import NamedTuple

from harness.labs.machine_furnish import PAIR
from harness.labs.machine_host import MachineHost
from harness.labs.machine_rack import MachineRack

_HELD = ("0", "1k")
_DRBD_DEFAULTS = ("20", "250k")
_SEEN_WITHIN_S = 5.0
_BETWEEN_LOOKS_S = 0.3
_OPTION = r"^\s*{}\s+(\w+);"
_STATE = re.compile(r"\bcs:(\w+)[^\n]*\n.*\boos:(\d+)")
_NOTHING_AHEAD, _NO_RATE = "c-plan-ahead", "resync-rate"


class Seen(NamedTuple):
    """A side's connection, and how many KiB it has out of sync."""

    connection: str
    out_of_sync_kib: int


class ResyncFaults:
    """Remembers each side's own rate for as long as it is held."""

    def __init__(self, rack: MachineRack) -> None:
        self._rack = rack
        self._own: dict[str, tuple[str, str]] = {}  # c-plan-ahead and resync-rate, by role

    def stall(self) -> tuple[bool, str]:
        """Hold the resync that runs, or the next one that begins. Whether that is proven, and what was seen."""
        held = []
        for role in PAIR:
            host = self._rack.hosts[role]
            if host.status() != "running" or (own := self._options(host)) is None:
                continue
            if own != _HELD:
                self._own[role] = own
                self._set(host, _HELD)
            held.append(host)
        if not held:
            return False, "no side of the pair has a disk attached, so there is nothing to hold"
        names = " and ".join(host.plan.name for host in held)
        seen = _look(held[0], self._minor)
        if seen is None or not seen.connection.startswith("Sync"):
            return len(held) == len(PAIR), f"{names}: held before it began"
        return self._stands(held[0], names)

    def _stands(self, host: MachineHost, names: str) -> tuple[bool, str]:
        """Two looks at a connected pair between which nothing was brought into sync."""
        deadline = time.monotonic() + _SEEN_WITHIN_S
        before = _look(host, self._minor)
        while time.monotonic() < deadline:
            time.sleep(_BETWEEN_LOOKS_S)
            now = _look(host, self._minor)
            if now is not None and now == before and now.connection.startswith("Sync"):
                return True, f"{names}: {now.connection}, {now.out_of_sync_kib} KiB out of sync and no fewer"
            before = now
        return False, f"{names}: the resync went on for {_SEEN_WITHIN_S:g} s: {before}"

    def resume(self) -> tuple[bool, str]:
        """Let it go on at its own rate. A side that lost power or its disk meanwhile has its own rate back."""
        freed = []
        for role, own in list(self._own.items()):
            host = self._rack.hosts[role]
            if host.status() == "running" and self._options(host) == _HELD:
                self._set(host, own)
                freed.append(host.plan.name)
            del self._own[role]
        return True, " and ".join(freed) or "nothing was held"

    @property
    def _minor(self) -> str:
        return self._rack.settings.device.removeprefix("/dev/drbd")

    def _options(self, host: MachineHost) -> tuple[str, str] | None:
        """The two options as the kernel has them; None without an attached disk."""
        shown = host.execute("drbdsetup", "show", self._rack.settings.resource, ok=range(256)).text
        if "disk {" not in shown and not re.search(r"^\s*disk\s+\"", shown, re.MULTILINE):
            return None
        ahead, rate = (re.search(_OPTION.format(name), shown, re.MULTILINE) for name in (_NOTHING_AHEAD, _NO_RATE))
        return (ahead[1] if ahead else _DRBD_DEFAULTS[0], rate[1] if rate else _DRBD_DEFAULTS[1])

    def _set(self, host: MachineHost, options: tuple[str, str]) -> None:
        ahead, rate = options
        host.execute("drbdsetup", "disk-options", self._minor, f"--{_NOTHING_AHEAD}={ahead}", f"--{_NO_RATE}={rate}")


def _look(host: MachineHost, minor: str) -> Seen | None:
    told = host.execute("cat", "/proc/drbd", ok=range(256)).text
    found = _STATE.search(told[told.find(f" {minor}: ") :])
    return Seen(found[1], int(found[2])) if found else None
