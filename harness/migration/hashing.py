"""Reading only what changed: the hashes of a tree, each taken once for as long as the file's stamp stays the same.

A hash is remembered only when the file's change time lies clearly before the reading began. Whoever changes the file
later, be it within the grain of the file system's clock, then gives it another stamp.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from harness.errors import StepBlocked
from harness.hosts.command import Command
from harness.hosts.host import Host, Reader
from harness.inventory import bytes_per_s
from harness.migration import attributes
from harness.migration.jobs import end_jobs, run_job, succeed, uncollected
from harness.migration.ledger import Hashed, Known
from harness.migration.site import Progress, Site
from harness.systems import copying, files, hashers, store
from harness.systems.keeping import in_order

_GRAIN_S = 2.0  # ext3 keeps whole seconds
_BATCH_S = 300.0  # of reading at the disk's rate: as much is read again when the engine dies
_MOST_NAMES = 20_000  # of one batch: their names travel to the host
_SLOWEST_BYTES_PER_S = 2 * 1024 * 1024


@dataclass(frozen=True)
class Tree:
    """A tree on the original whose hashes are remembered under a name; ``live`` while others may change it."""

    name: str
    root: str
    live: bool


class Unread(NamedTuple):
    """A file that has to be read, as it was listed."""

    path: bytes
    stamp: store.Stamp


def known(site: Site[Reader], tree: Tree, listed: store.Listed) -> Iterator[store.Entry]:
    """The listing with the hashes that are known and hold; none where a file has to be read."""
    hash_of = store.lookup(site.memory.known_hashes(tree.name))
    for entry, stamp in listed:
        yield entry._replace(sha256=_valid(hash_of(entry.path), stamp))


def _valid(hashed: Hashed | None, stamp: store.Stamp) -> str:
    return hashed.sha256 if hashed is not None and hashed.stamp == stamp else ""


def _unread(found: Iterable[store.Entry], listed: store.Listed) -> Iterator[Unread]:
    """The files of a listing that have no hash there."""
    for entry, (_, stamp) in zip(found, listed, strict=True):
        if entry.kind == "file" and not entry.sha256:
            yield Unread(entry.path, stamp)


def all_known(site: Site[Reader], tree: Tree, listed: store.Listed) -> bool:
    """Nothing of the listing has to be read."""
    found = known(site, tree, listed) if site.settings.rehash == "changed" else store.entries_of(listed)
    return next(_unread(found, listed), None) is None


def read_changed(site: Site[Host], step: str, tree: Tree) -> None:
    """Read every file of a live tree whose hash is not known, attributes too, and remember what can be relied on.

    Raises:
        StepBlocked: a file cannot be read although it did not go away meanwhile.
    """
    listed = store.look(site.original, tree.root, live=True)
    if uncollected(site, step, _purpose(tree)) is not None:  # an engine that died had begun to read
        _read_batch(site, step, tree, [], listed)
    whole, done = sum(one.stamp.size for one in _unread(known(site, tree, listed), listed)), 0
    for batch in _batches(site, _unread(known(site, tree, listed), listed)):
        site.report(Progress(step, f"hash {tree.name}", done / whole if whole else None))
        _read_batch(site, step, tree, batch, listed)
        done += sum(one.stamp.size for one in batch)
    attributes.of_tree(site, tree.name, tree.root, listed, live=True)


def read_stopped(site: Site[Host], step: str, tree: Tree, printed: store.Printed) -> store.Manifest:
    """Every entry of a tree that nothing changes any more, with its hash; only what is not known is read.

    The tree has just been ``printed``, after it came to rest.

    Raises:
        StepBlocked: a file cannot be read, or the tree changes after all.
    """
    end_jobs(site, site.original, step)  # of an engine that died: what it read may have changed before it stopped
    listed = printed.listed
    trusted = site.settings.rehash == "changed"
    found = store.manifest(known(site, tree, listed) if trusted else store.entries_of(listed))
    batches = _batches(site, _unread(found, listed))
    read = in_order(one for batch in batches for one in _read_batch(site, step, tree, batch, listed))
    first = next(read, None)
    if first and store.printed(site.original, tree.root).digest() != printed.digest():
        raise StepBlocked(f"{site.original.name}: {tree.root} changes although nothing should write to it any more")
    remembered = ((entry.path, entry.sha256) for entry in found if entry.sha256)
    sums = heapq.merge(remembered, [first] if first else [], read)
    xattrs = attributes.of_tree(site, tree.name, tree.root, listed, anew=not trusted)
    return store.manifest(store.complete(store.entries_of(listed), sums, xattrs))


def _purpose(tree: Tree) -> str:
    return f"hash-{tree.name}"


def _batches(site: Site[Host], unread: Iterable[Unread]) -> Iterator[list[Unread]]:
    most_bytes = bytes_per_s(site.settings.disk_rate) * _BATCH_S
    batch: list[Unread] = []
    size = 0
    for one in unread:
        if batch and (size + one.stamp.size > most_bytes or len(batch) >= _MOST_NAMES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.stamp.size
    if batch:
        yield batch


def _read_batch(
    site: Site[Host], step: str, tree: Tree, batch: list[Unread], listed: store.Listed
) -> Iterable[store.Hash]:
    """Hash these files and remember those hashes that can be relied on.

    Without any it collects what an engine that died had begun to read.
    """
    host = site.original
    if uncollected(site, step, _purpose(tree)) is None:  # one that is under way began to read at the time noted then
        site.memory.remember(f"reading:{step}:{tree.name}", files.now_s(host))
    began = float(site.memory.fact(f"reading:{step}:{tree.name}"))
    command = hashers.hash_some_command(tree.root, (one.path for one in batch), hashers.hasher_of(host))
    if tree.live:
        command = copying.gently(command)
    size = sum(one.stamp.size for one in batch or _unread(store.entries_of(listed), listed))
    bound_s = site.settings.waits.stall + size / _SLOWEST_BYTES_PER_S
    result = run_job(site, host, step, _purpose(tree), command, bound_s=bound_s)
    hashes = list(store.hashes_in_order(result.pieces(), tree.root))
    if not result.ok:
        _require_gone(site, tree, {one.path for one in batch} - {path for path, _ in hashes}, command)
    if not tree.live:
        succeed(host, command, hashers.plainly(result), f"{host.name}: cannot read every object below {tree.root}")
    stamps: Iterable[Unread] = batch or _unread(store.entries_of(listed), listed)
    site.memory.learn_hashes(tree.name, _reliable(hashes, stamps, began))
    return hashes


def _reliable(hashes: Iterable[store.Hash], stamps: Iterable[Unread], began: float) -> Iterator[Known]:
    """The hashes of files whose change time lies clearly before the reading began; both in the order of paths."""
    stamp_of = store.lookup(stamps)
    for path, sha256 in hashes:
        stamp = stamp_of(path)
        if stamp is not None and float(stamp.ctime) + _GRAIN_S < began:
            yield path, Hashed(stamp, sha256)


def _require_gone(site: Site[Host], tree: Tree, unread: set[bytes], command: Command) -> None:
    """What could not be read went away; anything else is an object that nobody can read.

    Raises:
        StepBlocked: naming it.
    """
    for entry, _ in store.look(site.original, tree.root, tree.live):
        if entry.kind == "file" and entry.path in unread:
            raise StepBlocked(
                f"{site.original.name}: {tree.root}/{store.shown(entry.path)} cannot be read: `{command}` failed"
            )
