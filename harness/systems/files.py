"""Plain files and directories on a host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.errors import CommandFailed, UnexpectedOutput
from harness.hosts.command import Command, Effect
from harness.hosts.host import Host, Reader
from harness.systems.printed import lines, whole

_STAT = "%F|%a|%u|%g|%s|%d"
BACKUP_SUFFIX = ".before-walrus-ha"

_KINDS = {
    "regular file": "file",
    "regular empty file": "file",
    "directory": "directory",
    "symbolic link": "symlink",
    "block special file": "block device",
}


@dataclass(frozen=True)
class FileStat:
    """As lstat(2) tells, links not followed."""

    kind: str  # file, directory, symlink, block device, other
    mode: int
    uid: int
    gid: int
    size: int
    device: int


def stat(host: Reader, path: str) -> FileStat | None:
    """The path's status, None where nothing is there."""
    result = host.ask(Command(("stat", "-c", _STAT, "--", path)))
    if not result.ok:
        if b"No such file or directory" in result.stderr:
            return None
        raise CommandFailed(host.name, f"stat {path}", result)
    return _parsed(f"{host.name}: stat {path}", result.text.rstrip("\n"))


def stats(host: Reader, paths: Sequence[str]) -> list[FileStat | None]:
    """As ``stat``, of several paths at once, none of which holds a line break."""
    command = Command(("stat", "-c", f"{_STAT}|%n", "--", *paths))
    result = host.ask(command)
    if any(b"No such file or directory" not in line for line in result.stderr.splitlines()):
        raise CommandFailed(host.name, str(command), result)
    told = [line.split("|", 6) for line in lines(result.text)]
    found = {fields[-1]: _parsed(f"{host.name}: {command}", "|".join(fields[:-1])) for fields in told}
    if result.ok != (set(found) == set(paths)) or not set(found) <= set(paths):
        raise UnexpectedOutput(f"{host.name}: {command} printed {result.text!r}")
    return [found.get(path) for path in paths]


def _parsed(who: str, line: str) -> FileStat:
    fields = line.split("|")
    if len(fields) != 6:
        raise UnexpectedOutput(f"{who} printed {line!r}")
    uid, gid, size, device = (whole(field, who) for field in fields[2:])
    return FileStat(_KINDS.get(fields[0], "other"), whole(fields[1], who, 8), uid, gid, size, device)


def now_s(host: Reader) -> int:
    """The host's own clock, by which its files are stamped."""
    return whole(host.read(Command(("date", "+%s"))).text.strip(), f"{host.name}: date")


def read(host: Reader, path: str) -> str | None:
    """A small text file's content, None where there is none."""
    result = host.ask(Command(("cat", path)))
    if not result.ok:
        if b"No such file or directory" in result.stderr:
            return None
        raise CommandFailed(host.name, f"cat {path}", result)
    return result.text


def children(host: Reader, path: str) -> list[bytes]:
    """Names directly below a directory, in byte order; an absent directory has none."""
    command = Command(("find", path, "-mindepth", "1", "-maxdepth", "1", "-printf", r"%y\0%P\0"))
    result = host.ask(command)
    if not result.ok:
        if not result.stdout and b"No such file or directory" in result.stderr:
            return []
        raise CommandFailed(host.name, str(command), result)
    return sorted(result.stdout.split(b"\0")[1::2])


def make_directory(host: Host, path: str, mode: int) -> None:
    """Make a directory and its parents."""
    host.run(Command(("mkdir", "-p", "-m", f"{mode:04o}", "--", path), Effect.WRITE))


def rename(host: Host, old: str, new: str, flush: bool = True) -> None:
    """Rename within one file system, durably unless the caller flushes; never into an existing directory."""
    host.run(Command(("mv", "-T", "--", old, new), Effect.WRITE))
    if flush:
        sync(host)


def remove_empty_directory(host: Host, path: str) -> None:
    """Remove a directory that must be empty."""
    host.run(Command(("rmdir", "--", path), Effect.WRITE))


def sync(host: Host, timeout_s: float = 3600.0) -> None:
    """Flush everything that the host has written."""
    host.run(Command(("sync",), Effect.WRITE, timeout_s=timeout_s))


def back_up(host: Host, paths: Sequence[str], begin: Callable[[str, tuple[object, ...]], None]) -> None:
    """Keep files as they are beside themselves, each once; the caller flushes before it changes them.

    A name can be on stable storage before what it names: only content that was flushed gets the name of a backup.
    ``begin`` is told what is about to be done, and all that is left to do.
    """
    missing = _without_backup(host, paths)
    for number, path in enumerate(missing):
        begin(f"copy {path}", (missing[number:], missing))
        host.run(Command(("cp", "-p", "--", path, path + BACKUP_SUFFIX + ".new"), Effect.WRITE))
    if missing:
        begin("flush the copies", missing)
        sync(host)
    for number, path in enumerate(missing):
        begin(f"keep the copy of {path}", missing[number:])
        backup = path + BACKUP_SUFFIX
        host.run(Command(("mv", "-T", "--", backup + ".new", backup), Effect.WRITE))


def _without_backup(host: Reader, paths: Sequence[str]) -> tuple[str, ...]:
    found = iter(stats(host, [name for path in paths for name in (path, path + BACKUP_SUFFIX)]) if paths else ())
    return tuple(path for path, there, kept in zip(paths, found, found, strict=True) if there and kept is None)


def restore_backup(host: Host, path: str) -> None:
    """Bring back what ``back_up`` kept, times and owner included; the caller flushes."""
    host.run(Command(("mv", "-T", "--", path + BACKUP_SUFFIX, path), Effect.WRITE))


@dataclass(frozen=True)
class Written:
    """The claim that a path is a plain file as this run wrote it; ``content`` None: whatever it holds."""

    path: str
    content: str | None = None

    def __str__(self) -> str:
        return f"{self.path} is a plain file that this run wrote"

    def denied(self, host: Reader) -> str | None:
        found = stat(host, self.path)
        if found is None or found.kind != "file":
            return f"{host.name}: {self.path} is {found.kind if found else 'missing'} and no file of ours"
        if self.content is not None and read(host, self.path) != self.content:
            return f"{host.name}: somebody changed {self.path}, which this run wrote; move it away by hand"
        return None


def remove_command(path: str) -> Command:
    """Remove one file."""
    return Command(("rm", "-f", "--", path), Effect.DESTROY)


@dataclass(frozen=True)
class Room:
    """What a file system has left."""

    free_bytes: int
    free_inodes: int | None  # None where the file system makes inodes as it needs them
    device: str
    mounted_on: str


def room(host: Reader, path: str) -> Room:
    """Free bytes and inodes of the file system that holds ``path``."""
    who = f"{host.name}: df -P {path}"
    blocks = _df(host, "-k", path)
    inodes = _df(host, "-i", path)
    free_inodes = whole(inodes[3], who) if inodes[3] != "-" and inodes[1] not in ("0", "-") else None
    return Room(whole(blocks[3], who) * 1024, free_inodes, blocks[0], blocks[5])


def _df(host: Reader, unit: str, path: str) -> list[str]:
    result = host.read(Command(("df", "-P", unit, "--", path)))
    lines = result.text.splitlines()
    fields = lines[-1].split(None, 5) if len(lines) >= 2 else []
    if len(fields) != 6:
        raise UnexpectedOutput(f"{host.name}: df -P {unit} {path} printed {result.text!r}")
    return fields


def used_kib(host: Reader, path: str) -> int:
    """Space that a tree occupies, in KiB; 0 where there is none."""
    result = host.ask(Command(("du", "-s", "-k", "--", path), timeout_s=600.0))
    first, tab, _ = result.text.partition("\t")
    return whole(first, f"{host.name}: du {path}") if tab else 0


def share_copied(host: Reader, source: str, destination: str) -> Callable[[], float]:
    """How much of a tree lies in its copy, by the space that both occupy; it grows to the last byte, and may pass 1.

    The source is measured when this is asked for the first time: a copy does not wait for it, and a short one ends
    before anybody asks.
    """
    whole_kib = 0

    def measure() -> float:
        nonlocal whole_kib
        whole_kib = whole_kib or max(1, used_kib(host, source))
        return used_kib(host, destination) / whole_kib

    return measure
