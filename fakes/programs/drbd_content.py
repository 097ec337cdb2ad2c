"""What lies on the disks below DRBD: file systems as images of the machines, brought to the peer when it matters.

A Primary writes into its own machine's image; the peer's disk holds the same at every instant, but nobody can see that
until the peer is looked at. So the image is published at the moments after which that can happen (``publish``), and
adopted by the other machine when it mounts it (``refresh``). A lab that cuts power or a link calls ``replicate`` on the
Primary's host first: what was on stable storage by then is what the peer has.

Two disks of one ``lineage`` differ only in blocks that DRBD has marked: a resync makes them equal, and so does every
write in between. Disks that were declared equal without a resync keep their own lineage, and what they held.
"""

from __future__ import annotations

from fakes.machine import Machine
from fakes.program import UnsupportedInvocation
from fakes.programs import drbd_rules as rules
from fakes.programs.drbd_replica import KIB, Replica, connected_peer, peer_disk, replica, usable_kib
from fakes.world import Disk, World


def image_name(device: str) -> str:
    """The machine's name for a disk's content."""
    return device.removeprefix("/dev/").replace("/", "-")


def new_lineage(world: World) -> str:
    world.counter += 1
    return f"lineage-{world.counter}"


def replicate(machine: Machine, world: World) -> None:
    """What this host's Primary has written reaches the peer, as far as they are connected.

    For a lab, just before it cuts this host's power (after the file system lost what was not flushed) or its link.
    """
    from fakes.programs.drbd_model import settle

    settle(world, machine.now())
    row = machine.row(world)
    for name in row.sides:
        one = replica(world, row, name)
        if one and one.side.role == "Primary":
            publish(machine, one)


def refresh_all(machine: Machine, world: World) -> None:
    """Bring the content of this host's disks up to date where nothing is mounted; for a lab that looks at them."""
    row = machine.row(world)
    mounted = {mount.device for mount in row.mounts}
    for disk in row.disks.values():
        over = {side.device for side in row.sides.values() if side.backing == disk.device}
        if not mounted & (over | {disk.device}):
            refresh(machine, disk)


def publish(machine: Machine, one: Replica) -> None:
    """Bring what this side holds to the peer that receives its writes."""
    disk = one.disk
    if disk is None or disk.image is None or not machine.files.has_image(disk.image):
        return
    if disk.written or not disk.image_token:
        one.world.counter += 1
        disk.image_token = disk.held_token = f"{one.resource.name}-{one.world.counter}"
        machine.files.publish_image(disk.image, disk.image_token)
        disk.written = any(mount.device in (one.side.device, disk.device) for mount in one.row.mounts)
    other = peer_disk(one)
    if other is not None and not other.garbage and other.lineage == disk.lineage:
        copy_description(disk, other)


def copy_description(source: Disk, target: Disk) -> None:
    """The target's content is the source's from now on."""
    target.signature, target.uuid, target.filesystem_kib = source.signature, source.uuid, source.filesystem_kib
    target.label = source.label
    target.residue, target.lineage, target.image_token = source.residue, source.lineage, source.image_token
    target.image = image_name(target.device) if source.image else None
    target.written = False


def refresh(machine: Machine, disk: Disk) -> None:
    """Make the machine's image what the disk holds."""
    if disk.image and disk.image_token and disk.image_token != disk.held_token:
        machine.files.adopt_image(disk.image, disk.image_token)
        disk.held_token = disk.image_token


def begin_overwriting(source: Replica, target: Replica, everything: bool) -> None:
    """A resync begins: until it is done the target holds neither the old content nor the new."""
    if source.disk is not None and target.disk is not None:
        target.disk.garbage = True
        if everything:
            target.disk.lineage = source.disk.lineage


def finish_overwriting(source: Replica, target: Replica) -> None:
    """A resync is done: the target holds what the source holds, if their differences were all known."""
    if source.disk is not None and target.disk is not None:
        target.disk.garbage = source.disk.garbage
        if target.disk.lineage == source.disk.lineage:
            copy_description(source.disk, target.disk)


def equal(one: Replica, other: Replica) -> bool:
    """What an online verify would find, marked blocks aside."""
    return one.disk is None or other.disk is None or one.disk.lineage == other.disk.lineage


def readable(machine: Machine, one: Replica) -> Disk:
    """The disk whose content the replicated device shows on this side, up to date in this machine's image.

    Raises:
        UnsupportedInvocation: the side has no disk of its own and reads the peer's.
    """
    disk, source = one.disk, peer_disk(one)
    if disk is None:
        raise UnsupportedInvocation("reading through the peer's disk is not modelled")
    if one.side.disk == "Inconsistent" and source is not None:
        disk.garbage = False
        copy_description(source, disk)
    refresh(machine, disk)
    return disk


def make_filesystem(machine: Machine, world: World, disk: Disk, kind: str, size_kib: int) -> None:
    """A new, empty file system on a disk; whatever lay there is gone."""
    world.counter += 1
    disk.signature, disk.uuid, disk.label = kind, _uuid(world.counter), ""
    disk.image, disk.filesystem_kib, disk.residue = image_name(disk.device), size_kib, True
    disk.image_token = disk.held_token = ""
    disk.garbage, disk.written = False, True
    machine.files.make_image(disk.image, size_kib * KIB)


def make_replicated_filesystem(machine: Machine, one: Replica, kind: str) -> None:
    """The same through DRBD: every block that matters is written, so that a connected peer holds the same."""
    disk = one.disk
    if disk is None:
        raise UnsupportedInvocation("a file system on the peer's disk alone is not modelled")
    make_filesystem(machine, one.world, disk, kind, min(one.size_kib, usable_kib(disk)))
    other = connected_peer(one)
    if other is not None and other.disk is not None and other.side.connection not in rules.AS_TARGET:
        disk.lineage = other.disk.lineage = new_lineage(one.world)
        other.disk.garbage = False
    publish(machine, one)


def erase(machine: Machine, disk: Disk) -> None:
    """No signature is left and nothing can be mounted; other bytes stay."""
    if disk.image and machine.files.has_image(disk.image):
        machine.files.drop_image(disk.image)
    disk.signature, disk.uuid, disk.image, disk.image_token, disk.held_token = None, "", None, "", ""
    disk.label, disk.filesystem_kib, disk.written = "", 0, False


def _uuid(number: int) -> str:
    digits = f"{number * 0x9E3779B97F4A7C15 % (1 << 128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"
