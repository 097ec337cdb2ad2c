"""The store as a manifest: every entry with type, size, mode, owner, time and hash, names as bytes."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from harness.errors import CommandFailed, UnexpectedOutput
from harness.hosts.command import Command, Result
from harness.hosts.host import Reader
from harness.systems.keeping import Kept, Sorting, in_order
from harness.systems.printed import whole

LOST_AND_FOUND = b"lost+found"
_LISTING_FORMAT = r"%y\0%s\0%m\0%U\0%G\0%T@\0%C@\0%n\0%D:%i\0%P\0%l\0"
_FIELDS, _PATH, _TIMES = 11, 9, (5, 6)
_GONE = b"No such file or directory"
_GETFATTR = ("-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", "--")
_TIME = re.compile(rb"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_SHA256 = re.compile(rb"[0-9a-f]{64}")
_KINDS = {b"f": "file", b"d": "directory", b"l": "symlink"}


class Entry(NamedTuple):
    """One entry below the store; the root itself has the empty path."""

    path: bytes
    kind: str  # file, directory, symlink, other
    size: int
    mode: int
    uid: int
    gid: int
    mtime: str  # seconds and fraction as find prints them
    target: bytes
    same_as: bytes  # first path of its hard-link set, empty when alone
    sha256: str = ""
    xattrs: tuple[tuple[str, str], ...] = ()


class Stamp(NamedTuple):
    """How an entry stood when it was listed. Whoever changes what it holds, its mode, owner or attributes moves the
    change time, which nobody can set."""

    size: int
    mtime: str
    ctime: str
    inode: str  # with the number of its device


class Found(NamedTuple):
    """An entry as a listing showed it."""

    entry: Entry
    stamp: Stamp


LISTED_FIELDS = Entry._fields.index("sha256")  # what stands before it is what a listing tells

Manifest = Kept[Entry]
"""Entries in the order of their paths, each path once."""
Listed = Kept[Found]
"""A tree as one pass of find showed it, in the same order."""
Hash = tuple[bytes, str]  # a path and the sha256 of what it holds
Attributes = tuple[tuple[str, str], ...]
Record = tuple[bytes, ...]


def manifest(entries: Iterable[Entry]) -> Manifest:
    """These entries, which come in the order of their paths."""
    return Kept(entries, tuple, _entry_of)


def _entry_of(plain: tuple[Any, ...]) -> Entry:
    return Entry._make(plain)


def listing(host: Reader, root: str, timeout_s: float = 3600.0) -> Manifest:
    """As ``listed_once``, to be read again and again."""
    return manifest(listed_once(host, root, timeout_s))


def listed_once(host: Reader, root: str, timeout_s: float = 3600.0) -> Iterator[Entry]:
    """Everything below ``root`` without contents: one pass of find, no hash, no extended attributes.

    A file system's own ``lost+found`` directly below the root is not part of the store.
    """
    return printed(host, root, timeout_s=timeout_s).entries()


@dataclass(frozen=True)
class Printed:
    """What one pass of find printed of a tree."""

    result: Result
    of: str

    def entries(self) -> Iterator[Entry]:
        """As ``listed_once``."""
        return (_entry(record, same_as) for record, same_as in _records(self.result, self.of))

    @cached_property
    def listed(self) -> Listed:
        """As ``listing``, with the stamps."""
        found = (Found(_entry(one, same_as), _stamp(one)) for one, same_as in _records(self.result, self.of))
        return Kept(found, _plain, _found_of)

    def digest(self) -> str:
        """Equal for a tree in which nothing was touched: change times and inodes are part of what find prints.

        The root's own times are not: renaming and mounting move them. Another digest says nothing: a tree that its file
        system prints in another order has another.
        """
        summed, root = hashlib.sha256(), b""
        pieces = iter(self.result.pieces())
        for piece in pieces:  # find prints the root first
            root += piece
            if root.count(b"\0") >= _FIELDS:
                break
        fields = root.split(b"\0", _FIELDS)
        summed.update(b"\0".join(field for at, field in enumerate(fields) if at not in _TIMES))
        for piece in pieces:
            summed.update(piece)
        return summed.hexdigest()


def printed(host: Reader, root: str, live: bool = False, timeout_s: float = 3600.0) -> Printed:
    """One pass of find over everything below ``root``; in a ``live`` tree an entry may go away meanwhile.

    Raises:
        CommandFailed: find could not read all of it.
    """
    return Printed(_find(host, root, live, timeout_s), f"{host.name}: the listing of {root}")


def look(host: Reader, root: str, live: bool = False, timeout_s: float = 3600.0) -> Listed:
    """As ``listing``, with the stamps; in a ``live`` tree an entry may go away while it is listed."""
    return printed(host, root, live, timeout_s).listed


def _plain(found: Found) -> tuple[Any, ...]:
    return tuple(found.entry), tuple(found.stamp)


def _found_of(plain: tuple[Any, ...]) -> Found:
    return Found(Entry._make(plain[0]), Stamp._make(plain[1]))


def entries_of(listed: Iterable[Found]) -> Iterator[Entry]:
    """A listing without its stamps."""
    return (found.entry for found in listed)


def _find(host: Reader, root: str, live: bool, timeout_s: float) -> Result:
    command = Command(("find", root, "-xdev", "-printf", _LISTING_FORMAT), timeout_s=timeout_s)
    result = host.ask(command)
    vanished = live and all(_GONE in line for line in result.stderr.splitlines())
    if not result.ok and not (vanished and any(result.pieces())):
        raise CommandFailed(host.name, str(command), result)
    return result


def _records(result: Result, of: str) -> Iterator[tuple[Record, bytes]]:
    """The fields of each entry behind its path, in the order of their paths; with the first path of its link set."""
    linked, records = Sorting[tuple[bytes, bytes]](), Sorting[Record]()
    for record in _split(result, of):
        records.add(record)
        if record[1] == b"f" and record[8] != b"1":
            linked.add((record[9], record[0]))
    first_of = lookup(in_order(_first_of_sets(linked.items())))
    return ((record, first_of(record[0]) or b"") for record in _last_of_each(records.items()))


def _split(result: Result, what: str) -> Iterator[Record]:
    """Every entry that find printed, without what belongs to the file system."""
    fields: list[bytes] = []
    rest = b""
    for piece in result.pieces():
        *whole_fields, rest = (rest + piece).split(b"\0")
        fields += whole_fields
        for at in range(0, len(fields) - _FIELDS + 1, _FIELDS):
            path = fields[at + _PATH]
            if not _is_lost_and_found(path):
                yield (path, *fields[at : at + _FIELDS])
        del fields[: len(fields) // _FIELDS * _FIELDS]
    if fields or rest:
        raise UnexpectedOutput(f"{what} ends within an entry")


Named = TypeVar("Named", bound=tuple[Any, ...])


def _last_of_each(named: Iterable[Named]) -> Iterator[Named]:
    """Of what begins with the same path and stands side by side, the last."""
    for _, same in itertools.groupby(named, itemgetter(0)):
        *_, last = same
        yield last


def _stamp(record: Record) -> Stamp:
    size, mtime, ctime, inode = (record[1 + at] for at in (1, 5, 6, 8))
    if not _TIME.fullmatch(ctime):
        raise UnexpectedOutput(f"find printed {ctime!r} where a time belongs")
    return Stamp(whole(size, "find"), *(one.decode("ascii", "backslashreplace") for one in (mtime, ctime, inode)))


def _first_of_sets(linked: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """Each path with the first one of its hard-link set, from inodes with a path each, in order.

    Other names of a file, outside the tree, are nothing to it.
    """
    first, alone = (b"", b""), True
    for inode, path in linked:
        if inode != first[0]:
            first, alone = (inode, path), True
            continue
        if alone:
            yield first[1], first[1]
            alone = False
        yield path, first[1]


def _is_lost_and_found(path: bytes) -> bool:
    return path == LOST_AND_FOUND or path.startswith(LOST_AND_FOUND + b"/")


_usual = lru_cache(1024)(whole)  # owners and modes are the same few all over a store


def _entry(record: Record, same_as: bytes) -> Entry:
    _, kind, size, mode, uid, gid, mtime, _ctime, _links, _inode, path, target = record
    if not _TIME.fullmatch(mtime):
        raise UnexpectedOutput(f"find printed {mtime!r} where a time belongs")
    return Entry(
        path=path,
        kind=_KINDS.get(kind, "other"),
        size=whole(size, "find") if kind == b"f" else 0,
        mode=_usual(mode, "find", 8),
        uid=_usual(uid, "find"),
        gid=_usual(gid, "find"),
        mtime=mtime.decode(),
        target=target,
        same_as=same_as,
    )


def hashes_in_order(pieces: Iterable[bytes], root: str) -> Iterator[Hash]:
    """What a hasher printed for files below ``root``, in the order of their paths."""
    return _last_of_each(in_order(parse_hashes(pieces, root)))


def parse_hashes(pieces: Iterable[bytes], root: str) -> Iterator[Hash]:
    """Path relative to ``root`` and sha256, from the lines of sha256sum, or of openssl for the names that it gets.

    GNU coreutils marks a name in which it wrote newline and backslash as escapes with a leading backslash.
    """
    prefix = root.encode("utf-8", "surrogateescape") + b"/"
    for line in _lines(pieces):
        escaped = line.startswith(b"\\")
        digest, _, name = (line[1:] if escaped else line).partition(b" *")
        if not _SHA256.fullmatch(digest) or not name.startswith(prefix):
            raise UnexpectedOutput(f"{line!r} stands where a hash and its file belong")
        yield (_unescape(name) if escaped else name)[len(prefix) :], digest.decode()


def _lines(pieces: Iterable[bytes], end: bytes = b"\n") -> Iterator[bytes]:
    """What stands between the ends, where anything does."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(end)
        yield from filter(None, lines)
    if rest:
        yield rest


def _unescape(name: bytes) -> bytes:
    letters = {b"n": b"\n", b"r": b"\r", b"\\": b"\\"}
    return re.sub(rb"\\([nr\\])", lambda match: letters[match.group(1)], name)


def extended_attributes(
    host: Reader, root: str, live: bool = False, timeout_s: float = 3600.0
) -> Iterator[tuple[bytes, Attributes]]:
    """Extended attributes of everything below ``root`` that has any; none where getfattr is not installed.

    In a ``live`` tree an entry may go away meanwhile.
    """
    return _attributes(host, root, Command(("getfattr", "-R", "-P", *_GETFATTR, root), timeout_s=timeout_s), live)


def extended_attributes_of(
    host: Reader, root: str, paths: Iterable[bytes], live: bool = False, timeout_s: float = 3600.0
) -> Iterator[tuple[bytes, Attributes]]:
    """As ``extended_attributes``, of these paths alone."""
    top = root.encode("utf-8", "surrogateescape")
    names = b"".join((top + b"/" + path if path else top) + b"\0" for path in paths)
    command = Command(("xargs", "-0", "-r", "getfattr", *_GETFATTR), stdin=names, timeout_s=timeout_s)
    return _attributes(host, root, command, live)


def _attributes(host: Reader, root: str, command: Command, live: bool) -> Iterator[tuple[bytes, Attributes]]:
    if not host.ask(Command(("which", "getfattr"))).ok:
        return iter(())
    result = host.ask(command)
    said = [line for line in result.stderr.splitlines() if line.strip() and not (live and _GONE in line)]
    if not result.ok and said:
        raise CommandFailed(host.name, str(command), result)
    return _last_of_each(in_order(parse_extended_attributes(result.pieces(), root)))


def parse_extended_attributes(pieces: Iterable[bytes], root: str) -> Iterator[tuple[bytes, Attributes]]:
    """getfattr's blocks: a line ``# file: NAME`` with octal escapes, then ``name=0xHEX`` lines, then a blank line."""
    prefix = root.encode("utf-8", "surrogateescape")
    for block in _lines(pieces, b"\n\n"):
        lines = block.strip(b"\n").split(b"\n")
        if not lines[0].startswith(b"# file: "):
            if block.strip():
                raise UnexpectedOutput(f"getfattr printed {block!r}")
            continue
        name = re.sub(
            rb"\\([0-3][0-7]{2})", lambda match: bytes([int(match.group(1), 8)]), lines[0][len(b"# file: ") :]
        )
        if name != prefix and not name.startswith(prefix + b"/"):
            raise UnexpectedOutput(f"getfattr names {name!r}, which is not below {root}")
        pairs = [line.decode("ascii", "surrogateescape").partition("=") for line in lines[1:]]
        # SELinux labels belong to the host's policy and not to the object.
        kept = tuple(sorted((key, value) for key, _, value in pairs if key != "security.selinux"))
        if kept:
            yield name[len(prefix) :].lstrip(b"/"), kept


def complete(
    found: Iterable[Entry], hashes: Iterable[Hash], xattrs: Iterable[tuple[bytes, Attributes]]
) -> Iterator[Entry]:
    """A listing joined with hashes and extended attributes, all in the order of their paths.

    Raises:
        UnexpectedOutput: when a file has no hash: it could not be read, or appeared in between.
    """
    hash_of, xattrs_of = lookup(hashes), lookup(xattrs)
    for entry in found:
        sha256 = hash_of(entry.path)
        if entry.kind == "file" and sha256 is None:
            raise UnexpectedOutput(
                f"no hash for {shown(entry.path)}: it could not be read, or it changed while being read"
            )
        yield entry._replace(sha256=sha256 or "", xattrs=xattrs_of(entry.path) or ())


Value = TypeVar("Value")


def lookup(pairs: Iterable[tuple[bytes, Value]]) -> Callable[[bytes], Value | None]:
    """What stands beside a path in pairs that are in the order of their paths, to be asked in that order as well."""
    ahead = iter(pairs)
    next_one = next(ahead, None)

    def find(path: bytes) -> Value | None:
        nonlocal next_one
        while next_one is not None and next_one[0] < path:
            next_one = next(ahead, None)
        return next_one[1] if next_one is not None and next_one[0] == path else None

    return find


def total_bytes(entries: Iterable[Entry]) -> int:
    """Bytes of all files, each hard-link set once."""
    return sum(entry.size for entry in entries if not entry.same_as or entry.same_as == entry.path)


def shown(path: bytes) -> str:
    """A name for people: printable UTF-8 as it is, everything else escaped."""
    if not path:
        return "the store's root"
    text = path.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
