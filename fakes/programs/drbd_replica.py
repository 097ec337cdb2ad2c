"""One host's side of a resource with all that belongs to it, and who its other end is."""

from __future__ import annotations

from dataclasses import dataclass

from fakes.programs import drbd_rules as rules
from fakes.programs.drbd_rules import State
from fakes.world import Disk, HostRow, Metadata, Resource, Side, World

KIB = 1024
_SUPERBLOCK_BYTES, _ACTIVITY_LOG_BYTES, _BITMAP_UNIT_BYTES = 4096, 32 * KIB, 4096
_BYTES_PER_BIT = 4096 * 8


def bitmap_bytes(device_bytes: int) -> int:
    """Room that the bitmap takes on a disk with internal metadata."""
    bits = -(-device_bytes // _BYTES_PER_BIT)
    return -(-bits // _BITMAP_UNIT_BYTES) * _BITMAP_UNIT_BYTES


def offsets(device_bytes: int) -> tuple[int, int, int]:
    """Where superblock, activity log and bitmap lie, in bytes; the replicated device ends where the bitmap begins."""
    superblock = device_bytes // 4096 * 4096 - _SUPERBLOCK_BYTES
    activity_log = superblock - _ACTIVITY_LOG_BYTES
    return superblock, activity_log, activity_log - bitmap_bytes(device_bytes)


def usable_kib(disk: Disk) -> int:
    """Size of the replicated device on this disk."""
    return offsets(disk.size_bytes)[2] // KIB


def agreed_kib(disk: Disk) -> int:
    """Size of the replicated device as its metadata remember it: what both disks could hold when they last met."""
    remembered = disk.metadata.effective_kib if disk.metadata else 0
    return min(remembered or usable_kib(disk), usable_kib(disk))


@dataclass(frozen=True)
class Replica:
    """One host's side of a resource."""

    world: World
    row: HostRow
    resource: Resource
    side: Side

    @property
    def disk(self) -> Disk | None:
        """The attached disk."""
        return self.row.disks[self.side.backing] if self.side.backing else None

    @property
    def metadata(self) -> Metadata | None:
        disk = self.disk
        return disk.metadata if disk else None

    @property
    def talking(self) -> bool:
        return self.side.connection in rules.TALKING

    @property
    def state(self) -> State:
        side = self.side
        return State(
            side.connection,
            side.role,
            side.peer_role,
            side.disk,
            side.peer_disk,
            side.paused_by_user,
            side.paused_by_peer,
        )

    @property
    def size_kib(self) -> int:
        """Size of the replicated device, which a diskless side learns from its peer."""
        disk = self.disk or peer_disk(self)
        return agreed_kib(disk) if disk else 0


def replica(world: World, row: HostRow, name: str) -> Replica | None:
    """A host's side of a resource; None when its kernel does not know it."""
    side = row.sides.get(name)
    if side is None or not side.configured or name not in world.resources:
        return None
    return Replica(world, row, world.resources[name], side)


def peer_of(one: Replica) -> Replica | None:
    """The side that is configured as the other end, whether they talk or not."""
    if not one.side.local:
        return None
    for row in one.world.hosts.values():
        other = replica(one.world, row, one.resource.name) if row is not one.row else None
        if other and (other.side.local, other.side.remote) == (one.side.remote, one.side.local):
            return other
    return None


def connected_peer(one: Replica) -> Replica | None:
    """The other end, while they talk."""
    return peer_of(one) if one.talking else None


def peer_disk(one: Replica) -> Disk | None:
    """The other end's attached disk, while they talk."""
    other = connected_peer(one)
    return other.disk if other else None
