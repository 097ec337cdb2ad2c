"""Two listings or manifests of trees side by side: what one has and the other has not, and what is another there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.systems.store import LISTED_FIELDS, Entry, shown


def join(expected: Iterable[Entry], found: Iterable[Entry]) -> Iterator[tuple[Entry | None, Entry | None]]:
    """The entries of two manifests side by side, path by path; None where one has nothing."""
    left, right = iter(expected), iter(found)
    want, have = next(left, None), next(right, None)
    while want is not None or have is not None:
        if have is None or (want is not None and want.path < have.path):
            yield want, None
            want = next(left, None)
        elif want is None or have.path < want.path:
            yield None, have
            have = next(right, None)
        else:
            yield want, have
            want, have = next(left, None), next(right, None)


def differences(
    expected: Iterable[Entry], found: Iterable[Entry], by_listing: bool = False, copied: bool = False
) -> list[str]:
    """What distinguishes two manifests, a sentence each; ``by_listing`` leaves hashes and extended attributes aside.

    In a tree that was ``copied`` a time may have lost its fraction of a second: rsync before 3.1 does not carry it, and
    ext3 of old kernels does not hold it. Such a time stands on a whole second; any other difference is one.
    The root's own modification time is not compared: making ``lost+found`` or mounting changes it.
    """
    said = []
    for want, have in join(expected, found):
        if want is None:
            said.append(f"{shown(have.path if have else b'')} is extra")
        elif have is None:
            said.append(f"{shown(want.path)} is missing")
        elif want[:LISTED_FIELDS] != have[:LISTED_FIELDS] or (not by_listing and want != have):
            said.extend(f"{shown(want.path)}: {what}" for what in _unlike(want, have, by_listing, copied))
    return said


def _unlike(want: Entry, have: Entry, by_listing: bool, copied: bool) -> Iterator[str]:
    skipped = {"sha256", "xattrs"} if by_listing else set()
    if copied and _lost_its_fraction(want.mtime, have.mtime):
        skipped.add("mtime")
    if want.path == b"" or want.kind == "symlink":
        # Not every old rsync and file system keeps a link's own time; a link's content is its target.
        skipped.add("mtime")
    for name, wanted, found in zip(Entry._fields, want, have, strict=True):
        if wanted != found and name not in skipped:
            yield f"{name} is {found!r}, expected {wanted!r}"


def same_time(wanted: str, found: str) -> bool:
    """A copy's time is its source's, as far as old programs and file systems carry it."""
    return wanted == found or _lost_its_fraction(wanted, found)


def _lost_its_fraction(wanted: str, found: str) -> bool:
    """The time found is the one wanted, cut down to its second."""
    (second, _, fraction), (seconds, _, nothing) = wanted.partition("."), found.partition(".")
    earlier = int(second) - 1 if second.startswith("-") and fraction.strip("0") else int(second)
    return not nothing.strip("0") and int(seconds) == earlier


def changed_since(before: Iterable[Entry], now: Iterable[Entry]) -> Iterator[Entry]:
    """The entries, directories aside, that are not the same in an earlier listing."""
    for was, entry in join(before, now):
        if entry is None or entry.kind == "directory":
            continue
        if was is None or any(_unlike(was, entry, by_listing=True, copied=True)):
            yield entry
