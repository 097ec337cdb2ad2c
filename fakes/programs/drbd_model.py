"""What a pair of DRBD kernels does: meet, synchronise, lose each other. ``settle`` lets it happen up to now.

Changes of state go through ``force`` (facts of the outside world) or ``request`` (what a person asks for, and may be
refused); both keep the two sides' views equal while they talk, write the metadata's flags, and tell the world what
changed.
"""

from __future__ import annotations

from typing import Any

from fakes.program import UnsupportedInvocation
from fakes.programs import drbd_content
from fakes.programs import drbd_generations as generations
from fakes.programs import drbd_rules as rules
from fakes.programs.drbd_replica import (
    KIB,
    Replica,
    agreed_kib,
    connected_peer,
    peer_disk,
    peer_of,
    replica,
    usable_kib,
)
from fakes.programs.drbd_rules import State
from fakes.world import HostRow, Metadata, Resource, World

# What a Primary writes while the peer is away is not counted: so much is marked whenever it may have written.
WRITTEN_APART_KIB = 4096
RESYNC_AFTER_CRASH_KIB = 12 * KIB  # what the activity log covers


class Refused(Exception):
    """The kernel says no. ``code`` is negative for a state change, positive otherwise."""

    def __init__(self, code: int, reason: str, *info: str) -> None:
        self.code, self.reason, self.info = code, reason, info
        super().__init__(reason)


# Changing states


def force(one: Replica, now: float, **changes: Any) -> None:
    """Take over a fact, with what follows from it, here and at the peer while they talk."""
    _adopt(one, now, rules.sanitised(one.state._replace(**changes)))
    other = connected_peer(one)
    if other is not None:
        _adopt(other, now, rules.sanitised(rules.mirrored(one.state, other.side.paused_by_user)))


def request(one: Replica, now: float, **changes: Any) -> bool:
    """Change the state if the kernel, and its peer, agree; False when there was nothing to change.

    Raises:
        Refused: when one of them does not.
    """
    old = one.state
    new = rules.sanitised(old._replace(**changes))
    if new == old:
        return False
    reason = rules.refusal(old, new, bool(one.side.opened_by), one.side.options)
    other = connected_peer(one)
    if not reason and other is not None:
        theirs = rules.sanitised(rules.mirrored(new, other.side.paused_by_user))
        if rules.refusal(other.state, theirs, bool(other.side.opened_by), other.side.options):
            reason = rules.REFUSED_BY_PEER
    if reason:
        raise Refused(reason, rules.REASONS[reason])
    force(one, now, **changes)
    return True


def _adopt(one: Replica, now: float, new: State) -> None:
    """Write a state down, with everything that depends on the change."""
    side, old = one.side, one.state
    if new == old:
        return
    side.connection, side.role, side.peer_role, side.disk, side.peer_disk = new[:5]
    side.paused_by_user, side.paused_by_peer = new[5:]
    for kind, before, after in (
        ("connection", old.connection, new.connection),
        ("role", old.role, new.role),
        ("disk", old.disk, new.disk),
    ):
        if before != after:
            one.world.record(now, one.row.name, kind, after)
    if new.connection in rules.TALKING:
        side.activity_log_suspended = False
    _write_flags(one)
    if new.disk == new.peer_disk == "UpToDate":
        side.crashed_primary = False  # the metadata learn that at the next change only, as the kernel's do
    _lost_sight(one, old, new)


def _write_flags(one: Replica) -> None:
    metadata, side = one.metadata, one.side
    if metadata is None or rules.disk_below(side.disk, "Inconsistent"):
        return
    before = _flags(metadata)
    no_peer_disk = rules.disk_below(side.peer_disk, "Inconsistent")
    metadata.primary = side.role == "Primary" or (no_peer_disk and side.peer_role == "Primary")
    metadata.connected = one.talking
    metadata.consistent = not rules.disk_below(side.disk, "Outdated")
    metadata.up_to_date = not rules.disk_below(side.disk, "DUnknown")
    metadata.peer_outdated = side.peer_disk in ("Inconsistent", "Outdated")
    metadata.crashed_primary = side.crashed_primary
    odd = side.role == "Primary"
    if _flags(metadata) != before:  # they are written down before the mark is set or taken away
        metadata.marked_on_disk = bool(metadata.current_uuid & 1)
    metadata.current_uuid = metadata.current_uuid & ~1 | int(odd)


def _flags(metadata: Metadata) -> tuple[bool, ...]:
    return (
        metadata.primary,
        metadata.connected,
        metadata.consistent,
        metadata.up_to_date,
        metadata.peer_outdated,
        metadata.crashed_primary,
    )


def _lost_sight(one: Replica, old: State, new: State) -> None:
    """A Primary whose writes do not reach the peer's disk any more starts a generation of its own."""
    metadata = one.metadata
    if metadata is None or metadata.bitmap_uuid or new.disk != "UpToDate":
        return
    present = ("Inconsistent", "Consistent", "UpToDate")
    lost = old.peer_disk in present and new.peer_disk not in present
    diskless_peer_writes = new.peer_disk == "Diskless" and new.peer_role == "Primary" and old.peer_role != "Primary"
    if (lost and "Primary" in (new.role, new.peer_role)) or diskless_peer_writes:
        generations.start_generation(one.world, metadata)


# Time


def settle(world: World, now: float) -> None:
    """Let everything happen that the kernels would have done by now."""
    for row in world.hosts.values():
        if row.sides and (not row.powered or any(side.boot_id != row.boot_id for side in row.sides.values())):
            forget_kernel(row)
    for resource in world.resources.values():
        _settle_resource(world, resource, now)


def forget_kernel(row: HostRow) -> None:
    """What a host's kernel knew is lost with its power."""
    row.modules, row.mounts, row.sides = [], [], {}


def _settle_resource(world: World, resource: Resource, now: float) -> None:
    sides = [found for row in world.hosts.values() if (found := replica(world, row, resource.name))]
    for one in sides:
        if one.talking and not _reaches(one, peer_of(one)):
            lose(one, now)
    source = next((one for one in sides if one.side.connection in ("SyncSource", "VerifyS")), None)
    if source is not None and not resource.sync_stalled:
        _progress(source, now)
    else:
        resource.settled_at = now
    for one in sides:
        if one.side.connection == "WFConnection":
            other = peer_of(one)
            if other and other.side.connection == "WFConnection" and _linked(one, other):
                meet(one, other, now)


def _linked(one: Replica, other: Replica) -> bool:
    return one.world.linked(one.row.name, other.row.name) and not _blocked(one)


def _blocked(one: Replica) -> bool:
    ports = [*one.world.blocked_ports, *(port for _, port in one.world.silent_ports)]
    return bool(ports) and any(int(end.rpartition(":")[2]) in ports for end in (one.side.local, one.side.remote))


def _reaches(one: Replica, other: Replica | None) -> bool:
    return other is not None and other.talking and _linked(one, other)


def lose(one: Replica, now: float) -> None:
    """The peer does not answer any more: wait for it."""
    _adopt(one, now, rules.sanitised(one.state._replace(connection="WFConnection")))
    if one.side.role == "Primary" and one.side.opened_by:
        mark_written(one)


def mark_written(one: Replica) -> None:
    """The device may have been written to; what does not reach the peer is marked for later."""
    metadata, disk = one.metadata, one.disk
    if metadata is None or disk is None or (connected_peer(one) and peer_disk(one)):
        return
    metadata.oos_kib = min(metadata.oos_kib + WRITTEN_APART_KIB, agreed_kib(disk))


# Meeting


def meet(one: Replica, other: Replica, now: float) -> None:
    """Two sides find each other: they stay apart, are connected, or begin a resync."""
    if shrunk := [side for side in (one, other) if _would_shrink(side, _common_kib(one, other))]:
        for side in shrunk:  # the other goes on looking
            _adopt(side, now, rules.sanitised(side.state._replace(connection="StandAlone")))
            drop_network(side)
        return
    try:
        winner = _handshake(one, other, one.side.disk)
    except UnsupportedInvocation as unknown:  # nobody called for this: whoever looks next would be refused for it
        one.world.unsupported.append(f"{one.row.name}: when {one.resource.name} met its peer: {unknown}")
        winner = None
    if winner is None:
        for side in (one, other):
            _adopt(side, now, rules.sanitised(side.state._replace(connection="StandAlone")))
            drop_network(side)
        return
    if winner and _by_policy(one, other):
        target = other if winner > 0 else one
        detail = f"after-sb policy: discard the data of {target.resource.name}"
        one.world.record(now, target.row.name, "destroy", detail)
    agree_on_size(one, other)
    _agree(one, other, now, winner, one.side.disk)
    for side in (one, other):
        side.side.discard_my_data = False


def _by_policy(one: Replica, other: Replica) -> bool:
    """The peers have split data, nobody said whose to discard, and yet they agree."""
    ours, theirs = one.metadata, other.metadata
    if ours is None or theirs is None or one.side.discard_my_data or other.side.discard_my_data:
        return False
    if "Inconsistent" in (one.side.disk, other.side.disk):
        return False  # who has no whole data of its own loses none
    crashed = one.side.crashed_primary, other.side.crashed_primary
    primary = one.side.role == "Primary", other.side.role == "Primary"
    return abs(generations.compare(ours, theirs, crashed, primary)) == generations.SPLIT_BRAIN


def _common_kib(one: Replica, other: Replica) -> int:
    """What both disks can hold; 0 while one side has none."""
    return min(usable_kib(one.disk), usable_kib(other.disk)) if one.disk and other.disk else 0


def _would_shrink(one: Replica, size_kib: int) -> bool:
    """A disk with good data never becomes smaller for a peer's sake."""
    return 0 < size_kib < one.size_kib and not rules.disk_below(one.side.disk, "Outdated")


def agree_on_size(one: Replica, other: Replica) -> None:
    """The device is as large as the smaller disk allows; what is new of it is out of sync."""
    size_kib = _common_kib(one, other)
    for metadata in (one.metadata, other.metadata):
        if metadata is None or not size_kib:
            continue
        grown = max(0, size_kib - metadata.effective_kib) if metadata.effective_kib else 0
        metadata.effective_kib, metadata.oos_kib = size_kib, min(size_kib, metadata.oos_kib + grown)


def rejoin(one: Replica, other: Replica, now: float, disk: str) -> None:
    """A side that was diskless while it talked has attached a disk: the peers compare what they have.

    Raises:
        UnsupportedInvocation: their data do not belong together.
    """
    winner = _handshake(one, other, disk)
    if winner is None:
        raise UnsupportedInvocation("attaching data that the connected peer does not accept is not modelled")
    agree_on_size(one, other)
    _agree(one, other, now, winner, disk)


def _agree(one: Replica, other: Replica, now: float, winner: int, disk: str) -> None:
    """Connected, or in a resync at once."""
    if winner:
        start_sync(*((one, other) if winner > 0 else (other, one)), now, everything=abs(winner) == 2)
    else:
        force_pair(one, other, now, "Connected", disk, other.side.disk)


def drop_network(one: Replica) -> None:
    """Forget the peer, as the kernel does when it ends up StandAlone."""
    one.side.wants_connection, one.side.local, one.side.remote = False, "", ""


def force_pair(one: Replica, other: Replica, now: float, connection: str, *disks: str) -> None:
    """Both are in a connection state, the second in the other end of it; ``disks`` are new states of their disks."""
    here, there = disks or (one.side.disk, other.side.disk)
    roles, paused = (one.side.role, other.side.role), (one.side.paused_by_user, other.side.paused_by_user)
    _adopt(one, now, rules.sanitised(State(connection, *roles, here, there, *paused)))
    end = rules.OTHER_END[connection]
    _adopt(other, now, rules.sanitised(State(end, roles[1], roles[0], there, here, paused[1], paused[0])))


def _handshake(one: Replica, other: Replica, disk: str) -> int | None:
    """Positive: from the first, whose disk that is, to the second; 0 no resync; None: they drop each other."""
    ours, theirs = one.metadata, other.metadata
    primary = one.side.role == "Primary", other.side.role == "Primary"
    if ours is None or theirs is None:
        return None if all(primary) else 0
    crashed = one.side.crashed_primary, other.side.crashed_primary
    found = generations.compare(ours, theirs, crashed, primary)
    if found == -generations.UNRELATED:
        return None
    good = disk != "Inconsistent", other.side.disk != "Inconsistent"
    if good[0] != good[1]:
        twice = 2 if found == -generations.SPLIT_BRAIN or abs(found) == 2 else 1
        found = twice if good[0] else -twice
    if abs(found) == generations.SPLIT_BRAIN:
        options = one.side.options if found > 0 or "always-asbp" in one.side.options else {}
        discard = one.side.discard_my_data, other.side.discard_my_data
        decided = generations.after_split_brain(options, primary, (ours.oos_kib, theirs.oos_kib), discard)
        if not decided:
            return None
        found = decided
    if found == 0 or all(primary):
        return None if all(primary) else 0
    target, whole = (other, good[0]) if found > 0 else (one, good[1])
    into_primary = target.side.role == "Primary" and not rules.disk_below(target.side.disk, "Consistent")
    return found if whole and not into_primary else None


# Resync


def start_sync(source: Replica, target: Replica, now: float, everything: bool) -> None:
    """The target's disk becomes the source's, all of it or what either has marked."""
    ours, theirs = source.metadata, target.metadata
    if ours is None or theirs is None:
        return
    marked = source.size_kib if everything else min(max(ours.oos_kib, theirs.oos_kib), source.size_kib)
    ours.oos_kib = theirs.oos_kib = marked
    generations.begin_sync(source.world, ours, theirs)
    source.resource.settled_at = now
    for one, kind in ((source, "sync-source"), (target, "sync-target")):
        one.side.sync_started_at, one.side.sync_oos_at_start_kib = now, marked
        one.world.record(now, one.row.name, kind, source.resource.name)
    drbd_content.begin_overwriting(source, target, everything=marked >= source.size_kib)
    force_pair(source, target, now, "SyncSource", "UpToDate", "Inconsistent")
    if marked == 0 and source.side.connection == "SyncSource":
        _finish_sync(source, target, now)


def _progress(source: Replica, now: float) -> None:
    """As many blocks as the time since the last look was good for."""
    resource, target = source.resource, connected_peer(source)
    if target is None:
        resource.settled_at = now
        return
    speed = resource.sync_bytes_per_s / KIB
    done = max(0, int((now - resource.settled_at) * speed))
    if source.side.connection == "VerifyS":
        _verify(source, target, done, now)
    else:
        _copy(source, target, done, now)
    resource.settled_at = min(now, resource.settled_at + done / speed)


def _copy(source: Replica, target: Replica, done_kib: int, now: float) -> None:
    ours, theirs = source.metadata, target.metadata
    if ours is None or theirs is None:
        return
    copied = min(done_kib, ours.oos_kib)
    ours.oos_kib = theirs.oos_kib = ours.oos_kib - copied
    count(source, ns=copied, dr=copied)
    count(target, nr=copied, dw=copied)
    if ours.oos_kib == 0:
        seconds = copied * KIB / source.resource.sync_bytes_per_s
        _finish_sync(source, target, min(now, source.resource.settled_at + seconds))


def _finish_sync(source: Replica, target: Replica, at: float) -> None:
    ours, theirs = source.metadata, target.metadata
    if ours is not None and theirs is not None:
        generations.finish_sync(ours, theirs)
    drbd_content.finish_overwriting(source, target)
    force_pair(source, target, at, "Connected", "UpToDate", "UpToDate")
    source.world.record(at, source.row.name, "sync-done", source.resource.name)


def _verify(source: Replica, target: Replica, done_kib: int, now: float) -> None:
    source.side.verify_left_kib = target.side.verify_left_kib = max(0, source.side.verify_left_kib - done_kib)
    if source.side.verify_left_kib:
        return
    found = 0 if drbd_content.equal(source, target) else source.size_kib
    for one in (source, target):
        if one.metadata is not None:
            one.metadata.oos_kib = max(one.metadata.oos_kib, found)
    force_pair(source, target, now, "Connected")


def count(one: Replica, **kib: int) -> None:
    """Add to the figures of /proc/drbd."""
    for name, amount in kib.items():
        one.side.counters[name] = one.side.counters.get(name, 0) + amount
