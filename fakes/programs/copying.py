"""What rsync does to files: one copy of a tree on one host.

Archive mode with hard links and extended attributes, deletion while it goes along, a temporary name for each file
until it is whole. Time passes for each piece of a file, so that a power cut or a kill in between leaves what a real one
leaves: files before the present one complete, the present one under its temporary name, directories without their
times.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Generator
from dataclasses import dataclass, field

from fakes.content import Blob, Content, prefix, size_of
from fakes.filesystem import Stat
from fakes.memory import MemoryFilesystem
from fakes.pace import Pace
from fakes.program import Reply, Slow
from fakes.programs.gnu import reason
from fakes.programs.tally import KINDS, Counts

_LOOK_S = 1e-5  # at each entry, where find takes no time at one
LOOKS_TO_MAKE = 12  # assumed: what a file's temporary name, owner, mode, times and renaming take, in looks of find
_LONGEST_NAME_BYTES = 255 - 8  # what is left of it beside a temporary name's own letters
_FAILED, _VANISHED = 23, 24
_ENDINGS = {
    _FAILED: "rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1338)",
    _VANISHED: "rsync warning: some files vanished before they could be transferred (code 24) at main.c(1338)",
}
_MODE_OF_A_NEW_ONE = {"file": 0o644, "directory": 0o755}  # under the umask of root, without -p
_CALLS = {
    "directory": "[generator] recv_generator: mkdir",
    "symlink": "[generator] symlink",
    "file": "[receiver] mkstemp",
    "other": "[generator] mknod",
}

Steps = Generator[float, None, None]


@dataclass(frozen=True)
class Options:
    """What a call asks for."""

    source: str
    destination: str
    excluded: str  # name at the top of the tree that is neither copied nor deleted; empty for none
    bytes_per_s: float
    by_content: bool
    letters: frozenset[str] = frozenset("lptgoDHAXSx")  # what archive mode and its companions keep, -r aside
    deletes: bool = True
    names: frozenset[str] | None = None  # copied whatever their times say, and nothing else; None: everything
    base: str = ""  # what is equal there is linked to instead of copied; empty for none
    pace: Pace = field(default_factory=Pace)


class _OutOfSpace(Exception):
    """Writing a file failed: the receiver gives up."""


class Copy:
    """One run of rsync."""

    def __init__(self, wanted: Options, files: MemoryFilesystem) -> None:
        self._wanted = wanted
        self._files = files
        self._counts = Counts()
        self._said: list[str] = []
        self._status = 0
        self._names: set[str] = set()  # paths below the source
        self._first: dict[int, str] = {}  # inode of the source to the first of its names
        self._lost: list[str] = []  # directories that could not be made
        self._xattrs: dict[str, dict[str, bytes]] = {}  # of the source, as they were when it was listed

    def run(self) -> Slow:
        """Copy as time passes; the answer is rsync's."""
        try:
            entries = self._listed()
        except OSError as error:
            self._fail(f'rsync: [sender] change_dir "{self._wanted.source}" failed', error)
            return self._ended()
        yield len(entries) * max(_LOOK_S, self._wanted.pace.entry_s)
        try:
            self._make_destination()
            for below, status in entries:
                yield from self._entry(below, status)
        except _OutOfSpace as ended:
            return self._gave_up(str(ended))
        for below, status in reversed(entries):
            if status.kind == "directory" and not self._is_lost(below):
                self._set_time(self._target(below), status)
        return self._ended()

    def _listed(self) -> list[tuple[str, Stat]]:
        """The source's entries by their path below it, parents first; on its own file system."""
        source, excluded = self._wanted.source, self._wanted.excluded
        start = len(source) + 1
        scanned = [(path[start:], status) for path, status in self._files.scan(source, one_volume=True)]
        listed = [entry for entry in scanned if not excluded or entry[0].split("/", 1)[0] != excluded]
        if self._wanted.names is not None:
            listed = self._named(listed, self._wanted.names)
        for _, status in listed:
            self._counts.files[KINDS[status.kind]] += 1
            self._counts.total_bytes += status.size if status.kind in ("file", "symlink") else 0
        self._names = {below for below, _ in listed}
        if self._keeps("X"):
            self._xattrs = {below: self._files.xattrs(self._source(below)) for below in self._names}
        return sorted(listed, key=_files_first)

    def _named(self, listed: list[tuple[str, Stat]], names: frozenset[str]) -> list[tuple[str, Stat]]:
        """The entries that were asked for, and the directories that lead to them."""
        for absent in sorted(names - {below for below, _ in listed}):
            error = OSError(errno.ENOENT, os.strerror(errno.ENOENT))
            self._fail(f'rsync: [sender] link_stat "{self._source(absent)}" failed', error)
        parts = {name: name.split("/") for name in names}
        parents = {"/".join(some[:depth]) for some in parts.values() for depth in range(len(some))}
        return [entry for entry in listed if entry[0] in names or entry[0] in parents]

    def _make_destination(self) -> None:
        destination = self._wanted.destination
        if self._files.exists(destination):
            return
        try:
            self._files.mkdir(destination, 0o700)
        except OSError as error:
            raise _OutOfSpace(f'rsync: [Receiver] mkdir "{destination}" failed: {_told(error)}') from None
        self._counts.created["dir"] += 1

    def _entry(self, below: str, status: Stat) -> Steps:
        if self._is_lost(below):
            return
        target = self._target(below)
        try:
            present = self._present(target, status)
            if present is None:
                self._counts.created[KINDS[status.kind]] += 1
            if status.kind == "file":
                yield from self._file(below, target, status, present)
            else:
                self._plain(below, target, status, present)
        except OSError as error:
            if error.errno == errno.ENOENT and not self._files.exists(self._source(below)):
                self._vanished(self._source(below))
                return
            name = temporary_name(target) if status.kind == "file" else target
            self._fail(f'rsync: {_CALLS[status.kind]} "{name}" failed', error)
            if status.kind == "directory":
                self._said.append("*** Skipping any contents from this failed directory ***")
                self._lost.append(below + "/")

    def _plain(self, below: str, target: str, status: Stat, present: Stat | None) -> None:
        """An entry without content."""
        if status.kind == "directory":
            self._directory(below, target, status, present)
            return
        if status.kind == "symlink":
            if not self._keeps("l"):
                self._said.append(f'skipping non-regular file "{below}"')
                return
            self._symlink(below, target, present)
        elif present is None:
            self._files.make_node(target)
        self._set_owner_and_mode(below, target, status)
        self._set_time(target, status)

    def _keeps(self, letter: str) -> bool:
        return letter in self._wanted.letters

    def _is_lost(self, below: str) -> bool:
        return any(f"{below}/".startswith(directory) for directory in self._lost)

    def _source(self, below: str) -> str:
        return f"{self._wanted.source}/{below}" if below else self._wanted.source

    def _target(self, below: str) -> str:
        return f"{self._wanted.destination}/{below}" if below else self._wanted.destination

    def _present(self, target: str, wanted: Stat) -> Stat | None:
        """What is at the target already, unless it is of another kind: then it goes first."""
        if not self._files.exists(target):
            return None
        found = self._files.stat(target)
        if found.kind == wanted.kind:
            return found
        self._delete(target)
        return None

    def _delete_extraneous(self, target: str) -> None:
        for _, status in self._delete(target):
            self._counts.deleted[KINDS[status.kind]] += 1

    def _delete(self, target: str) -> list[tuple[str, Stat]]:
        found = self._files.scan(target, one_volume=True)
        for path, status in reversed(found):
            if status.kind == "directory":
                self._files.rmdir(path)
            else:
                self._files.unlink(path)
        return found

    # Kinds of entries

    def _directory(self, below: str, target: str, status: Stat, present: Stat | None) -> None:
        if present is None and below:
            self._files.mkdir(target, 0o700)
        self._set_owner_and_mode(below, target, status)
        for name in self._files.listdir(target) if present and self._wanted.deletes else []:
            inside = f"{below}/{name}" if below else name
            if inside not in self._names and (below or name != self._wanted.excluded):
                self._delete_extraneous(f"{target}/{name}")

    def _symlink(self, below: str, target: str, present: Stat | None) -> None:
        wanted = self._files.readlink(self._source(below))
        if present and self._files.readlink(target) != wanted:
            self._files.unlink(target)
            present = None
        if present is None:
            self._files.symlink(wanted, target)

    def _file(self, below: str, target: str, status: Stat, present: Stat | None) -> Steps:
        if status.links > 1 and self._keeps("H") and self._first.setdefault(status.inode, below) != below:
            self._hard_link(target, self._target(self._first[status.inode]))
            return
        if present and (yield from self._is_same(below, target, status, present)):
            self._set_owner_and_mode(below, target, status)
            self._set_time(target, status)
            return
        if present is None and (yield from self._link_to_base(below, target, status)):
            return
        self._counts.transferred += 1
        try:
            content = self._files.content(self._source(below))
        except OSError as error:
            self._unreadable(below, target, status, error)
            return
        yield from self._transfer(below, target, status, content)

    def _link_to_base(self, below: str, target: str, status: Stat) -> Generator[float, None, bool]:
        """A file of the base that is equal in content, as far as is looked, and in every attribute that is kept."""
        base = f"{self._wanted.base}/{below}"
        if not self._wanted.base or not self._files.exists(base):
            return False
        found = self._files.stat(base)
        if found.kind != "file" or not (yield from self._is_same(below, base, status, found)):
            return False
        alike = (found.mode, found.uid, found.gid) == (status.mode, status.uid, status.gid)
        if not alike or self._files.xattrs(base) != self._files.xattrs(self._source(below)):
            return False
        if _seconds(found) != _seconds(status):
            return False
        self._files.link(base, target)
        return True

    def _hard_link(self, target: str, first: str) -> None:
        if self._files.exists(target):
            if self._files.stat(target).inode == self._files.stat(first).inode:
                return
            self._files.unlink(target)
        self._files.link(first, target)

    def _is_same(self, below: str, target: str, status: Stat, present: Stat) -> Generator[float, None, bool]:
        """Nothing needs to be transferred: equal size and time in whole seconds, or equal content."""
        if present.size != status.size:
            return False
        if self._wanted.names is not None:
            return False
        if not self._wanted.by_content:
            return _seconds(present) == _seconds(status)
        yield (present.size + status.size) / self._wanted.pace.read_bytes_per_s
        return self._files.sha256(self._source(below)) == self._files.sha256(target)

    def _transfer(self, below: str, target: str, status: Stat, content: Content) -> Steps:
        """Write the content under a temporary name, piece by piece, and rename it when it is whole."""
        temporary, done = temporary_name(target), 0
        self._counts.literal_bytes += size_of(content)
        if self._wanted.pace.entry_s:
            yield LOOKS_TO_MAKE * self._wanted.pace.entry_s
        self._files.put_content(temporary, b"", 0o600)
        for upto in self._wanted.pace.pieces(size_of(content), self._wanted.bytes_per_s):
            self._write(below, target, status, prefix(content, upto))
            self._files.received[self._wanted.destination] += upto - done
            yield (upto - done) / self._wanted.bytes_per_s
            done = upto
        self._put_in_place(below, target, status, status.mtime_ns)

    def _write(self, below: str, target: str, status: Stat, content: Content) -> None:
        """As much of the content as there is room for.

        Raises:
            _OutOfSpace: what there was room for is kept under the file's own name, with a time that no quick check
                believes (--partial).
        """
        temporary = temporary_name(target)
        try:
            self._files.put_content(temporary, content)
        except OSError as error:
            room = self._files.stat(temporary).size + self._files.usage(temporary).free_bytes
            self._files.put_content(temporary, prefix(content, room))
            self._put_in_place(below, target, status, _disbelieved(status))
            raise _OutOfSpace(f'rsync: [receiver] write failed on "{target}": {_told(error)}') from None

    def _put_in_place(self, below: str, target: str, status: Stat, mtime_ns: int) -> None:
        temporary = temporary_name(target)
        self._set_owner_and_mode(below, temporary, status)
        if self._keeps("t"):
            self._files.utime(temporary, mtime_ns)
        self._files.rename(temporary, target)

    def _unreadable(self, below: str, target: str, status: Stat, error: OSError) -> None:
        """The sender could not read it. After an input error, filler arrives, fails its checksum and is kept."""
        source = self._source(below)
        if error.errno == errno.ENOENT:
            self._vanished(source)
            return
        self._fail(f'rsync: [sender] read errors mapping "{source}"', error)
        self._said.append(f"ERROR: {below} failed verification -- update retained.")
        self._files.put_content(temporary_name(target), Blob("filler", status.size), 0o600)
        self._put_in_place(below, target, status, _disbelieved(status))

    def _vanished(self, source: str) -> None:
        self._said.append(f'file has vanished: "{source}"')
        self._status = self._status or _VANISHED

    # Attributes

    def _set_owner_and_mode(self, below: str, target: str, status: Stat) -> None:
        """Extended attributes too; a change of owner comes first, for it takes set-id bits away."""
        present = self._files.stat(target)
        uid = status.uid if self._keeps("o") else present.uid
        gid = status.gid if self._keeps("g") else present.gid
        if (present.uid, present.gid) != (uid, gid):
            self._files.chown(target, uid, gid)
        mode = status.mode if self._keeps("p") else _MODE_OF_A_NEW_ONE.get(status.kind, status.mode)
        if status.kind != "symlink" and self._files.stat(target).mode != mode:
            self._files.chmod(target, mode)
        wanted = self._xattrs.get(below, {})
        if self._keeps("X") and self._files.xattrs(target) != wanted:
            self._files.put_xattrs(target, wanted)

    def _set_time(self, target: str, status: Stat) -> None:
        if self._keeps("t") and _seconds(self._files.stat(target)) != _seconds(status):
            self._files.utime(target, status.mtime_ns)

    # Endings

    def _fail(self, what: str, error: OSError) -> None:
        self._said.append(f"{what}: {_told(error)}")
        self._status = _FAILED

    def _ended(self) -> Reply:
        if self._status:
            self._said.append(f"{_ENDINGS[self._status]} [sender=3.2.7]")
        return Reply(self._status, self._counts.text(), _lines(self._said))

    def _gave_up(self, why: str) -> Reply:
        ending = "rsync error: error in file IO (code 11) at receiver.c(380) [receiver=3.2.7]"
        return Reply(11, b"", _lines([*self._said, why, ending]))


def _files_first(entry: tuple[str, Stat]) -> list[tuple[bool, bytes]]:
    """rsync's order: in each directory what is none, then the directories with all that is in them."""
    names = os.fsencode(entry[0]).split(b"/")
    return [*((True, name) for name in names[:-1]), (entry[1].kind == "directory", names[-1])]


def temporary_name(target: str) -> str:
    """The name of a file that is not whole yet: hidden, six letters at its end, no longer than a name can be."""
    directory, _, name = target.rpartition("/")
    letters = hashlib.sha256(os.fsencode(target)).hexdigest()[:6]
    shortened = os.fsdecode(os.fsencode(name)[:_LONGEST_NAME_BYTES])
    return f"{directory}/.{shortened}.{letters}"


def _seconds(status: Stat) -> int:
    return status.mtime_ns // 10**9


def _disbelieved(status: Stat) -> int:
    """The time of a file that is kept although it is not whole: the epoch, with the source's nanoseconds."""
    return status.mtime_ns % 10**9


def _told(error: OSError) -> str:
    return f"{reason(error)} ({error.errno})"


def _lines(said: list[str]) -> bytes:
    return b"".join(os.fsencode(line) + b"\n" for line in said)
