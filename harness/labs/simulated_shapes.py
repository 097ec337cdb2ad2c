"""What a program can tell of a host's row or of a Walrus, in values that two worlds are compared by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from fakes.world import Disk, HostRow, Metadata, Side, WalrusState

_SILENT_S = 30.0

Shape = Any  # nested tuples of plain values


class Names:
    """Names made on the way, replaced by the order in which they are met."""

    def __init__(self) -> None:
        self._met: dict[object, int] = {}

    def of(self, name: object) -> int | None:
        """The number of a name; nothing has none."""
        return None if not name else self._met.setdefault(name, len(self._met))

    def of_generation(self, uuid: int) -> object:
        """A generation id: 0 and 4 mean something, and so does the lowest bit."""
        return uuid if uuid in (0, 4) else (self.of(uuid >> 1), uuid & 1)


def digest(shape: Shape) -> str:
    """A short name for a shape, the same in every process."""
    return hashlib.blake2b(repr(shape).encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def row_shape(row: HostRow, names: Names, content_of: Callable[[str], str]) -> Shape:
    """The kernel of a host, its mounts, its disks and its sides of DRBD; ``content_of`` tells what an image holds."""
    services = tuple((name, one.running, one.starts_at_boot) for name, one in sorted(row.services.items()))
    return (
        (row.powered, row.frozen, tuple(row.modules), services, tuple(row.listening)),
        tuple((one.device, one.at, one.fstype, one.options, one.user) for one in row.mounts),
        tuple(_disk_shape(disk, names, content_of) for _, disk in sorted(row.disks.items())),
        tuple((name, _side_shape(side, row)) for name, side in sorted(row.sides.items())),
    )


def _disk_shape(disk: Disk, names: Names, content_of: Callable[[str], str]) -> Shape:
    return (
        (disk.device, disk.signature, names.of(disk.uuid), disk.image, _metadata_shape(disk.metadata, names)),
        (tuple(disk.holders), disk.swap, content_of(disk.image_token), disk.held_token == disk.image_token),
        (disk.written, names.of(disk.lineage), disk.garbage, disk.filesystem_kib, disk.residue, disk.foreign),
        _metadata_shape(disk.misplaced, names),
    )


def _metadata_shape(metadata: Metadata | None, names: Names) -> Shape:
    if metadata is None:
        return None
    uuids = (metadata.current_uuid, metadata.bitmap_uuid, *metadata.history)
    return (
        names.of(metadata.device_uuid),
        tuple(names.of_generation(uuid) for uuid in uuids),
        (metadata.consistent, metadata.up_to_date, metadata.primary, metadata.connected, metadata.full_sync),
        (metadata.peer_outdated, metadata.crashed_primary, metadata.marked_on_disk, metadata.effective_kib),
        _share(metadata.oos_kib, metadata.effective_kib),
    )


def _share(part_kib: int, whole_kib: int) -> str:
    if part_kib == 0:
        return "none"
    return "all" if part_kib >= whole_kib else "some"


def _side_shape(side: Side, row: HostRow) -> Shape:
    return (
        (side.configured, side.role, side.disk, side.connection, side.wants_connection, side.paused_by_user),
        (side.discard_my_data, tuple(side.opened_by), side.peer_role, side.peer_disk, side.paused_by_peer),
        (side.activity_log_suspended, side.backing, side.minor, side.device, side.local, side.remote),
        (tuple(sorted(side.options.items())), side.boot_id == row.boot_id, bool(side.verify_left_kib)),
        side.crashed_primary,
    )


def walrus_shape(walrus: WalrusState, now: float) -> Shape:
    """A Walrus as the cloud sees it; how long it has been silent counts no further than that it is."""
    silent = bool(walrus.seen_at) and now - walrus.seen_at > _SILENT_S
    return walrus.name, walrus.partition, walrus.host, walrus.state, walrus.manager, walrus.message, silent
