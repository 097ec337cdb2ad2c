"""Reading only what changed: the hashes of a tree, each taken once for as long as the file's stamp stays the same.

A hash is remembered only when the file's change time lies clearly before the reading began. Whoever changes the file
later, be it within the grain of the file system's clock, then gives it another stamp.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import StepBlocked
from harness.hosts.command import Command
from harness.hosts.host import Host, Reader
from harness.inventory import bytes_per_s
from harness.migration.jobs import end_jobs, run_job, succeed, uncollected
from harness.migration.ledger import Hashed, Hashes
from harness.migration.site import Progress, Site
from harness.systems import copying, files, store

_GRAIN_S = 2.0  # ext3 keeps whole seconds
_BATCH_S = 300.0  # of reading at the disk's rate: as much is read again when the engine dies
_MOST_NAMES = 50_000  # of one batch: their names travel to the host
_SLOWEST_BYTES_PER_S = 2 * 1024 * 1024


@dataclass(frozen=True)
class Tree:
    """A tree on the original whose hashes are remembered under a name; ``live`` while others may change it."""

    name: str
    root: str
    live: bool


def known(site: Site[Reader], tree: Tree, listed: store.Listed) -> store.Manifest:
    """The listing with the hashes that are known and hold; none where a file has to be read."""
    hashes = site.memory.known_hashes(tree.name)
    return {path: entry._replace(sha256=_valid(hashes, path, listed)) for path, entry in listed.entries.items()}


def _valid(hashes: Hashes, path: bytes, listed: store.Listed) -> str:
    hashed = hashes.get(path)
    return hashed.sha256 if hashed is not None and hashed.stamp == listed.stamps.get(path) else ""


def read_changed(site: Site[Host], step: str, tree: Tree) -> None:
    """Read every file of a live tree whose hash is not known, and remember what can be relied on.

    Raises:
        StepBlocked: a file cannot be read although it did not go away meanwhile.
    """
    listed = store.look(site.original, tree.root, live=True)
    if uncollected(site, step, _purpose(tree)) is not None:  # an engine that died had begun to read
        _read_batch(site, step, tree, [], listed)
    unknown = [path for path, entry in known(site, tree, listed).items() if entry.kind == "file" and not entry.sha256]
    whole, done = sum(listed.stamps[path].size for path in unknown), 0
    for batch in _batches(site, listed, unknown):
        site.report(Progress(step, f"hash {tree.name}", done / whole if whole else None))
        _read_batch(site, step, tree, batch, listed)
        done += sum(listed.stamps[path].size for path in batch)


def read_stopped(site: Site[Host], step: str, tree: Tree) -> store.Manifest:
    """Every entry of a tree that nothing changes any more, with its hash; only what is not known is read.

    Raises:
        StepBlocked: a file cannot be read, or the tree changes after all.
    """
    end_jobs(site, site.original, step)  # of an engine that died: what it read may have changed before it stopped
    listed = store.look(site.original, tree.root)
    found = known(site, tree, listed) if site.settings.rehash == "changed" else listed.entries
    unknown = [path for path, entry in found.items() if entry.kind == "file" and not entry.sha256]
    hashes: dict[bytes, str] = {}
    for batch in _batches(site, listed, unknown):
        hashes |= _read_batch(site, step, tree, batch, listed)
    if unknown and store.look(site.original, tree.root) != listed:
        raise StepBlocked(f"{site.original.name}: {tree.root} changes although nothing should write to it any more")
    sums = {path: entry.sha256 for path, entry in found.items() if entry.sha256} | hashes
    xattrs = store.extended_attributes(site.original, tree.root)
    return store.complete(listed.entries, sums, xattrs)


def _purpose(tree: Tree) -> str:
    return f"hash-{tree.name}"


def _batches(site: Site[Host], listed: store.Listed, paths: list[bytes]) -> Iterator[list[bytes]]:
    most_bytes = bytes_per_s(site.settings.disk_rate) * _BATCH_S
    batch: list[bytes] = []
    size = 0
    for path in paths:
        if batch and (size + listed.stamps[path].size > most_bytes or len(batch) >= _MOST_NAMES):
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += listed.stamps[path].size
    if batch:
        yield batch


def _read_batch(site: Site[Host], step: str, tree: Tree, batch: list[bytes], listed: store.Listed) -> dict[bytes, str]:
    """Hash these files and remember those hashes that can be relied on."""
    host = site.original
    if uncollected(site, step, _purpose(tree)) is None:  # one that is under way began to read at the time noted then
        site.memory.remember(f"reading:{step}:{tree.name}", files.now_s(host))
    began = float(site.memory.fact(f"reading:{step}:{tree.name}"))
    command = store.hash_some_command(tree.root, batch)
    if tree.live:
        command = copying.gently(command)
    size = sum(listed.stamps[path].size for path in batch or listed.stamps)
    bound_s = site.settings.waits.stall + size / _SLOWEST_BYTES_PER_S
    result = run_job(site, host, step, _purpose(tree), command, bound_s=bound_s)
    hashes = store.parse_hashes(result.stdout, tree.root)
    if not result.ok:
        _require_gone(site, tree, [path for path in batch if path not in hashes], command)
    if not tree.live:
        succeed(host, command, result, f"{host.name}: cannot read every object below {tree.root}")
    stamps = listed.stamps
    learned = {
        path: Hashed(stamps[path], sha256)
        for path, sha256 in hashes.items()
        if path in stamps and float(stamps[path].ctime) + _GRAIN_S < began
    }
    site.memory.learn_hashes(tree.name, learned)
    return hashes


def _require_gone(site: Site[Host], tree: Tree, unread: list[bytes], command: Command) -> None:
    """What could not be read went away; anything else is an object that nobody can read.

    Raises:
        StepBlocked: naming it.
    """
    there = store.look(site.original, tree.root, tree.live).stamps
    for path in unread:
        if path in there:
            raise StepBlocked(
                f"{site.original.name}: {tree.root}/{store.shown(path)} cannot be read: `{command}` failed"
            )
