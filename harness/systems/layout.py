"""The layout of a directory tree as one pass of find shows it: counted, with every name forgotten at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationError

from harness.errors import CommandFailed, UnexpectedOutput
from harness.hosts.command import Command
from harness.hosts.host import Reader
from harness.layout import Depth, Layout, OddName, SizeClass, size_class
from harness.systems import store
from harness.systems.printed import whole

_FORMAT = r"%y\0%s\0%b\0%m\0%U\0%n\0%D:%i\0%P\0"
_FIELDS = 8
_BLOCK_BYTES = 512  # in which find counts
_LONG_BYTES = 200
_MOST_MODES = 64  # kinds of them that are told apart
_PLAIN = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")  # nothing of this is odd, and nearly all names are so
_SHELL = re.compile(rb"[\"'`$*?\[\]{}()|&;<>!#~%]")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_GONE = b"No such file or directory"


def odd_name(name: bytes, at_top: bool) -> OddName | None:
    """What is odd in a name, the worst first; None for one as Walrus makes them."""
    if _PLAIN.fullmatch(name):
        return None
    return next((kind for kind, so in _ODD.items() if so(name, at_top)), None)


_ODD: dict[OddName, Callable[[bytes, bool], object]] = {
    "dot-at-top": lambda name, at_top: at_top and name.startswith(b"."),
    "control": lambda name, _: _CONTROL.search(name),
    "not-utf8": lambda name, _: name.decode("utf-8", "ignore").encode() != name,
    "dash": lambda name, _: name.startswith(b"-"),
    "backslash": lambda name, _: b"\\" in name,
    "blank": lambda name, _: name != name.strip(b" "),
    "shell": lambda name, _: _SHELL.search(name),
    "long": lambda name, _: len(name) > _LONG_BYTES,
    "beyond-ascii": lambda name, _: not name.isascii(),
    "dot": lambda name, _: name.startswith(b"."),
}


def layout(host: Reader, root: str, timeout_s: float = 3600.0) -> Layout:
    """The layout of everything below ``root``; what clients delete meanwhile is not counted. READ commands only."""
    command = Command(("find", root, "-xdev", "-printf", _FORMAT), timeout_s=timeout_s)
    result = host.ask(command)
    vanished = all(_GONE in line for line in result.stderr.splitlines())
    if not result.ok and not (vanished and result.stdout):
        raise CommandFailed(host.name, str(command), result)
    fields = result.stdout.split(b"\0")
    if len(fields) % _FIELDS != 1:
        raise UnexpectedOutput(f"{host.name}: the layout of {root} ends within an entry")
    counted = _Counted()
    for at in range(0, len(fields) - 1, _FIELDS):
        counted.add(fields[at : at + _FIELDS])
    with_xattrs = _with_xattrs(host, root, timeout_s)
    try:
        return counted.layout(with_xattrs)
    except ValidationError as odd:
        what = odd.errors(include_url=False, include_input=False)[0]["msg"]
        raise UnexpectedOutput(f"{host.name}: what find printed of {root} is no store's layout: {what}") from None


def _with_xattrs(host: Reader, root: str, timeout_s: float) -> int | None:
    """How many entries have extended attributes; None where that cannot be seen."""
    if not host.ask(Command(("which", "getfattr"))).ok:
        return None
    try:
        return sum(1 for path in store.extended_attributes(host, root, timeout_s=timeout_s) if path)
    except CommandFailed:
        return None  # an object went away under it


@dataclass
class _Counted:
    """What was seen so far."""

    owner: bytes = b""  # of the root
    depths: dict[int, Counter[str]] = field(default_factory=dict)
    sizes: dict[int, list[int]] = field(default_factory=dict)  # by class: files and bytes
    linked: Counter[bytes] = field(default_factory=Counter)  # names by inode, of files that have several
    odd: Counter[OddName] = field(default_factory=Counter)
    file_modes: Counter[str] = field(default_factory=Counter)
    directory_modes: Counter[str] = field(default_factory=Counter)
    children: Counter[int] = field(default_factory=Counter)  # by the hash of the parent's name
    subdirectories: Counter[int] = field(default_factory=Counter)
    sparse: int = 0
    hole_bytes: int = 0
    foreign: int = 0
    others: int = 0

    def add(self, record: list[bytes]) -> None:
        kind, size, blocks, mode, uid, links, inode, path = record
        if not path:
            self.owner = uid
            return
        if path == store.LOST_AND_FOUND or path.startswith(store.LOST_AND_FOUND + b"/"):
            return
        parent, _, name = path.rpartition(b"/")
        depth = self.depths.setdefault(path.count(b"/") + 1, Counter())
        self.children[hash(parent)] += 1
        self.foreign += uid != self.owner
        if found := odd_name(name, not parent):
            self.odd[found] += 1
        if kind == b"d":
            depth["directories"] += 1
            self.subdirectories[hash(parent)] += 1
            self.directory_modes[_mode(mode)] += 1
        elif kind == b"l":
            depth["symlinks"] += 1
        elif kind == b"f":
            depth["files"] += 1
            self._file(whole(size, "find"), whole(blocks, "find"), _mode(mode), inode if links != b"1" else b"")
        else:
            self.others += 1

    def _file(self, size: int, blocks: int, mode: str, inode: bytes) -> None:
        if inode:
            self.linked[inode] += 1
            if self.linked[inode] > 1:
                return
        self.file_modes[mode] += 1
        of_class = self.sizes.setdefault(size_class(size), [0, 0])
        of_class[0] += 1
        of_class[1] += size
        if blocks * _BLOCK_BYTES < size:
            self.sparse += 1
            self.hole_bytes += size - blocks * _BLOCK_BYTES

    def layout(self, with_xattrs: int | None) -> Layout:
        sets = [count for count in self.linked.values() if count > 1]
        return Layout(
            depths=[Depth(**self.depths.get(at, Counter())) for at in range(1, max(self.depths, default=0) + 1)],
            sizes=[SizeClass(below=at, files=files, bytes=size) for at, (files, size) in sorted(self.sizes.items())],
            hard_link_sets=len(sets),
            hard_link_names=sum(sets),
            sparse_files=self.sparse,
            hole_bytes=self.hole_bytes,
            with_xattrs=with_xattrs,
            odd_names=dict(sorted(self.odd.items())),
            file_modes=dict(sorted(self.file_modes.most_common(_MOST_MODES))),
            directory_modes=dict(sorted(self.directory_modes.most_common(_MOST_MODES))),
            foreign_owner=self.foreign,
            others=self.others,
            fullest_directory=max(self.children.values(), default=0),
            most_subdirectories=max(self.subdirectories.values(), default=0),
        )


def _mode(printed: bytes) -> str:
    return f"{whole(printed, 'find', 8):04o}"
