"""Generations of data: how two sides that meet find out whose data is newer. Pure, but for the metadata it changes.

A generation is a random number; odd ones mark a Primary. ``Metadata`` holds the current one, the one the bitmap counts
from (0: none) and two older ones. Facts from the sync handshake of the kernel modules 8.3 and 8.4 (drbd_receiver.c).
"""

from __future__ import annotations

from collections.abc import Mapping

from fakes.program import UnsupportedInvocation
from fakes.world import Metadata, World

JUST_CREATED = 4
_NEXT_BITMAP = 1 << 48
SPLIT_BRAIN, UNRELATED = 100, 1000


def new_number(world: World) -> int:
    """A number never seen before, even, spread over 64 bits; the same world gives the same numbers."""
    world.counter += 1
    return (world.counter * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF) & ~1 | 1 << 63


def _plain(number: int) -> int:
    return number & ~1


def start_generation(world: World, metadata: Metadata, promoted: bool = False) -> None:
    """The data here and at the peer go different ways from now on: the bitmap counts from what was current.

    With ``promoted`` what was current was no Primary's.
    """
    metadata.bitmap_uuid = _plain(metadata.current_uuid) if promoted else metadata.current_uuid
    metadata.current_uuid = new_number(world) | metadata.current_uuid & 1
    metadata.marked_on_disk = bool(metadata.current_uuid & 1)


def set_bitmap(metadata: Metadata, number: int) -> None:
    """Another base for the bitmap; the one before becomes history."""
    if metadata.bitmap_uuid:
        metadata.history = [metadata.bitmap_uuid, metadata.history[0]]
    metadata.bitmap_uuid = number


def begin_sync(world: World, source: Metadata, target: Metadata) -> None:
    """The target holds neither generation until it is done: both get a number for that."""
    old = source.bitmap_uuid
    set_bitmap(source, new_number(world) if old in (0, JUST_CREATED) else (old + _NEXT_BITMAP) & 0xFFFFFFFFFFFFFFFF)
    target.current_uuid, target.bitmap_uuid = source.bitmap_uuid, 0
    target.marked_on_disk = bool(target.current_uuid & 1)


def finish_sync(source: Metadata, target: Metadata) -> None:
    """Both hold the source's generation."""
    set_bitmap(source, 0)
    target.current_uuid, target.bitmap_uuid = _plain(source.current_uuid) | target.current_uuid & 1, 0
    target.history = list(source.history)
    for one in (source, target):
        one.marked_on_disk = bool(one.current_uuid & 1)


def compare(ours: Metadata, theirs: Metadata, crashed: tuple[bool, bool], primary: tuple[bool, bool]) -> int:
    """Who synchronises whom: positive from us to them, negative the other way, 2 all blocks, 0 nobody.

    ±100 is split brain (-100 when the common ancestor lies further back), -1000 data that never met.
    ``crashed`` and ``primary`` tell about us and them.
    """
    mine, other = _plain(ours.current_uuid), _plain(theirs.current_uuid)
    if mine == other == JUST_CREATED:
        return 0
    if mine in (JUST_CREATED, 0):
        return -2
    if other in (JUST_CREATED, 0):
        return 2
    if mine == other:
        return _compare_equal(ours, theirs, crashed, primary)
    return _compare_different(ours, theirs)


def _compare_equal(ours: Metadata, theirs: Metadata, crashed: tuple[bool, bool], primary: tuple[bool, bool]) -> int:
    if ours.bitmap_uuid and not theirs.bitmap_uuid:
        return 1
    if theirs.bitmap_uuid and not ours.bitmap_uuid:
        return -1
    if not any(crashed):
        return 0
    if any(primary):
        return 1 if primary[0] else -1
    return 1 if crashed[0] else -1


def _compare_different(ours: Metadata, theirs: Metadata) -> int:
    mine, other = _plain(ours.current_uuid), _plain(theirs.current_uuid)
    my_history, their_history = [_plain(old) for old in ours.history], [_plain(old) for old in theirs.history]
    if mine == _plain(theirs.bitmap_uuid):
        return -1
    if mine in their_history:
        return -2
    if other == _plain(ours.bitmap_uuid):
        return 1
    if other in my_history:
        return 2
    if _plain(ours.bitmap_uuid) == _plain(theirs.bitmap_uuid) != 0:
        return SPLIT_BRAIN
    return -SPLIT_BRAIN if set(my_history) & set(their_history) else -UNRELATED


def after_split_brain(
    options: Mapping[str, str], primary: tuple[bool, bool], changed_kib: tuple[int, int], discard: tuple[bool, bool]
) -> int:
    """Whose data is thrown away: negative ours, positive theirs, 0 nobody decides and the connection is dropped.

    Raises:
        UnsupportedInvocation: for a policy that is not modelled.
    """
    by_policy = _POLICIES[sum(primary)](options, primary, changed_kib)
    if by_policy:
        return by_policy
    if discard[0] != discard[1]:
        return -1 if discard[0] else 1
    return 0


def _policy(options: Mapping[str, str], which: str, known: tuple[str, ...]) -> str:
    policy = options.get(which, "disconnect")
    if policy not in ("disconnect", *known):
        raise UnsupportedInvocation(f"{which} {policy} is not modelled")
    return policy


def _no_primary(options: Mapping[str, str], primary: tuple[bool, bool], changed_kib: tuple[int, int]) -> int:
    policy = _policy(options, "after-sb-0pri", ("discard-zero-changes",))
    if policy == "disconnect" or all(changed_kib):
        return 0
    return 1 if changed_kib[0] or not any(changed_kib) else -1


def _one_primary(options: Mapping[str, str], primary: tuple[bool, bool], changed_kib: tuple[int, int]) -> int:
    policy = _policy(options, "after-sb-1pri", ("discard-secondary", "consensus"))
    if policy == "disconnect":
        return 0
    keeps_primary = 1 if primary[0] else -1
    if policy == "consensus":
        found = _no_primary(options, primary, changed_kib)
        return found if found == keeps_primary else 0
    return keeps_primary


def _two_primaries(options: Mapping[str, str], primary: tuple[bool, bool], changed_kib: tuple[int, int]) -> int:
    _policy(options, "after-sb-2pri", ())
    return 0


_POLICIES = {0: _no_primary, 1: _one_primary, 2: _two_primaries}


def fresh(world: World) -> Metadata:
    """Metadata as create-md writes it."""
    return Metadata(f"{new_number(world) ^ 0x5A5A5A5A00000000:016x}")
