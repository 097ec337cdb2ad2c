"""Which whole disks a file system or a device lies on: two copies on one disk are lost together.

Taken from what ``lsblk`` draws, since the one of 2012 knows neither -s nor PKNAME. A volume that spans disks, or a
mirror, lies on each of them. That two disks of an array are one piece of hardware cannot be seen from a host.
"""

from __future__ import annotations

import re
from collections import defaultdict

from harness.errors import UnexpectedOutput
from harness.hosts.command import Command
from harness.hosts.host import Reader
from harness.systems import files, identity
from harness.systems.printed import lines, whole

Number = tuple[int, int]
_LINE = re.compile(r"([ |`-]*)(\S.*?) +([0-9]+):([0-9]+) *")


def whole_disks(host: Reader) -> dict[Number, frozenset[str]]:
    """The names of the whole disks under each block device, by its major and minor number."""
    found: dict[Number, set[str]] = defaultdict(set)
    disk = ""
    for line in lines(host.read(Command(("lsblk", "-n", "-i", "-o", "NAME,MAJ:MIN"))).text):
        match = _LINE.fullmatch(line)
        if not match:
            raise UnexpectedOutput(f"{host.name}: lsblk -n -i -o NAME,MAJ:MIN printed {line!r}")
        lead, name, major, minor = match.groups()
        disk = disk if lead else name
        found[whole(major, "lsblk"), whole(minor, "lsblk")].add(disk)
    return {number: frozenset(names) for number, names in found.items()}


def under_path(host: Reader, path: str) -> frozenset[str]:
    """The whole disks under the file system that holds a path; none where lsblk knows no such device."""
    found = files.stat(host, path)
    return whole_disks(host).get(_number(found.device), frozenset()) if found else frozenset()


def under_device(host: Reader, device: str) -> frozenset[str]:
    """The whole disks under a block device; none where lsblk does not know it."""
    major, _, minor = identity.disk_numbers(host, device).partition(":")
    who = f"{host.name}: stat {device}"
    return whole_disks(host).get((whole(major, who, 16), whole(minor, who, 16)), frozenset())


def _number(device: int) -> Number:
    """Major and minor of a device number as stat(2) packs them on Linux."""
    return (device >> 8 & 0xFFF) | (device >> 32 & ~0xFFF), (device & 0xFF) | (device >> 12 & ~0xFF)
