"""What libblkid sees on a device: blkid and wipefs, as util-linux 2.38 prints them."""

from __future__ import annotations

from typing import NamedTuple

from fakes.machine import Machine
from fakes.pace import Pace
from fakes.program import Call, Program, Reply, Slow, UnsupportedInvocation
from fakes.programs import drbd_content
from fakes.programs.devices import Device, find
from fakes.programs.drbd_model import mark_written
from fakes.programs.drbd_replica import connected_peer, offsets
from fakes.programs.gnu import simulated
from fakes.world import Disk

_SMALL_EXT_KIB = 512 * 1024  # below that mke2fs makes blocks of 1024 bytes
_DRBD_MAGIC_AT = 0x3C  # in the superblock


class Found(NamedTuple):
    """One signature."""

    kind: str
    uuid: str
    offset: int
    magic: bytes


_MAGIC = {
    "ext2": (0x438, b"\x53\xef"),
    "ext3": (0x438, b"\x53\xef"),
    "ext4": (0x438, b"\x53\xef"),
    "xfs": (0x0, b"XFSB"),
    "swap": (0xFF6, b"SWAPSPACE2"),
    "LVM2_member": (0x218, b"LVM2 001"),
    "gpt": (0x200, b"EFI PART"),
    "dos": (0x1FE, b"\x55\xaa"),
}


def signatures(found: Device) -> list[Found]:
    """Everything on the device, in the order in which it is probed."""
    seen, disk = [], found.content
    if disk is not None and found.disk is not None and disk.metadata is not None:
        offset = offsets(disk.size_bytes)[0] + _DRBD_MAGIC_AT
        seen.append(Found("drbd", disk.metadata.device_uuid.lstrip("0"), offset, b"\x83\x74\x02\x6b"))
    if disk is not None and found.disk is not None and disk.foreign == "v09":
        offset = offsets(disk.size_bytes)[0] + _DRBD_MAGIC_AT
        seen.append(Found("drbd", "", offset, b"\x83\x74\x02\x6d"))
    if disk is not None and disk.signature is not None:
        if disk.signature not in _MAGIC:
            raise UnsupportedInvocation(f"a signature of {disk.signature} is not modelled")
        seen.append(Found(disk.signature, disk.uuid, *_MAGIC[disk.signature]))
    return seen


# blkid


def blkid(call: Call, machine: Machine) -> Reply:
    """``blkid [-p] DEVICE``: 2 when nothing is found."""
    low_level = call.argv[1:2] == ("-p",)
    words = call.argv[2:] if low_level else call.argv[1:]
    if len(words) != 1 or words[0].startswith("-") or call.user != "root":
        raise UnsupportedInvocation(" ".join(call.argv))
    with machine.world() as world:
        found = find(world, machine, words[0])
        if found is None:
            return Reply(2)
        if not found.open_for_reading:
            complaint = f"blkid: error: {found.path}: Wrong medium type\n" if low_level else ""
            return Reply(2, b"", complaint.encode())
        seen = signatures(found)
        if not seen:
            return Reply(2)
        tags = _tags(seen[0], found.content, low_level)
        shown = " ".join(f'{name}="{value}"' for name, value in tags.items())
        return Reply(0, f"{found.path}: {shown}\n".encode())


def _tags(seen: Found, disk: Disk | None, low_level: bool) -> dict[str, str]:
    size_kib = disk.filesystem_kib if disk else 0
    block = "1024" if 0 < size_kib < _SMALL_EXT_KIB else "4096"
    ext = {"UUID": seen.uuid, "VERSION": "1.0", "BLOCK_SIZE": block, "TYPE": seen.kind, "USAGE": "filesystem"}
    tags = {
        "drbd": {"UUID": seen.uuid, "VERSION": "v08", "TYPE": "drbd", "USAGE": "raid"}
        if seen.uuid
        else {"VERSION": "v09", "TYPE": "drbd", "USAGE": "raid"},
        "ext3": {"UUID": seen.uuid, "SEC_TYPE": "ext2", **ext},
        "xfs": {"UUID": seen.uuid, "BLOCK_SIZE": "512", "TYPE": "xfs", "USAGE": "filesystem"},
        "swap": {"UUID": seen.uuid, "VERSION": "1", "TYPE": "swap", "USAGE": "other"},
        "LVM2_member": {"UUID": seen.uuid, "VERSION": "LVM2 001", "TYPE": "LVM2_member", "USAGE": "raid"},
        "gpt": {"PTUUID": seen.uuid, "PTTYPE": "gpt"},
        "dos": {"PTUUID": seen.uuid[:8], "PTTYPE": "dos"},
    }.get(seen.kind, ext)
    if disk and disk.label and "USAGE" in tags and tags["USAGE"] == "filesystem":
        tags = {"LABEL": disk.label, **tags}
    return tags if low_level else {name: value for name, value in tags.items() if name not in ("VERSION", "USAGE")}


# wipefs


def wipefs(call: Call, machine: Machine) -> Reply:
    """``wipefs -n DEVICE`` lists, ``wipefs -a DEVICE`` erases what it can."""
    if len(call.argv) != 3 or call.argv[1] not in ("-n", "-a") or call.user != "root":
        raise UnsupportedInvocation(" ".join(call.argv))
    erases, path = call.argv[1] == "-a", call.argv[2]
    with machine.world() as world:
        found = find(world, machine, path)
        reason = "No such file or directory" if found is None else _cannot_probe(found, erases)
        if reason or found is None:
            complaint = f"wipefs: error: {path}: probing initialization failed: {reason}\n"
            return Reply(1, b"", complaint.encode())
        seen = signatures(found)
        if not erases:
            return Reply(0, _table(found, seen).encode())
        if seen:
            _erase(machine, found)
            world.record(machine.now(), found.row.name, "destroy", " ".join(call.argv))
        return Reply(0, "".join(_erased_line(path, one) for one in seen).encode())


def _cannot_probe(found: Device, erases: bool) -> str:
    if not found.open_for_reading:
        return "Read-only file system" if erases else "Wrong medium type"
    if erases and (found.mounts or found.claimed or found.is_swap):
        return "Device or resource busy"
    return ""


def _erased_line(path: str, seen: Found) -> str:
    magic = " ".join(f"{byte:02x}" for byte in seen.magic)
    return f"{path}: {len(seen.magic)} bytes were erased at offset 0x{seen.offset:08x} ({seen.kind}): {magic}\n"


def _table(found: Device, seen: list[Found]) -> str:
    if not seen:
        return ""
    rows = [("DEVICE", "OFFSET", "TYPE", "UUID", "LABEL")]
    label = found.content.label if found.content else ""
    rows += [(found.name, f"0x{one.offset:x}", one.kind, one.uuid, "" if one.kind == "drbd" else label) for one in seen]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [" ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows]
    return "\n".join(lines) + "\n"


def _erase(machine: Machine, found: Device) -> None:
    disk = found.content
    if disk is None:
        raise UnsupportedInvocation("wiping the peer's disk alone is not modelled")
    if disk.signature is not None:
        disk.residue = True
    drbd_content.erase(machine, disk)
    if found.one is not None:
        mark_written(found.one)
        other = connected_peer(found.one)
        if other is not None and other.disk is not None and other.disk.lineage == disk.lineage:
            drbd_content.copy_description(disk, other.disk)
    else:
        disk.metadata, disk.foreign = None, disk.foreign.replace("v09", "")  # what is older, libblkid does not see
        disk.lineage = drbd_content.new_lineage(found.world) if disk.residue else disk.lineage


_DIRECT = ("of=/dev/null", "bs=1048576", "iflag=direct")


def dd(call: Call, machine: Machine) -> Reply | Slow:
    """Zeroing the first two blocks of a device on which no signature is left, or reading a device past the caches.

    ``dd if=/dev/zero of=DEVICE bs=65536 count=2 conv=fsync``,
    ``dd if=DEVICE of=/dev/null bs=1048576 iflag=direct count=NUMBER``.
    """
    match call.argv[1:]:
        case [source, *options, count] if tuple(options) == _DIRECT and count.startswith("count="):
            return _read(machine, source.removeprefix("if="), int(count.removeprefix("count=")))
        case ["if=/dev/zero", target, "bs=65536", "count=2", "conv=fsync"] if target.startswith("of=/dev/"):
            path = target.removeprefix("of=")
        case _:
            raise UnsupportedInvocation(" ".join(call.argv))
    with machine.world() as world:
        found = find(world, machine, path)
        if found is None or found.disk is None or _cannot_probe(found, True) or signatures(found):
            raise UnsupportedInvocation(f"zeroing {path}, which is in use, replicated or holds something")
        found.disk.residue = False
        world.record(machine.now(), found.row.name, "destroy", " ".join(call.argv))
    return Reply(0, b"", b"2+0 records in\n2+0 records out\n131072 bytes (131 kB, 128 KiB) copied, 0.01 s, 13 MB/s\n")


_BEGINNING = ("-A", "n", "-t", "x8", "-N", "69632")


def od(call: Call, machine: Machine) -> Reply:
    """The words that a device begins with, ``od -A n -t x8 -N 69632 DEVICE``: all zero, or not all."""
    *options, path = call.argv[1:]
    if tuple(options) != _BEGINNING:
        raise UnsupportedInvocation(" ".join(call.argv))
    with machine.world() as world:
        found = find(world, machine, path)
        if found is None or not found.open_for_reading:
            return Reply(1, b"", f"od: {path}: No such file or directory\n".encode())
        if found.content is None:
            raise UnsupportedInvocation(f"reading {path}, whose content is the peer's, is not modelled")
        zeros, words = b" 0000000000000000" * 2 + b"\n", b" 6d6f732074616877 73656b2079646f62\n"
        begins = found.content.residue or found.content.signature is not None
    return Reply(0, zeros + b"*\n" + (words + zeros + b"*\n" if begins else b""))


def _read(machine: Machine, path: str, count: int) -> Reply | Slow:
    with machine.world() as world:
        found = find(world, machine, path)
        if found is None or not found.open_for_reading:
            return Reply(1, b"", f"dd: failed to open '{path}': No such file or directory\n".encode())
        size = min(count * 1048576, found.size_bytes)
    return _spun(size, machine)


def _spun(size: int, machine: Machine) -> Slow:
    try:
        pace = simulated(machine).simulation.pace
    except UnsupportedInvocation:
        pace = Pace()  # a container's own disk says nothing of the one that is played
    yield size / pace.read_bytes_per_s
    records = f"{size // 1048576}+{int(size % 1048576 > 0)} records"
    return Reply(0, b"", f"{records} in\n{records} out\n{size} bytes copied\n".encode())


PROGRAMS: dict[str, Program] = {"blkid": blkid, "dd": dd, "od": od, "wipefs": wipefs}
