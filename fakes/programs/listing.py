"""Programs that tell about files: stat, find, df, du, getfattr."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from fakes.filesystem import Stat
from fakes.machine import Machine
from fakes.memory import MemoryFilesystem, Usage
from fakes.program import Call, Program, Reply, Slow
from fakes.programs.gnu import (
    complaints,
    device_numbers,
    fails,
    memory,
    not_modelled,
    operand,
    quoted,
    reason,
    simulated,
    status_of,
)
from fakes.programs.hashing import DIGEST, digest_files, hash_files
from fakes.tree import BLOCK_BYTES

_LETTERS = {"file": "f", "directory": "d", "symlink": "l", "other": "b"}
_ODD, _ODD_PATH = re.compile(rb"[\\\x00-\x1f\x7f]"), r"*[\\[:cntrl:]]*"
_BY_SHA256SUM = ("-exec", "sha256sum", "-b", "--", "{}", "+")
_BY_OPENSSL = ("(", "-path", _ODD_PATH, *_BY_SHA256SUM, "-o", "-exec", "openssl", *DIGEST, "{}", "+", ")")
_ADVISE_CACHE = ("dd", "if={}", "of=/dev/null", "iflag=nocache", "count=0", ";")


# stat


def stat(call: Call, machine: Machine) -> Reply:
    """``stat -c FORMAT -- PATH...``."""
    if len(call.argv) < 5 or call.argv[1] != "-c" or call.argv[3] != "--":
        raise not_modelled(call)
    told, missing = b"", []
    for path in call.argv[4:]:
        try:
            found = status_of(machine, path)
        except OSError as error:
            missing.append(f"stat: cannot statx {quoted(path)}: {reason(error)}")
            continue
        if found is None:
            missing.append(f"stat: cannot statx {quoted(path)}: No such file or directory")
            continue
        told += os.fsencode(_status_line(call, path, found, device_numbers(machine, path) or (0, 0))) + b"\n"
    return complaints(missing, told)


def _status_line(call: Call, path: str, found: Stat, numbers: tuple[int, int]) -> str:
    def directive(match: re.Match[str]) -> str:
        letter = match.group(1)
        if letter != "n" and letter not in _STAT:
            raise not_modelled(call)
        return path if letter == "n" else _STAT[letter](found, numbers)

    return re.sub("%(.)", directive, call.argv[2])


def _kind(status: Stat, _: tuple[int, int]) -> str:
    if status.kind == "file":
        return "regular file" if status.size else "regular empty file"
    return {"directory": "directory", "symlink": "symbolic link"}.get(status.kind, "block special file")


_STAT: dict[str, Callable[[Stat, tuple[int, int]], str]] = {
    "F": _kind,
    "a": lambda status, _: f"{status.mode:o}",
    "u": lambda status, _: str(status.uid),
    "g": lambda status, _: str(status.gid),
    "d": lambda status, _: str(status.device),
    "i": lambda status, _: str(status.inode),
    "s": lambda status, _: str(status.size),
    "Y": lambda status, _: str(status.mtime_ns // 10**9),
    "t": lambda _, numbers: f"{numbers[0]:x}",
    "T": lambda _, numbers: f"{numbers[1]:x}",
    "%": lambda _status, _numbers: "%",
}


# find


def find(call: Call, machine: Machine) -> Reply | Slow:
    """``find PATH [-xdev] [-mindepth 1 -maxdepth 1] -printf FORMAT``, or of files ``-exec`` what hashes, or dd."""
    if len(call.argv) < 4 or call.argv[1].startswith("-"):
        raise not_modelled(call)
    path = call.argv[1]
    match call.argv[2:]:
        case ("-xdev", "-printf", format_):
            return _printed(machine, path, format_, call, children_only=False)
        case ("-mindepth", "1", "-maxdepth", "1", "-printf", format_):
            return _printed(machine, path, format_, call, children_only=True)
        case ("-xdev", "-type", "f", *each) if tuple(each) == _BY_SHA256SUM:
            return _hashed(machine, path)
        case ("-xdev", "-type", "f", *each) if tuple(each) == _BY_OPENSSL:
            return _digested(machine, path)
        case ("-xdev", "-type", "f", "-exec", *advise) if tuple(advise) == _ADVISE_CACHE:
            return _advised(machine, path)
    raise not_modelled(call)


def _absent(path: str, error: OSError) -> Reply:
    return fails(f"find: {quoted(path)}: {reason(error)}")


def _printed(machine: Machine, path: str, format_: str, call: Call, children_only: bool) -> Slow:
    files, entry_s = memory(machine), simulated(machine).simulation.pace.entry_s
    directives = _directives(format_, call)
    try:
        entries = files.scan(path, one_volume=not children_only)
    except OSError as error:
        return _absent(path, error)
    if children_only:
        depth = path.rstrip("/").count("/") + 1
        entries = [entry for entry in entries[1:] if entry[0].count("/") == depth]
    start = len(path.rstrip("/")) + 1
    printed: list[str] = []
    for name, status in entries:
        below = name[start:]
        printed += [part if isinstance(part, str) else part(files, name, below, status) for part in directives]
    if entry_s:
        yield len(entries) * entry_s
    return Reply(0, os.fsencode("".join(printed)))


Directive = Callable[[MemoryFilesystem, str, str, Stat], str]


def _directives(format_: str, call: Call) -> list[str | Directive]:
    """The format's parts: plain text and functions of (files, path, path below the start, status)."""
    found: list[str | Directive] = []
    for part in re.findall(r"%[TC]@|%.|\\.|[^%\\]+", format_):
        if part[0] == "%":
            if part not in _FIND:
                raise not_modelled(call)
            found.append(_FIND[part])
        elif part[0] == "\\":
            if part not in _ESCAPES:
                raise not_modelled(call)
            found.append(_ESCAPES[part])
        else:
            found.append(part)
    return found


_ESCAPES = {r"\0": "\0", r"\n": "\n", r"\t": "\t", r"\\": "\\"}
_FIND: dict[str, Directive] = {
    "%y": lambda _files, _name, _below, status: _LETTERS[status.kind],
    "%s": lambda _files, _name, _below, status: str(status.size),
    "%b": lambda files, name, _below, _status: str(files.blocks(name) * (BLOCK_BYTES // 512)),
    "%m": lambda _files, _name, _below, status: f"{status.mode:o}",
    "%U": lambda _files, _name, _below, status: str(status.uid),
    "%G": lambda _files, _name, _below, status: str(status.gid),
    "%T@": lambda _files, _name, _below, status: f"{status.mtime_ns // 10**9}.{status.mtime_ns % 10**9:09}0",
    "%C@": lambda _files, _name, _below, status: f"{status.ctime_ns // 10**9}.{status.ctime_ns % 10**9:09}0",
    "%n": lambda _files, _name, _below, status: str(status.links),
    "%D": lambda _files, _name, _below, status: str(status.device),
    "%i": lambda _files, _name, _below, status: str(status.inode),
    "%P": lambda _files, _name, below, _status: below,
    "%l": lambda files, name, _below, status: files.readlink(name) if status.kind == "symlink" else "",
}


def _files_below(machine: Machine, path: str) -> list[str]:
    return [name for name, status in memory(machine).scan(path, one_volume=True) if status.kind == "file"]


def _hashed(machine: Machine, path: str) -> Slow:
    try:
        names = _files_below(machine, path)
    except OSError as error:
        return _absent(path, error)
    return (yield from hash_files(machine, names))


def _digested(machine: Machine, path: str) -> Slow:
    """Odd names by sha256sum, and then all others by openssl."""
    try:
        names = _files_below(machine, path)
    except OSError as error:
        return _absent(path, error)
    odd = [name for name in names if _ODD.search(os.fsencode(name))]
    plain = [name for name in names if not _ODD.search(os.fsencode(name))]
    replies = [(yield from hash_files(machine, odd))]
    if plain and "openssl" in simulated(machine).missing_programs:
        replies.append(fails("find: 'openssl': No such file or directory"))
    elif plain:
        replies.append((yield from digest_files(machine, plain)))
    stdout, stderr = (b"".join(part) for part in zip(*((one.stdout, one.stderr) for one in replies), strict=True))
    return Reply(max(one.exit_status for one in replies), stdout, stderr)


def _advised(machine: Machine, path: str) -> Reply:
    try:
        names = _files_below(machine, path)
    except OSError as error:
        return _absent(path, error)
    memory(machine).drop_clean_pages()
    return Reply(0, b"", b"0+0 records in\n0+0 records out\n0 bytes copied, 0 s, 0.0 kB/s\n" * len(names))


# df and du


def df(call: Call, machine: Machine) -> Reply:
    """``df -P -k -- PATH``, ``df -P -i -- PATH``."""
    if call.argv[2:3] not in (("-k",), ("-i",)):
        raise not_modelled(call)
    path = operand(call, ("-P", call.argv[2]))
    try:
        usage = memory(machine).usage(path)
    except OSError as error:
        return fails(f"df: {path}: {reason(error)}")
    with machine.world() as world:
        mounted = {mount.at: mount.device for mount in machine.row(world).mounts}
    usage = usage._replace(source=mounted.get(usage.at, usage.source))
    return Reply(0, inode_table(usage) if call.argv[2] == "-i" else block_table(usage))


def block_table(usage: Usage) -> bytes:
    """Blocks of 1024 bytes, as df -P -k prints them."""
    numbers = [usage.total_bytes // 1024, usage.used_bytes // 1024, usage.free_bytes // 1024]
    share = _percent(usage.used_bytes, usage.free_bytes)
    return _table(("1024-blocks", "Used", "Available", "Capacity"), usage, [*map(str, numbers), share])


def inode_table(usage: Usage) -> bytes:
    """Inodes, as df -P -i prints them."""
    used = usage.inodes - usage.free_inodes
    numbers = [str(usage.inodes), str(used), str(usage.free_inodes), _percent(used, usage.free_inodes)]
    return _table(("Inodes", "IUsed", "IFree", "IUse%"), usage, numbers)


def _percent(used: int, free: int) -> str:
    return f"{-(-used * 100 // (used + free))}%" if used + free else "-"


def _table(heads: tuple[str, ...], usage: Usage, cells: list[str]) -> bytes:
    first = max(14, len(usage.source))
    widths = [max(5, len(head), len(cell)) for head, cell in zip(heads[:3], cells[:3], strict=True)]
    widths.append(max(4, len(heads[3]), len(cells[3])))
    lines = [("Filesystem", heads, "Mounted on"), (usage.source, cells, usage.at)]
    return b"".join(
        os.fsencode(f"{source:<{first}} {' '.join(f'{c:>{w}}' for c, w in zip(row, widths, strict=True))} {at}\n")
        for source, row, at in lines
    )


def du(call: Call, machine: Machine) -> Reply:
    """``du -s -k -- PATH``: allocated blocks, each inode once."""
    path = operand(call, ("-s", "-k"))
    files = memory(machine)
    try:
        entries = files.scan(path, one_volume=False)
    except OSError as error:
        return fails(f"du: cannot access {quoted(path)}: {reason(error)}")
    inodes = {(status.device, status.inode): files.blocks(name) for name, status in entries}
    return Reply(0, os.fsencode(f"{sum(inodes.values()) * BLOCK_BYTES // 1024}\t{path}\n"))


# getfattr

GETFATTR = ("-h", "-d", "-m", "-", "-e", "hex", "--absolute-names")


def getfattr(call: Call, machine: Machine) -> Reply:
    """Every extended attribute of a tree, values in hexadecimal."""
    path = operand(call, ("-R", "-P", *GETFATTR))
    try:
        entries = memory(machine).scan(path, one_volume=False)
    except OSError as error:
        return fails(f"getfattr: {path}: {reason(error)}")
    return attributes_of(machine, [name for name, _ in entries])


def attributes_of(machine: Machine, names: list[str]) -> Reply:
    """``getfattr -h -d -m - -e hex --absolute-names -- NAME...``."""
    files, blocks, missing = memory(machine), [], []
    for name in names:
        try:
            pairs = files.xattrs(name)
        except OSError as error:
            missing.append(f"getfattr: {name}: {reason(error)}")
            continue
        if pairs:
            lines = "".join(f"{key}=0x{value.hex()}\n" for key, value in sorted(pairs.items()))
            blocks.append(b"# file: " + _octal_escaped(name) + b"\n" + lines.encode() + b"\n")
    return complaints(missing, b"".join(blocks))


def _octal_escaped(name: str) -> bytes:
    """getfattr writes backslash, line feed and carriage return of a name in octal."""
    return re.sub(rb"[\\\n\r]", lambda match: b"\\%03o" % match.group()[0], os.fsencode(name))


PROGRAMS: dict[str, Program] = {"stat": stat, "find": find, "df": df, "du": du, "getfattr": getfattr}
