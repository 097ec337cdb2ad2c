"""cp of coreutils in the forms that are sent: one file with -p, trees with -R --preserve, and all of one with -a -x.

``--preserve`` without a list means mode, ownership and timestamps: a second name of a file becomes a file of its own,
and extended attributes stay behind. ``-a`` keeps both. Nothing is flushed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Generator

from fakes.content import prefix
from fakes.filesystem import Stat
from fakes.machine import Machine
from fakes.memory import MemoryFilesystem
from fakes.pace import Pace
from fakes.program import Call, Program, Reply, Slow, UnsupportedInvocation
from fakes.programs.copying import LOOKS_TO_MAKE
from fakes.programs.gnu import complaints, fails, memory, not_modelled, operands, quoted, reason, simulated, status_of

_BYTES_PER_S = 200 * 1024**2
_TREE = ("-R", "--preserve")
_ALL = ("-a", "-x", "--")
_OWN_BLOCKS = "--reflink=never"
_AT = 3  # where it stands in a copy
_UNKNOWN = """\
cp: invalid argument `never' for `--reflink'
Valid arguments are:
  - `auto'
  - `always'
Try `cp --help' for more information."""  # coreutils 8.4
_VERSION = """\
cp (GNU coreutils) 9.1
Copyright (C) 2022 Free Software Foundation, Inc.
License GPLv3+: GNU GPL version 3 or later <https://gnu.org/licenses/gpl.html>.
This is free software: you are free to change and redistribute it.
There is NO WARRANTY, to the extent permitted by law.

Written by Torbjorn Granlund, David MacKenzie, and Jim Meyering.
"""


def cp(call: Call, machine: Machine) -> Reply | Slow:
    """``cp -p -- FILE NEW``, ``cp -R --preserve SOURCE... DESTINATION``, ``cp -a -x -- SOURCE/. DESTINATION/``.

    The last with ``--reflink=never`` before its ``--``, which alone is known together with ``--version``: in memory
    every file has blocks of its own.
    """
    if _OWN_BLOCKS in call.argv:
        if f"cp {_OWN_BLOCKS}" in simulated(machine).missing_programs:
            return fails(_UNKNOWN)
        if call.argv[1:] == (_OWN_BLOCKS, "--version"):
            return Reply(0, _VERSION.encode())
    argv = tuple(word for at, word in enumerate(call.argv) if (at, word) != (_AT, _OWN_BLOCKS))
    if argv[1:4] == _ALL:
        names = argv[4:]
        if len(names) != 2 or not (names[0].endswith("/.") and names[1].endswith("/")):
            raise not_modelled(call)
        pace = simulated(machine).simulation.pace
        return _everything(names[0][:-2], names[1].rstrip("/"), memory(machine), pace)
    if call.argv[1:3] == _TREE:
        names = call.argv[3:]
        if len(names) < 2 or any(not name.startswith("/") for name in names):
            raise not_modelled(call)
        return _trees(names[:-1], names[-1], memory(machine))
    names = operands(call, ("-p",))
    if len(names) != 2:
        raise not_modelled(call)
    return _file(call, names[0], names[1], machine)


def _file(call: Call, old: str, new: str, machine: Machine) -> Reply:
    """One file: content, mode, owner and time."""
    files = memory(machine)
    try:
        source = files.stat(files.resolve(old))
    except OSError as error:
        return fails(f"cp: cannot stat {quoted(old)}: {reason(error)}")
    target = status_of(machine, new)
    if source.kind != "file" or (target and target.kind == "directory"):
        raise not_modelled(call)
    try:
        files.put_content(new, files.content(old))
    except OSError as error:
        return fails(f"cp: cannot create regular file {quoted(new)}: {reason(error)}")
    _preserve(files, files.resolve(new), source)
    return Reply()


def _trees(sources: tuple[str, ...], destination: str, files: MemoryFilesystem) -> Slow:
    """Each source into the destination where that is a directory; a single one becomes the destination otherwise."""
    said: list[str] = []
    inside = _is_directory(files, destination)
    if len(sources) > 1 and not inside:
        exists = files.exists(destination.rstrip("/"))
        why = "Not a directory" if exists else "No such file or directory"
        return fails(f"cp: target {quoted(destination)}: {why}")
    for source in sources:
        if not files.exists(source.rstrip("/")):
            said.append(f"cp: cannot stat {quoted(source)}: No such file or directory")
            continue
        target = destination.rstrip("/")
        if inside:
            target += "/" + posixpath.basename(source.rstrip("/"))
        yield from _tree(source.rstrip("/"), target, files, said)
    return complaints(said)


def _is_directory(files: MemoryFilesystem, path: str) -> bool:
    try:
        return files.stat(files.resolve(path.rstrip("/"))).kind == "directory"
    except OSError:
        return False


def _tree(source: str, target: str, files: MemoryFilesystem, said: list[str]) -> Slow:
    """One source with all that is below it; directories get their times when they are filled."""
    if f"{target}/".startswith(f"{source}/"):
        raise UnsupportedInvocation("copying a directory into itself")
    entries = files.scan(source, one_volume=False)
    for path, status in entries:
        new = target + path[len(source) :]
        if status.kind == "file":
            yield status.size / _BYTES_PER_S
        try:
            _entry(path, new, status, files, said)
        except OSError as error:
            said.append(_cannot_create(status.kind, new, error))
    for path, status in reversed(entries):
        new = target + path[len(source) :]
        if status.kind == "directory" and files.exists(new):
            _preserve(files, new, status)
    return Reply()


def _everything(source: str, target: str, files: MemoryFilesystem, pace: Pace) -> Slow:
    """Over what is in a directory: one file system, second names as such, extended attributes."""
    if not files.exists(source) or not _is_directory(files, target):
        raise UnsupportedInvocation("copying all of what is not there, or to where no directory is")
    source = files.resolve(source)  # of ``SOURCE/.`` it is what SOURCE points to
    said: list[str] = []
    first: dict[int, str] = {}  # names of files that were copied whole
    unmade: tuple[str, ...] = ()  # directories of which nothing is looked at
    entries = files.scan(source, one_volume=True)
    for path, status in entries:
        new = target + path[len(source) :]
        if new.startswith(unmade):
            continue
        if status.kind == "file":
            if files.exists(new) and (status.inode in first or files.stat(new).links > 1):
                files.unlink(new)
            if status.inode in first:
                files.link(first[status.inode], new)
                continue
            yield from _growing(path, new, status.size, files, pace)
        if status.kind == "symlink" and files.exists(new) and files.stat(new).kind == "directory":
            said.append(f"cp: cannot overwrite directory {quoted(new)} with non-directory")
            continue
        before = len(said)
        try:
            _entry(path, new, status, files, said)
            files.put_xattrs(new, files.xattrs(path))
        except OSError as error:
            said.append(_cannot_create(status.kind, new, error))
        if status.kind == "file" and len(said) == before:
            first[status.inode] = new
        if status.kind == "directory" and not files.exists(new):
            unmade = (*unmade, f"{new}/")
    for path, status in reversed(entries):
        if status.kind == "directory" and files.exists(target + path[len(source) :]):
            _preserve(files, target + path[len(source) :], status)
    return complaints(said)


def _cannot_create(kind: str, new: str, error: OSError) -> str:
    what = {"directory": "directory", "symlink": "symbolic link"}.get(kind, "regular file")
    return f"cp: cannot create {what} {quoted(new)}: {reason(error)}"


def _growing(path: str, new: str, size: int, files: MemoryFilesystem, pace: Pace) -> Generator[float, None, None]:
    """The time that a file takes, in which more and more of it lies there; what hinders it is told at its end."""
    done = 0
    try:
        content = files.content(path)
        if pace.entry_s:
            yield LOOKS_TO_MAKE * pace.entry_s
        for upto in pace.pieces(size, pace.copy_bytes_per_s):
            yield (upto - done) / pace.copy_bytes_per_s
            files.put_content(new, prefix(content, upto), 0o600)
            done = upto
    except OSError:
        return


def _entry(path: str, new: str, status: Stat, files: MemoryFilesystem, said: list[str]) -> None:
    present = files.stat(new) if files.exists(new) else None
    if present and present.kind != status.kind:
        raise UnsupportedInvocation(f"copying a {status.kind} over a {present.kind}")
    match status.kind:
        case "directory":
            if present is None:
                files.mkdir(new, 0o700)
        case "symlink":
            if present is not None:
                files.unlink(new)
            files.symlink(files.readlink(path), new)
            files.chown(new, status.uid, status.gid)
            files.utime(new, status.mtime_ns)
        case "file":
            if _content(path, new, files, said):
                _preserve(files, new, status)
        case _:
            raise UnsupportedInvocation(f"copying a {status.kind}")


def _content(path: str, new: str, files: MemoryFilesystem, said: list[str]) -> bool:
    """Write the content into the file of that name, whoever shares it; False when it was not read or not held."""
    try:
        content = files.content(path)
    except OSError as error:
        files.put_content(new, b"", 0o600)
        said.append(f"cp: error reading {quoted(path)}: {reason(error)}")
        return False
    files.put_content(new, b"", 0o600)
    try:
        files.put_content(new, content)
    except OSError as error:
        said.append(f"cp: error writing {quoted(new)}: {reason(error)}")
        return False
    return True


def _preserve(files: MemoryFilesystem, new: str, status: Stat) -> None:
    """Owner before mode: giving a file away takes its set-id bits."""
    files.chown(new, status.uid, status.gid)
    files.chmod(new, status.mode)
    files.utime(new, status.mtime_ns)


PROGRAMS: dict[str, Program] = {"cp": cp}
