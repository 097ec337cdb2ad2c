"""Extended attributes of a tree, ACLs among them: read again only where an entry changed since they were last read.

The kernel moves the change time when an attribute is set, as it does for content. What was read holds for as long as
the entry has the stamp under which it was read; as with hashes, only a change time that lies clearly before the reading
began is relied on. It is known to this process alone: an engine that comes back reads all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from harness.hosts.host import Host
from harness.migration.site import Site
from harness.systems import files, store
from harness.systems.keeping import Kept

_GRAIN_S = 2.0  # ext3 keeps whole seconds
_MOST_NAMES = 2_000  # to be asked for by name; with more the whole tree is read in one pass


class Read(NamedTuple):
    """An entry's attributes, and how it stood when they were read."""

    path: bytes
    stamp: store.Stamp
    attributes: store.Attributes
    reliable: bool  # a later change gives it another stamp


def of_tree(
    site: Site[Host], name: str, root: str, listed: store.Listed, live: bool = False, anew: bool = False
) -> Iterator[tuple[bytes, store.Attributes]]:
    """Paths with their attributes, of what has any, in the order of the listing.

    ``name`` is what the tree is remembered by; with ``anew`` nothing that was remembered counts.
    """
    before: Iterable[Read] = () if anew else site.memory.attributes.get(name, ())
    changed = list(itertools.islice(_changed(before, listed), _MOST_NAMES + 1))
    began = float(files.now_s(site.original)) if changed else 0.0
    if not changed:
        fresh: Iterator[tuple[bytes, store.Attributes]] = iter(())
    elif len(changed) > _MOST_NAMES or len(changed) == len(listed):
        fresh = store.extended_attributes(site.original, root, live)
    else:
        fresh = store.extended_attributes_of(site.original, root, changed, live)
    now = Kept(_joined(before, fresh, listed, began), _plain, _back)
    site.memory.attributes[name] = now
    return ((read.path, read.attributes) for read in now if read.attributes)


def _holding(before: Iterable[Read], listed: store.Listed) -> Iterator[tuple[store.Found, Read | None]]:
    """Each entry with what was read of it, None where that does not hold any more."""
    reads = store.lookup((read.path, read) for read in before)
    for found in listed:
        was = reads(found.entry.path)
        yield found, was if was and was.reliable and was.stamp == found.stamp else None


def _changed(before: Iterable[Read], listed: store.Listed) -> Iterator[bytes]:
    return (found.entry.path for found, was in _holding(before, listed) if was is None)


def _joined(
    before: Iterable[Read], fresh: Iterator[tuple[bytes, store.Attributes]], listed: store.Listed, began: float
) -> Iterator[Read]:
    new = store.lookup(fresh)
    for found, was in _holding(before, listed):
        attributes, reliable = new(found.entry.path) or (), float(found.stamp.ctime) + _GRAIN_S < began
        yield was or Read(found.entry.path, found.stamp, attributes, reliable)


def _plain(read: Read) -> tuple[Any, ...]:
    return read.path, tuple(read.stamp), read.attributes, read.reliable


def _back(plain: tuple[Any, ...]) -> Read:
    path, stamp, attributes, reliable = plain
    return Read(path, store.Stamp._make(stamp), attributes, reliable)
