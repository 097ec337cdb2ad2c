"""The pair's two sides, block by block: by DRBD's own online verify, and by reading the disks from outside."""

from __future__ import annotations

import hashlib
import mmap
import os
import re
import time
from pathlib import Path

from harness.errors import LabError
from harness.evidence import Replication
from harness.labs.machine_furnish import PAIR
from harness.labs.machine_host import MachineHost
from harness.labs.machine_rack import MachineRack

_VERIFIED_WITHIN_S = 120.0
_CHUNK_BYTES = 1024 * 1024
_SECTOR_BYTES = 512
_AT_FULL_SPEED = ("--c-plan-ahead=0", "--resync-rate=1G")
_MUCH_AT_ONCE = "--max-buffers=16000"  # of half of which it makes use every tenth of a second
_OUT_OF_SYNC = re.compile(r"\boos:(\d+)")
_CONNECTION = re.compile(r"\bcs:(\w+)")


def compare_sides(rack: MachineRack, unwritten_differ: bool) -> Replication:
    """Compare a pair that is connected and that nobody writes to.

    Raises:
        LabError: when a host does not do what it is asked.
    """
    hosts = [rack.hosts[role] for role in PAIR]
    minor = rack.settings.device.removeprefix("/dev/drbd")
    _hurry(hosts, minor, rack.settings.port)
    verified = _verify(hosts, rack.settings.resource, minor)
    differing = {host.plan.name: _figure(_OUT_OF_SYNC, host, minor) for host in hosts}
    sectors = int(hosts[0].execute("cat", f"/sys/block/drbd{minor}/size").text)
    sha256 = {rack.hosts[role].plan.name: _sha256(rack.data_disk(role), sectors * _SECTOR_BYTES) for role in PAIR}
    return Replication(verified, {name: int(kib) for name, kib in differing.items()}, sha256, unwritten_differ)


def _hurry(hosts: list[MachineHost], minor: str, port: int) -> None:
    """Let them compare as fast as they can; without a connection there is nothing to compare."""
    ends = [f"ipv4:{host.replication_address}:{port}" for host in hosts]
    for host, (here, there) in zip(hosts, (ends, ends[::-1]), strict=True):
        host.execute("drbdsetup", "disk-options", minor, *_AT_FULL_SPEED)
        host.execute("drbdsetup", "net-options", here, there, _MUCH_AT_ONCE, ok=range(256))


def _verify(hosts: list[MachineHost], resource: str, minor: str) -> bool:
    """Whether DRBD compared all blocks; False when it would not, as without a peer or without verify-alg."""
    began = hosts[0].execute("drbdadm", "verify", resource, ok=range(256))
    if began.exit_status != 0:
        return False
    deadline = time.monotonic() + _VERIFIED_WITHIN_S
    while (state := _figure(_CONNECTION, hosts[0], minor)).startswith("Verify"):
        if time.monotonic() > deadline:
            raise LabError(f"{hosts[0].plan.name}: the blocks were not compared within {_VERIFIED_WITHIN_S:g} s")
        time.sleep(0.1)
    return state == "Connected"


def _figure(pattern: re.Pattern[str], host: MachineHost, minor: str) -> str:
    """A figure of the device's lines in /proc/drbd."""
    told = host.execute("cat", "/proc/drbd").text
    lines = re.search(rf"^ *{minor}: .*\n.*$", told, re.MULTILINE)
    found = pattern.search(lines[0]) if lines else None
    if found is None:
        raise LabError(f"{host.plan.name}: /proc/drbd says nothing of device {minor}: {told}")
    return found[1]


def _sha256(disk: Path, size: int) -> str:
    """Of the first bytes of a disk, read past this machine's page cache where its file system can do that."""
    try:
        descriptor = os.open(disk, os.O_RDONLY | os.O_DIRECT)
    except OSError:
        descriptor = os.open(disk, os.O_RDONLY)
    found, left = hashlib.sha256(), size
    with mmap.mmap(-1, _CHUNK_BYTES) as buffer, os.fdopen(descriptor, "rb", buffering=0) as file:
        while left:
            count = file.readinto(buffer)
            if not count:
                raise LabError(f"{disk} ends {left} bytes before the device that lies on it")
            found.update(memoryview(buffer)[: min(count, left)])
            left -= min(count, left)
    return found.hexdigest()
