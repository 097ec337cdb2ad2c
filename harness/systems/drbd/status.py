"""What a host's DRBD says about the pair, from /proc/drbd of 8.3 and 8.4."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.errors import UnexpectedOutput
from harness.hosts.command import Command
from harness.hosts.host import Reader

ROLES = {"Primary", "Secondary", "Unknown"}
DISKS = {
    "Diskless", "Attaching", "Failed", "Negotiating", "Inconsistent",
    "Outdated", "DUnknown", "Consistent", "UpToDate",
}  # fmt: skip
CONNECTIONS = {
    "StandAlone", "Disconnecting", "Unconnected", "Timeout", "BrokenPipe", "NetworkFailure", "ProtocolError",
    "TearDown", "WFConnection", "WFReportParams", "Connected", "StartingSyncS", "StartingSyncT", "WFBitMapS",
    "WFBitMapT", "WFSyncUUID", "SyncSource", "SyncTarget", "PausedSyncS", "PausedSyncT", "VerifyS", "VerifyT",
    "Ahead", "Behind",
}  # fmt: skip
TALKING = CONNECTIONS - {
    "StandAlone", "Disconnecting", "Unconnected", "Timeout", "BrokenPipe", "NetworkFailure", "ProtocolError",
    "TearDown", "WFConnection", "WFReportParams",
}  # fmt: skip


@dataclass(frozen=True)
class Status:
    """One side's view of a resource."""

    connection: str
    role: str
    peer_role: str
    disk: str
    peer_disk: str
    out_of_sync_kib: int

    @property
    def talking(self) -> bool:
        """The peers are connected, syncing or not."""
        return self.connection in TALKING

    @property
    def in_sync(self) -> bool:
        """Connected, both UpToDate, nothing marked out of sync: what the kernel can say, no proof of equal data."""
        return (self.connection, self.disk, self.peer_disk) == ("Connected", "UpToDate", "UpToDate") and (
            self.out_of_sync_kib == 0
        )

    def __str__(self) -> str:
        return f"{self.connection} {self.role}/{self.peer_role} {self.disk}/{self.peer_disk}"


_LINE = re.compile(r"^ *([0-9]{1,7}): cs:(\w+)(?: (?:ro|st):(\w+)/(\w+) (?:ds|ld):(\w+)/(\w+))?")


def parse(text: str) -> dict[int, Status]:
    """Every configured minor of /proc/drbd; ``cs:Unconfigured`` lines of 8.3 count as absent.

    Raises:
        UnexpectedOutput: on a word that is no DRBD state.
    """
    found: dict[int, Status] = {}
    for match, body in _blocks(text):
        minor, connection, role, peer_role, disk, peer_disk = match.groups()
        if connection == "Unconfigured":
            continue
        known = connection in CONNECTIONS and {role, peer_role} <= ROLES and {disk, peer_disk} <= DISKS
        oos = re.search(r"\boos:([0-9]{1,19})\b", body)
        if not known or not oos:
            raise UnexpectedOutput(f"/proc/drbd holds {body.strip()!r}")
        found[int(minor)] = Status(connection, role, peer_role, disk, peer_disk, int(oos.group(1)))
    return found


def _blocks(text: str) -> list[tuple[re.Match[str], str]]:
    starts = [match for match in (_LINE.match(line) for line in text.splitlines()) if match]
    lines = text.splitlines()
    numbers = [number for number, line in enumerate(lines) if _LINE.match(line)] + [len(lines)]
    return [(match, "\n".join(lines[numbers[at] : numbers[at + 1]])) for at, match in enumerate(starts)]


def minor_of(device: str) -> int:
    """/dev/drbd1 has minor 1."""
    return int(device.removeprefix("/dev/drbd"))


def status(host: Reader, device: str) -> Status | None:
    """The resource behind ``device`` as this host sees it; None when it is not up here."""
    result = host.ask(Command(("cat", "/proc/drbd")))
    return parse(result.text).get(minor_of(device)) if result.ok else None


def all_minors(host: Reader) -> set[int]:
    """Every minor in use on the host."""
    result = host.ask(Command(("cat", "/proc/drbd")))
    return set(parse(result.text)) if result.ok else set()


def module_loaded(host: Reader) -> bool:
    lines = host.read(Command(("cat", "/proc/modules"))).text.splitlines()
    return any(line.split(" ", 1)[0] == "drbd" for line in lines)
