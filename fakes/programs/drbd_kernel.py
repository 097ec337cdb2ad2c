"""What can be asked of a DRBD kernel: one function a request, as drbdsetup sends them.

Each raises ``Refused`` when the kernel of that generation does, with its code and words.
"""

from __future__ import annotations

from collections.abc import Mapping

from fakes.machine import Machine
from fakes.program import UnsupportedInvocation
from fakes.programs import drbd_content
from fakes.programs import drbd_generations as generations
from fakes.programs import drbd_rules as rules
from fakes.programs.drbd_model import (
    RESYNC_AFTER_CRASH_KIB,
    Refused,
    agree_on_size,
    drop_network,
    force,
    force_pair,
    lose,
    mark_written,
    rejoin,
    request,
    settle,
    start_sync,
)
from fakes.programs.drbd_replica import Replica, agreed_kib, connected_peer, peer_of, replica
from fakes.world import Disk, HostRow, Metadata, Resource, Side, World

UNKNOWN_MINOR = 127
_ACTIVITY_LOG_WRITES = 8  # when a disk is attached


def known(world: World, row: HostRow, name: str) -> Replica:
    """The side, which must be known to the kernel.

    Raises:
        Refused
    """
    found = replica(world, row, name)
    if found is None:
        info = () if world.version == "8.3" else ("unknown minor",)
        raise Refused(UNKNOWN_MINOR, "Device minor not allocated", *info)
    return found


def unconfigured(one: Replica) -> bool:
    """Known to the kernel and nothing else: neither disk nor peer nor role."""
    side = one.side
    return (side.connection, side.disk, side.role) == ("StandAlone", "Diskless", "Secondary")


def create_minor(world: World, row: HostRow, name: str, device: str, minor: int) -> Replica:
    """Make the kernel know the resource; nothing happens when it does."""
    resource = world.resources.get(name)
    if resource is None:
        resource = world.resources[name] = Resource(name, minor, device, sync_bytes_per_s=world.sync_bytes_per_s)
    if name not in row.sides:
        row.sides[name] = Side(configured=True, minor=minor, device=device, boot_id=row.boot_id)
    return Replica(world, row, resource, row.sides[name])


# The disk


def attach(one: Replica, now: float, device: str, options: Mapping[str, str]) -> None:
    """Take a disk with metadata into use."""
    disk = one.row.disks.get(device)
    if one.side.disk != "Diskless":
        raise Refused(124, "Device is attached to a disk (use detach first)")
    if disk is None:
        raise Refused(104, "Can not open backing device.")
    if busy(one.row, disk):
        raise Refused(114, "Lower device is already claimed. This usually means it is mounted.")
    metadata = disk.metadata
    if metadata is None:
        raise Refused(
            119,
            "No valid meta-data signature found.\n\n"
            "\t==> Use 'drbdadm create-md res' to initialize meta-data area. <==\n",
        )
    _read_metadata(one, disk, metadata)
    one.side.options = {**one.side.options, **options}
    word = "Consistent" if metadata.up_to_date else "Outdated" if metadata.consistent else "Inconsistent"
    word = "UpToDate" if word == "Consistent" else word
    peer_word = "Outdated" if metadata.peer_outdated and not one.talking else one.side.peer_disk
    other = connected_peer(one)
    if other is None:
        force(one, now, disk=word, peer_disk=peer_word)
    else:
        rejoin(one, other, now, word)


def _read_metadata(one: Replica, disk: Disk, metadata: Metadata) -> None:
    never_used = metadata.current_uuid & ~1 == generations.JUST_CREATED
    if disk.image and not disk.lineage and never_used:  # it lay there before DRBD, which knows nothing of it
        disk.lineage = drbd_content.new_lineage(one.world)
    size = agreed_kib(disk)
    if metadata.current_uuid == generations.JUST_CREATED and not metadata.consistent and not metadata.effective_kib:
        metadata.oos_kib = size
    metadata.effective_kib, metadata.marked_on_disk = size, False
    one.side.crashed_primary = metadata.crashed_primary or metadata.primary
    one.side.backing = disk.device
    one.side.activity_log_suspended = metadata.oos_kib >= size
    one.side.counters = {"al": _ACTIVITY_LOG_WRITES}


def repair_activity_log(disk: Disk) -> int:
    """Mark what a Primary may have had in flight when it crashed; returns how much, in KiB."""
    metadata = disk.metadata
    if metadata is None or not metadata.primary:
        return 0
    marked = min(RESYNC_AFTER_CRASH_KIB, agreed_kib(disk))
    metadata.oos_kib = min(agreed_kib(disk), metadata.oos_kib + marked)
    return marked


def busy(row: HostRow, disk: Disk) -> bool:
    """Somebody holds the disk: DRBD, a mount, swap, another layer."""
    mounted = any(mount.device == disk.device for mount in row.mounts)
    return mounted or disk.swap or bool(disk.holders) or attached_to(row, disk) is not None


def attached_to(row: HostRow, disk: Disk) -> Side | None:
    """The DRBD device above the disk."""
    return next((side for side in row.sides.values() if side.backing == disk.device), None)


def detach(machine: Machine, one: Replica, now: float) -> None:
    """Give the disk back."""
    if one.side.disk == "Diskless":
        return
    if one.side.opened_by:
        raise UnsupportedInvocation("detaching the disk of a device in use is not modelled")
    drbd_content.publish(machine, one)
    request(one, now, disk="Failed")
    force(one, now, disk="Diskless")
    one.side.backing = ""


# The peer


def connect(one: Replica, now: float, local: str, remote: str, options: Mapping[str, str], discard: bool) -> None:
    """Look for the peer from now on."""
    if one.side.local:
        if one.world.version == "8.3":
            raise Refused(125, "Device has a net-config (use disconnect first)")
        raise Refused(102, "Local address(port) already in use.")
    if discard and one.side.role == "Primary":
        raise Refused(123, "--discard-my-data not allowed when primary.")
    taken = {side.local for side in one.row.sides.values()}
    if local in taken:
        raise Refused(102, "Local address(port) already in use.")
    side = one.side
    side.local, side.remote, side.discard_my_data, side.wants_connection = local, remote, discard, True
    side.options = {**side.options, **options}
    force(one, now, connection="WFConnection")
    settle(one.world, now)


def disconnect(machine: Machine, one: Replica, now: float) -> None:
    """Stop talking to the peer, which goes on looking."""
    if not one.side.local:
        if one.world.version == "8.3":
            return
        raise Refused(162, "Invalid configuration request", "unknown connection")
    _require_data_without_peer(one)
    drbd_content.publish(machine, one)
    other = connected_peer(one)
    if one.side.role == "Primary" and one.side.opened_by and other is not None:
        _stop_talking(one, other, now)
        mark_written(one)
    else:
        _stop_talking(one, other, now)


def _require_data_without_peer(one: Replica) -> None:
    alone = rules.sanitised(one.state._replace(connection="StandAlone"))
    reason = rules.impossible(alone, False, one.side.options)
    if reason and reason != rules.impossible(one.state, False, one.side.options):
        raise Refused(reason, rules.REASONS[reason])


def _stop_talking(one: Replica, other: Replica | None, now: float) -> None:
    force_alone(one, now)
    if other is not None:
        lose(other, now)


def force_alone(one: Replica, now: float) -> None:
    """StandAlone, without a network configuration."""
    drop_network(one)
    force(one, now, connection="StandAlone")


def down(machine: Machine, one: Replica, now: float) -> None:
    """Demote, disconnect, detach, forget; 8.3 remembers the minor."""
    try:
        demote(one, now)
    except Refused as refused:
        info = () if one.world.version == "8.3" else ("failed to demote",)
        raise Refused(refused.code, refused.reason, *info) from None
    if one.side.local:
        disconnect(machine, one, now)
    detach(machine, one, now)
    if one.world.version != "8.3":
        del one.row.sides[one.resource.name]


# Roles


def promote(machine: Machine, one: Replica, now: float, forced: bool) -> bool:
    """Become Primary; True when that took force, so that this side's data was declared good."""
    if one.side.role == "Primary":
        return False
    needed_force = False
    try:
        request(one, now, role="Primary")
    except Refused as refused:
        lacks_data = refused.code == rules.NO_UP_TO_DATE_DISK and one.side.disk in ("Inconsistent", "Outdated")
        if not forced or not lacks_data:
            raise
        needed_force = True
        _promote_forced(machine, one, now)
    metadata = one.metadata
    alone = not one.talking or rules.disk_below(one.side.peer_disk, "Negotiating")
    if metadata is not None and not needed_force and alone and not metadata.bitmap_uuid:
        generations.start_generation(one.world, metadata, promoted=True)
    one.side.discard_my_data = False
    return needed_force


def _promote_forced(machine: Machine, one: Replica, now: float) -> None:
    request(one, now, role="Primary", disk="UpToDate")
    if one.metadata is not None:
        generations.start_generation(one.world, one.metadata, promoted=True)
    drbd_content.publish(machine, one)
    other = connected_peer(one)
    if other is not None and other.disk is not None and one.side.connection == "Connected":
        start_sync(one, other, now, everything=False)


def demote(one: Replica, now: float) -> None:
    """Become Secondary; what was written was published when the device was unmounted."""
    if one.side.role == "Secondary":
        return
    request(one, now, role="Secondary")


# Data


def new_generation(one: Replica, now: float, clear_bitmap: bool) -> None:
    """A new current generation; with ``clear_bitmap`` on metadata just made, both sides are declared equal."""
    metadata, other = one.metadata, connected_peer(one)
    if metadata is None:
        raise Refused(138, "Device does not have a disk-config")
    both_new = one.side.connection == "Connected" and metadata.current_uuid & ~1 == generations.JUST_CREATED
    if both_new and clear_bitmap and other is not None and other.metadata is not None:
        _skip_first_sync(one, other, now)
        return
    if one.side.connection != "StandAlone":
        raise Refused(151, "Need to be StandAlone")
    generations.set_bitmap(metadata, 0)
    generations.start_generation(one.world, metadata)
    if clear_bitmap:
        if metadata.oos_kib and one.disk is not None:
            one.disk.lineage = drbd_content.new_lineage(one.world)  # differences that nobody knows of any more
        metadata.oos_kib = 0


def _skip_first_sync(one: Replica, other: Replica, now: float) -> None:
    number = generations.new_number(one.world)
    for side in (one, other):
        if side.metadata is not None:
            side.metadata.current_uuid, side.metadata.bitmap_uuid = number, 0
            side.metadata.history = [0, 0]
            side.metadata.oos_kib = 0
    force_pair(one, other, now, "Connected", "UpToDate", "UpToDate")


def invalidate(machine: Machine, one: Replica, now: float) -> None:
    """Throw this side's data away and take the peer's."""
    if one.metadata is None:
        raise Refused(138, "Device does not have a disk-config")
    secondary_alone = one.side.connection == "StandAlone" and one.side.role == "Secondary"
    if secondary_alone or (one.world.version == "8.3" and not one.talking):
        request(one, now, disk="Inconsistent")
        one.metadata.oos_kib = one.size_kib
        return
    other = _ready_to_sync(one, now, "StartingSyncT")
    if one.side.opened_by:
        raise UnsupportedInvocation("invalidating a device in use is not modelled")
    drbd_content.publish(machine, one)
    if other is not None:
        start_sync(other, one, now, everything=True)


def invalidate_peer(machine: Machine, one: Replica, now: float) -> None:
    """Throw the peer's data away and give it this side's."""
    if one.metadata is None:
        raise Refused(138, "Device does not have a disk-config")
    other = _ready_to_sync(one, now, "StartingSyncS")
    drbd_content.publish(machine, one)
    if other is not None:
        start_sync(one, other, now, everything=True)


def _ready_to_sync(one: Replica, now: float, connection: str) -> Replica | None:
    """The peer, when a full resync in that role may begin; None when one is running already.

    Raises:
        Refused
    """
    request(one, now, connection=connection)
    return connected_peer(one)


def verify(one: Replica, now: float) -> None:
    """Compare all blocks with the peer's, and mark what differs."""
    request(one, now, connection="VerifyS")
    other = peer_of(one)
    if one.side.connection == "VerifyS" and other is not None:
        one.side.verify_left_kib = other.side.verify_left_kib = one.size_kib
        one.side.sync_started_at = other.side.sync_started_at = one.resource.settled_at = now


def resize(one: Replica, now: float) -> None:
    """Take the size that both disks can hold."""
    if one.talking and one.side.connection != "Connected":
        raise Refused(130, "Resize not allowed during resync.")
    if (one.side.role, one.side.peer_role) == ("Secondary", "Secondary"):
        raise Refused(131, "Need one Primary node to resize.")
    if one.metadata is None:
        raise Refused(138, "Device does not have a disk-config")
    other = connected_peer(one)
    if other is not None:
        agree_on_size(one, other)


def outdate(one: Replica, now: float) -> None:
    """Admit that the peer has newer data."""
    request(one, now, disk="Outdated")


def pause(one: Replica, now: float) -> None:
    if one.side.paused_by_user:
        raise Refused(134, "Sync-pause flag is already set")
    force(one, now, paused_by_user=True)


def resume(one: Replica, now: float) -> None:
    if not one.side.paused_by_user:
        raise Refused(135, "Sync-pause flag is already cleared")
    force(one, now, paused_by_user=False)
