"""Comparing a store with the frozen one, entry by entry.

Two differences are no loss and are allowed, no others: ``lost+found`` in the root, which every ext file system brings
along, and what Walrus itself does to the root when it mounts it: owner eucalyptus, mode 0700, a new time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from harness.checks.finding import Unknown
from harness.evidence import Entry, Evidence, Manifest

SHOWN = 10  # entries named in a report, of each kind of difference
ROOT = "."
_SECOND_NS = 10**9
LOST_FOUND = "lost+found"
_WALRUS_ROOT_MODE = 0o700


def printable(name: str) -> str:
    """A name of bytes as printable ASCII; no terminal is moved by it."""
    return name.encode("unicode_escape").decode("ascii")


def differences(frozen: Manifest, found: Manifest) -> list[str]:
    """What of the frozen store is missing, changed or added in what was found: one line an entry, empty when equal."""
    wanted, there = _entries(frozen), _entries(found)
    _allow_root_drift(wanted, there)
    missing = [f"missing: {printable(path)}" for path in wanted if path not in there]
    changed = [
        f"changed: {printable(path)} ({', '.join(changes)})"
        for path, entry in wanted.items()
        if path in there and (changes := list(_changes(entry, there[path])))
    ]
    extra = [f"extra: {printable(path)}" for path in there if path not in wanted]
    return missing + changed + extra


def require(manifest: Manifest | None, what: str) -> Manifest:
    """The manifest, when it can be judged with.

    Raises:
        Unknown: when there is none, it could not be read in full, or it does not even hold its root.
    """
    if manifest is None:
        raise Unknown(f"there is no manifest of {what}")
    if manifest.error is not None:
        raise Unknown(f"the manifest of {what} could not be read: {manifest.error}")
    return manifest


def require_frozen(manifest: Manifest | None) -> Manifest:
    """The frozen manifest, complete enough to compare with.

    Raises:
        Unknown: see ``require``; also when it lacks the root or a file's hash.
    """
    frozen = require(manifest, "the frozen store")
    if ROOT not in frozen.by_path():
        raise Unknown("the frozen manifest does not even hold the store's root")
    for entry in frozen.entries:
        if entry.kind == "file" and entry.sha256 is None:
            raise Unknown(f"the frozen manifest has no hash of {printable(entry.path)}")
    return frozen


def expected_at_the_end(evidence: Evidence) -> Manifest:
    """What must be served at the end: the frozen store, and over it what clients wrote and deleted through the pair.

    Raises:
        Unknown: see ``require_frozen``.
    """
    frozen = require_frozen(evidence.frozen)
    if not evidence.written and not evidence.deleted:
        return frozen
    entries = frozen.by_path() | {entry.path: entry for entry in evidence.written}
    entries = {path: entry for path, entry in entries.items() if path not in evidence.deleted}
    return Manifest([entries[path] for path in sorted(entries)])


def lines(what: str, said: list[str]) -> Iterator[str]:
    """Differences as sentences for a finding: a sum first, then the first of each kind."""
    if not said:
        return
    counts = Counter(line.split(":", 1)[0] for line in said)
    total = ", ".join(f"{counts[kind]} {kind}" for kind in ("missing", "changed", "extra") if counts[kind])
    yield f"{what} is not the frozen store: {total}; first {said[0]}"
    for kind in ("missing", "changed", "extra"):
        of_kind = [line for line in said if line.startswith(f"{kind}:")]
        yield from (f"{what}: {line}" for line in of_kind[:SHOWN])
        if len(of_kind) > SHOWN:
            yield f"{what}: {len(of_kind) - SHOWN} more {kind}"


def _entries(manifest: Manifest) -> dict[str, Entry]:
    entries = manifest.by_path()
    lost_found = entries.get(LOST_FOUND)
    if lost_found is not None and lost_found.kind == "directory":
        del entries[LOST_FOUND]  # what lies below it is not excused
    return entries


def _allow_root_drift(wanted: dict[str, Entry], there: dict[str, Entry]) -> None:
    """Excuse in ``there`` what Walrus may have done to the root; anything else about the root stays as it was found."""
    if ROOT not in wanted or ROOT not in there:
        return
    before, after = wanted[ROOT], there[ROOT]
    after = replace(after, mtime_ns=before.mtime_ns)
    if after.mode == _WALRUS_ROOT_MODE:
        after = replace(after, mode=before.mode)
    if (after.uid, after.gid) == _walrus_owner(wanted):
        after = replace(after, uid=before.uid, gid=before.gid)
    there[ROOT] = after


def _walrus_owner(entries: dict[str, Entry]) -> tuple[int, int]:
    """Who owns most of the store: Walrus wrote it."""
    return Counter((entry.uid, entry.gid) for entry in entries.values()).most_common(1)[0][0]


def _changes(frozen: Entry, found: Entry) -> Iterator[str]:
    """Each property that differs. A directory's size is its file system's affair and not compared."""
    if frozen.kind != found.kind:
        yield f"kind {frozen.kind} -> {found.kind}"
        return
    if frozen.kind == "file" and frozen.size != found.size:
        yield f"size {frozen.size} -> {found.size}"
    if frozen.sha256 != found.sha256:
        yield f"content {_short(frozen.sha256)} -> {_short(found.sha256)}"
    if frozen.mode != found.mode:
        yield f"mode {frozen.mode:04o} -> {found.mode:04o}"
    if (frozen.uid, frozen.gid) != (found.uid, found.gid):
        yield f"owner {frozen.uid}:{frozen.gid} -> {found.uid}:{found.gid}"
    # A copy by rsync 3.0, or onto ext3 of an old kernel, keeps whole seconds.
    if found.mtime_ns not in (frozen.mtime_ns, frozen.mtime_ns // _SECOND_NS * _SECOND_NS):
        yield f"time {frozen.mtime_ns} -> {found.mtime_ns} ns"
    for name, one, other in (("target", frozen.target, found.target), ("linked with", frozen.same_as, found.same_as)):
        if one != other:
            yield f"{name} {printable(one or 'nothing')} -> {printable(other or 'nothing')}"
    if frozen.xattrs != found.xattrs:
        names = sorted(
            name for name in {*frozen.xattrs, *found.xattrs} if frozen.xattrs.get(name) != found.xattrs.get(name)
        )
        yield f"extended attributes {', '.join(map(printable, names))}"


def _short(sha256: str | None) -> str:
    return sha256[:12] if sha256 else "unread"
