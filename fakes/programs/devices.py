"""Block devices by name: a host's disks, and the replicated devices that its kernel knows."""

from __future__ import annotations

from dataclasses import dataclass

from fakes.machine import Machine
from fakes.programs.drbd_kernel import attached_to
from fakes.programs.drbd_model import settle
from fakes.programs.drbd_replica import Replica, replica
from fakes.world import Disk, HostRow, World


@dataclass(frozen=True)
class Device:
    """One block device. Exactly one of ``disk`` and ``one`` is given."""

    path: str
    world: World
    row: HostRow
    disk: Disk | None = None
    one: Replica | None = None

    @property
    def name(self) -> str:
        return self.path.removeprefix("/dev/")

    @property
    def open_for_reading(self) -> bool:
        """A Secondary cannot even be read."""
        return self.one is None or self.one.side.role == "Primary"

    @property
    def mounts(self) -> list[str]:
        """Where it is mounted, the earliest first."""
        return [mount.at for mount in self.row.mounts if mount.device == self.path]

    @property
    def is_swap(self) -> bool:
        return self.disk is not None and self.disk.swap

    @property
    def claimed(self) -> bool:
        """Another layer of the kernel holds the disk: DRBD, LVM and their kind."""
        return self.disk is not None and (bool(self.disk.holders) or attached_to(self.row, self.disk) is not None)

    @property
    def size_bytes(self) -> int:
        return self.disk.size_bytes if self.disk else self.one.size_kib * 1024 if self.one else 0

    @property
    def content(self) -> Disk | None:
        """The disk whose bytes it shows; None for a replicated device without a disk of its own."""
        return self.disk or (self.one.disk if self.one else None)


def device(world: World, row: HostRow, path: str) -> Device | None:
    """The block device of that name; None where the host has none."""
    if path in row.disks:
        return Device(path, world, row, disk=row.disks[path])
    for name, side in row.sides.items():
        if side.device == path and (one := replica(world, row, name)):
            return Device(path, world, row, one=one)
    return None


def find(world: World, machine: Machine, path: str) -> Device | None:
    """The same, after everything has happened that should have by now."""
    settle(world, machine.now())
    return device(world, machine.row(world), path)
