"""The store as a manifest: every entry with type, size, mode, owner, time and hash, names as bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import CommandFailed, UnexpectedOutput
from harness.hosts.command import Command
from harness.hosts.host import Reader
from harness.private import private
from harness.systems.printed import whole

LOST_AND_FOUND = b"lost+found"
_LISTING_FORMAT = r"%y\0%s\0%m\0%U\0%G\0%T@\0%C@\0%n\0%D:%i\0%P\0%l\0"
_FIELDS = 11
_GONE = b"No such file or directory"
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


Manifest = dict[bytes, Entry]


class Stamp(NamedTuple):
    """How a file stood when it was listed. Whoever changes its content moves the change time, which nobody can set."""

    size: int
    mtime: str
    ctime: str
    inode: str  # with the number of its device


class Listed(NamedTuple):
    """A tree as one pass of find showed it; ``stamps`` are those of its files."""

    entries: Manifest
    stamps: dict[bytes, Stamp]


def listing(host: Reader, root: str, timeout_s: float = 3600.0) -> Manifest:
    """Everything below ``root`` without contents: one pass of find, no hash, no extended attributes.

    A file system's own ``lost+found`` directly below the root is not part of the store.
    """
    return _entries(_records(host, root, live=False, timeout_s=timeout_s))


def look(host: Reader, root: str, live: bool = False, timeout_s: float = 3600.0) -> Listed:
    """As ``listing``, with the files' stamps; in a ``live`` tree an entry may go away while it is listed."""
    records = _records(host, root, live, timeout_s)
    stamps = {record[9]: _stamp(record) for record in records if record[0] == b"f"}
    return Listed(_entries(records), stamps)


def _records(host: Reader, root: str, live: bool, timeout_s: float) -> list[list[bytes]]:
    """The fields of each entry, in the order of their paths."""
    command = Command(("find", root, "-xdev", "-printf", _LISTING_FORMAT), timeout_s=timeout_s)
    result = host.ask(command)
    vanished = live and all(_GONE in line for line in result.stderr.splitlines())
    if not result.ok and not (vanished and result.stdout):
        raise CommandFailed(host.name, str(command), result)
    fields = result.stdout.split(b"\0")
    if len(fields) % _FIELDS != 1:
        raise UnexpectedOutput(f"{host.name}: the listing of {root} ends within an entry")
    records = [fields[at : at + _FIELDS] for at in range(0, len(fields) - 1, _FIELDS)]
    return sorted((one for one in records if not _is_lost_and_found(one[9])), key=lambda record: record[9])


def _stamp(record: list[bytes]) -> Stamp:
    if not _TIME.fullmatch(record[6]):
        raise UnexpectedOutput(f"find printed {record[6]!r} where a time belongs")
    return Stamp(whole(record[1], "find"), *(record[at].decode("ascii", "backslashreplace") for at in (5, 6, 8)))


def _entries(records: list[list[bytes]]) -> Manifest:
    first_path = _first_of_sets(records)
    return {record[9]: _entry(record, first_path) for record in records}


def _first_of_sets(records: list[list[bytes]]) -> dict[bytes, bytes]:
    """Inode to the first path of its hard-link set; other names of a file, outside the tree, are nothing to it."""
    sets: dict[bytes, list[bytes]] = {}
    for record in records:
        if record[0] == b"f" and record[7] != b"1":
            sets.setdefault(record[8], []).append(record[9])
    return {inode: min(paths) for inode, paths in sets.items() if len(paths) > 1}


def _is_lost_and_found(path: bytes) -> bool:
    return path == LOST_AND_FOUND or path.startswith(LOST_AND_FOUND + b"/")


def _entry(record: list[bytes], first_path: dict[bytes, bytes]) -> Entry:
    kind, size, mode, uid, gid, mtime, _ctime, _links, inode, path, target = record
    if not _TIME.fullmatch(mtime):
        raise UnexpectedOutput(f"find printed {mtime!r} where a time belongs")
    is_file = kind == b"f"
    return Entry(
        path=path,
        kind=_KINDS.get(kind, "other"),
        size=whole(size, "find") if is_file else 0,
        mode=whole(mode, "find", 8),
        uid=whole(uid, "find"),
        gid=whole(gid, "find"),
        mtime=mtime.decode(),
        target=target,
        same_as=first_path.get(inode, b"") if is_file else b"",
    )


def hash_command(root: str) -> Command:
    """Hash every file below ``root``; long work, run as a detached job."""
    return Command(("find", root, "-xdev", "-type", "f", "-exec", "sha256sum", "-b", "--", "{}", "+"))


def hash_some_command(root: str, paths: Iterable[bytes]) -> Command:
    """Hash these files below ``root``; as ``hash_command``, for the names on standard input."""
    prefix = root.encode("utf-8", "surrogateescape") + b"/"
    names = b"".join(prefix + path + b"\0" for path in paths)
    return Command(("xargs", "-0", "-r", "sha256sum", "-b", "--"), stdin=names)


def parse_hashes(output: bytes, root: str) -> dict[bytes, str]:
    """Path relative to ``root`` to sha256, from sha256sum's lines.

    GNU coreutils marks a name in which it wrote newline and backslash as escapes with a leading backslash.
    """
    prefix = root.encode("utf-8", "surrogateescape") + b"/"
    hashes = {}
    for line in output.split(b"\n"):
        if not line:
            continue
        escaped = line.startswith(b"\\")
        digest, _, name = (line[1:] if escaped else line).partition(b" *")
        if not _SHA256.fullmatch(digest) or not name.startswith(prefix):
            raise UnexpectedOutput(f"sha256sum printed {line!r}")
        hashes[(_unescape(name) if escaped else name)[len(prefix) :]] = digest.decode()
    return hashes


def _unescape(name: bytes) -> bytes:
    letters = {b"n": b"\n", b"r": b"\r", b"\\": b"\\"}
    return re.sub(rb"\\([nr\\])", lambda match: letters[match.group(1)], name)


def extended_attributes(host: Reader, root: str, timeout_s: float = 3600.0) -> dict[bytes, tuple[tuple[str, str], ...]]:
    """Extended attributes of everything below ``root`` that has any; empty where getfattr is not installed."""
    if not host.ask(Command(("which", "getfattr"))).ok:
        return {}
    command = ("getfattr", "-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", "--", root)
    result = host.ask(Command(command, timeout_s=timeout_s))
    if not result.ok and result.stderr.strip():
        raise CommandFailed(host.name, " ".join(command), result)
    return parse_extended_attributes(result.stdout, root)


def parse_extended_attributes(output: bytes, root: str) -> dict[bytes, tuple[tuple[str, str], ...]]:
    """getfattr's blocks: a line ``# file: NAME`` with octal escapes, then ``name=0xHEX`` lines, then a blank line."""
    prefix = root.encode("utf-8", "surrogateescape")
    found: dict[bytes, tuple[tuple[str, str], ...]] = {}
    for block in output.split(b"\n\n"):
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
            found[name[len(prefix) :].lstrip(b"/")] = kept
    return found


def complete(found: Manifest, hashes: dict[bytes, str], xattrs: dict[bytes, tuple[tuple[str, str], ...]]) -> Manifest:
    """A listing joined with hashes and extended attributes.

    Raises:
        UnexpectedOutput: when a file has no hash: it could not be read, or appeared in between.
    """
    joined = {}
    for path, entry in found.items():
        if entry.kind == "file" and path not in hashes:
            raise UnexpectedOutput(f"no hash for {shown(path)}: it could not be read, or it changed while being read")
        joined[path] = entry._replace(sha256=hashes.get(path, ""), xattrs=xattrs.get(path, ()))
    return joined


def differences(expected: Manifest, found: Manifest, by_listing: bool = False, copied: bool = False) -> list[str]:
    """What distinguishes two manifests, a sentence each; ``by_listing`` leaves hashes and extended attributes aside.

    In a tree that was ``copied`` a time may have lost its fraction of a second: rsync before 3.1 does not carry it, and
    ext3 of old kernels does not hold it. Such a time stands on a whole second; any other difference is one.
    The root's own modification time is not compared: making ``lost+found`` or mounting changes it.
    """
    said = []
    for path in sorted(expected.keys() | found.keys()):
        want, have = expected.get(path), found.get(path)
        if want is None:
            said.append(f"{shown(path)} is extra")
        elif have is None:
            said.append(f"{shown(path)} is missing")
        else:
            said.extend(f"{shown(path)}: {what}" for what in _unlike(want, have, by_listing, copied))
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


def differing_files(expected: Manifest, found: Manifest) -> list[bytes]:
    """Paths of files that are there on both sides with other content."""
    return [
        path
        for path, want in expected.items()
        if want.kind == "file" and path in found and found[path].sha256 != want.sha256
    ]


def changed_since(before: Manifest, now: Manifest) -> Manifest:
    """The entries, directories aside, that are not the same in an earlier listing."""
    return {
        path: entry
        for path, entry in now.items()
        if entry.kind != "directory"
        and (path not in before or any(_unlike(before[path], entry, by_listing=True, copied=True)))
    }


def total_bytes(manifest: Manifest) -> int:
    """Bytes of all files, each hard-link set once."""
    return sum(entry.size for path, entry in manifest.items() if not entry.same_as or entry.same_as == path)


def shown(path: bytes) -> str:
    """A name for people: printable UTF-8 as it is, everything else escaped."""
    if not path:
        return "the store's root"
    text = path.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def digest(manifest: Manifest) -> str:
    """One hash over the whole manifest."""
    summed = hashlib.sha256()
    for line in lines(manifest.values()):
        summed.update(line)
    return summed.hexdigest()


def lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The entries as they are saved, each a line."""
    for entry in entries:
        plain = [base64.b64encode(value).decode() if isinstance(value, bytes) else value for value in entry]
        yield json.dumps(plain, separators=(",", ":")).encode() + b"\n"


def save(manifest: Manifest, path: Path) -> None:
    """Write a manifest, an entry a line, for its owner only."""
    with open(path, "wb", opener=private) as file:
        file.writelines(lines(manifest.values()))


def load(path: Path) -> Manifest:
    """Read what ``save`` wrote.

    Raises:
        UnexpectedOutput: when it wrote something else.
    """
    manifest = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            entry = _loaded(json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:
            raise UnexpectedOutput(f"{path}:{number}: no entry of a manifest: {error!s:.200}") from error
        manifest[entry.path] = entry
    return manifest


def _loaded(fields: list[Any]) -> Entry:
    """An entry from its line."""
    name, kind, size, mode, uid, gid, mtime, target, same_as, sha256, xattrs = fields
    path, target, same_as = (base64.b64decode(text, validate=True) for text in (name, target, same_as))
    pairs = tuple((key, value) for key, value in xattrs)
    words, numbers = (kind, mtime, sha256, *(word for pair in pairs for word in pair)), (size, mode, uid, gid)
    if not all(type(word) is str for word in words) or not all(type(number) is int for number in numbers):
        raise TypeError("a field is of another kind")
    return Entry(path, kind, size, mode, uid, gid, mtime, target, same_as, sha256, pairs)
