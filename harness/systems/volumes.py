"""Block devices: what they are, what lies on them, who holds them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.errors import CommandFailed, UnexpectedOutput
from harness.hosts.command import Command, Effect
from harness.hosts.host import Reader
from harness.systems import mounts
from harness.systems.printed import lines, whole

# Internal DRBD metadata at the end of the device: 32 KiB of bitmap a GiB, rounded up, and the fixed part.
_BITMAP_BYTES_PER_GIB = 32 * 1024
_METADATA_FIXED_BYTES = 36 * 1024 + 32 * 1024
_LOOKED_AT_BYTES = 68 * 1024  # by drbdmeta, at the beginning of a device
_UUID = re.compile(r"(?<![0-9a-f-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f-])", re.IGNORECASE)


def drbd_metadata_bytes(device_bytes: int) -> int:
    """Room that internal DRBD metadata takes at the end of a device, rounded up generously."""
    return -(-device_bytes // 1024**3) * _BITMAP_BYTES_PER_GIB + _METADATA_FIXED_BYTES


def is_block_device(host: Reader, device: str) -> bool:
    return host.ask(Command(("test", "-b", device))).ok


def size_bytes(host: Reader, device: str) -> int:
    text = host.read(Command(("blockdev", "--getsize64", device))).text
    return whole(text.rstrip("\n"), f"{host.name}: blockdev --getsize64 {device}")


@dataclass(frozen=True)
class Signature:
    """What a low-level probe finds first on a device."""

    type: str
    uuid: str


def signature(host: Reader, device: str) -> Signature | None:
    """What lies on the device by its own bytes (no cache), None when the probe finds nothing it knows.

    blkid(8): status 2 means nothing found, 8 an ambivalent result.
    """
    result = host.ask(Command(("blkid", "-p", device)))
    if result.exit_status == 2:
        return None
    if result.exit_status == 8:
        return Signature("ambivalent", "")
    if not result.ok:
        raise CommandFailed(host.name, f"blkid -p {device}", result)
    # PTTYPE is a partition table, TYPE a file system or member of something.
    found = dict(re.findall(r'\b(TYPE|PTTYPE|UUID)="([^"]*)"', result.text))
    kind = found.get("TYPE") or found.get("PTTYPE")
    if kind is None:
        raise UnexpectedOutput(f"{host.name}: blkid -p {device} printed {result.text!r}")
    return Signature(kind, found.get("UUID", ""))


def label(host: Reader, device: str) -> str:
    """The label of the file system on the device, empty when it has none."""
    found = re.search(r'\bLABEL="([^"]*)"', host.ask(Command(("blkid", "-p", device))).text)
    return found[1] if found else ""


def all_signatures(host: Reader, device: str) -> str:
    """Everything that wipefs finds, empty when nothing."""
    return host.read(Command(("wipefs", "-n", device))).text.strip()


def signature_types(host: Reader, device: str) -> list[str]:
    """The kind of each signature that wipefs finds."""
    rows = [line.split() for line in lines(all_signatures(host, device))[1:]]
    if short := [row for row in rows if len(row) < 3]:
        raise UnexpectedOutput(f"{host.name}: wipefs -n {device} printed {' '.join(short[0])!r}")
    return [row[2] for row in rows]


def holders(host: Reader, device: str) -> list[str]:
    """Names of what is stacked on the device (partitions, LVM, md, DRBD) and where it is mounted."""
    printed = host.read(Command(("lsblk", "-n", "-r", "-o", "NAME,TYPE,MOUNTPOINT", device))).text
    if not printed.strip():
        raise UnexpectedOutput(f"{host.name}: lsblk {device} printed nothing")
    own, *stacked = [line.split(" ") for line in lines(printed)]
    mounted = [f"mounted on {own[2]}"] if len(own) > 2 and own[2] else []
    return mounted + [fields[0] for fields in stacked]


def swap_devices(host: Reader) -> list[str]:
    found = lines(host.read(Command(("cat", "/proc/swaps"))).text)[1:]
    return [line.split()[0] for line in found if line.strip()]


def begins_with_zeros(host: Reader, device: str) -> bool:
    """Nothing lies in the first blocks, be it of a kind that no probe knows.

    drbdmeta looks there before it makes metadata. Of data that it cannot name it asks whether to go on, and without a
    terminal it answers its question with no.
    """
    command = Command(("od", "-A", "n", "-t", "x8", "-N", str(_LOOKED_AT_BYTES), device))
    return not set(host.read(command).text.split()) - {"*", "0" * 16}


def occupied_by(host: Reader, device: str) -> str | None:
    """Why the device must not be written over: what lies on it or uses it; None when it is blank and idle."""
    found = signature(host, device)
    if found:
        return f"holds {found.type}{f' ({found.uuid})' if found.uuid else ''}"
    if left := all_signatures(host, device):
        return f"holds signatures: {' '.join(left.split())}"
    return used_by(host, device)


def used_by(host: Reader, device: str) -> str | None:
    """What uses the device, whatever lies on it; None when nothing does."""
    if stacked := holders(host, device):
        return f"is in use: {', '.join(stacked)}"
    if device in swap_devices(host):
        return "is swap space"
    if at := [mount.at for mount in mounts.mounts(host) if mount.device == device]:
        return f"is mounted on {at[0]}"
    return None


@dataclass(frozen=True)
class Blank:
    """The claim that nothing lies on a device and nothing uses it."""

    device: str

    def __str__(self) -> str:
        return f"{self.device} is blank and idle"

    def denied(self, host: Reader) -> str | None:
        reason = occupied_by(host, self.device)
        return f"{host.name}: {self.device} {reason}; it must be blank and idle" if reason else None


@dataclass(frozen=True)
class Carries:
    """The claim that a device carries exactly what this run put there, and that nobody uses it."""

    device: str
    found: Signature
    alone: bool = True  # nothing else is on it; erasing all signatures would take that along

    def __str__(self) -> str:
        return f"{self.device} carries {self.found.type} {self.found.uuid} of this run and is idle"

    def denied(self, host: Reader) -> str | None:
        if (found := signature(host, self.device)) != self.found:
            return f"{host.name}: {self.device} holds {found}, expected {self.found}"
        if self.alone and (others := set(_UUID.findall(all_signatures(host, self.device))) - {self.found.uuid}):
            return f"{host.name}: {self.device} holds more than {self.found}: {', '.join(sorted(others))}"
        in_use = used_by(host, self.device)
        return f"{host.name}: {self.device} {in_use}" if in_use else None


def read_directly_command(device: str, mebibytes: int) -> Command:
    """Read the beginning of a device past all caches, and keep nothing of it."""
    return Command(("dd", f"if={device}", "of=/dev/null", "bs=1048576", "iflag=direct", f"count={mebibytes}"))


def make_filesystem_command(device: str, fstype: str) -> Command:
    """Making a file system; the caller has proof that the device is blank and runs it as a detached job."""
    return Command((f"mkfs.{fstype}", "-q", device), Effect.DESTROY)


def make_named_filesystem_command(device: str, found: Signature, named: str) -> Command:
    """As ``make_filesystem_command``, with the identity of one that lay there before.

    mkfs.xfs of 2012 takes no UUID: ``give_identity_command`` follows.
    """
    uuid = () if found.type == "xfs" else ("-U", found.uuid)
    return Command((f"mkfs.{found.type}", "-q", *uuid, *(("-L", named) if named else ()), device), Effect.DESTROY)


def give_identity_command(device: str, found: Signature) -> Command | None:
    """What gives a new file system the UUID of an old one where mkfs could not."""
    return Command(("xfs_admin", "-U", found.uuid, device), Effect.WRITE) if found.type == "xfs" else None


def zero_start_command(device: str) -> Command:
    """Zero the first 128 KiB of a device that this run had found blank and has wiped again.

    Erasing signatures leaves the rest of a file system's first blocks, and create-md looks at 68 KiB: finding them not
    zero it asks, and without a terminal it answers its question with no.
    """
    zeros = ("dd", "if=/dev/zero", f"of={device}", "bs=65536", "count=2", "conv=fsync")
    return Command(zeros, Effect.DESTROY)


def wipe_command(device: str) -> Command:
    """Erase the signatures of what this run itself put on the device."""
    return Command(("wipefs", "-a", device), Effect.DESTROY)
