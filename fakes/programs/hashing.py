"""sha256sum and openssl, and the time that reading takes."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from functools import partial

from fakes.machine import Machine
from fakes.program import Call, Program, Reply, Slow
from fakes.programs.gnu import complaints, memory, not_modelled, operands, reason, simulated

DIGEST = ("dgst", "-sha256", "-r")
YOUNGER = "openssl dgst -r"  # what a lab takes away where openssl is of before 1.0.0
_THREAD = "40A7C2D1B27F0000"  # where its library keeps the errors of this run
_SOURCE = "../crypto/bio/bss_file.c"
_MOST_ERRORS = 15  # that it keeps
_LEAST_PAUSE_S = 0.001  # smaller pauses are saved up


Unread = tuple[str, OSError]  # a file, and why


def sha256sum(call: Call, machine: Machine) -> Slow:
    """``sha256sum -b -- PATH...``."""
    return hash_files(machine, list(operands(call, ("-b",))))


def openssl(call: Call, machine: Machine) -> Reply | Slow:
    """``openssl dgst -sha256 -r`` of its standard input, or of ``PATH...``."""
    paths = call.argv[1 + len(DIGEST) :]
    if call.argv[1 : 1 + len(DIGEST)] != DIGEST or any(path.startswith("-") for path in paths):
        raise not_modelled(call)
    if paths:
        return digest_files(machine, list(paths))
    if YOUNGER in simulated(machine).missing_programs:
        return _unknown_option()
    return Reply(0, _digest_line(machine, hashlib.sha256(call.stdin).hexdigest(), "stdin"))


def _unknown_option() -> Reply:
    return Reply(1, b"", b"unknown option '-r'\n")


def hash_files(machine: Machine, paths: list[str]) -> Slow:
    """What sha256sum prints of files."""
    return _read(machine, paths, _line, _complaints)


def digest_files(machine: Machine, paths: list[str]) -> Slow:
    """What openssl prints of files."""
    if YOUNGER in simulated(machine).missing_programs:
        return _unknown_option()
    line = partial(_digest_line, machine)
    return (yield from _read(machine, paths, line, _openssl_complaints))


def _read(
    machine: Machine,
    paths: list[str],
    line: Callable[[str, str], bytes],
    complaining: Callable[[list[Unread]], list[str]],
) -> Slow:
    """Hash files one after the other, as long as reading them takes."""
    files, bytes_per_s = memory(machine), simulated(machine).simulation.pace.read_bytes_per_s
    lines, unread, owed_s = [], list[Unread](), 0.0
    for path in paths:
        try:
            status = files.stat(files.resolve(path))
            owed_s += status.size / bytes_per_s
            if owed_s >= _LEAST_PAUSE_S:
                yield owed_s
                owed_s = 0.0
            lines.append(line(files.sha256(path), path))
        except OSError as error:
            unread.append((path, error))
    if owed_s:
        yield owed_s
    return complaints(complaining(unread), b"".join(lines))


def _line(digest: str, path: str) -> bytes:
    r"""A line in binary mode. A name with a backslash, line feed or carriage return is escaped and the line marked."""
    name = os.fsencode(path)
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != name else b"") + digest.encode() + b" *" + escaped + b"\n"


def _complaints(unread: list[Unread]) -> list[str]:
    return [f"sha256sum: {path}: {reason(error)}" for path, error in unread]


def _digest_line(machine: Machine, digest: str, path: str) -> bytes:
    """As ``_line``, but of openssl 3, which knows of line feeds only. A wrong one says of everything what is true of
    nothing."""
    if "openssl" in simulated(machine).wrong_programs:
        digest = hashlib.sha256(b"").hexdigest()
    name = os.fsencode(path)
    escaped = name.replace(b"\n", b"\\n")
    return (b"\\" if escaped != name else b"") + digest.encode() + b" *" + escaped + b"\n"


def _openssl_complaints(unread: list[Unread]) -> list[str]:
    """A line for each file, and below them what the library has kept of the errors."""
    own, library = [], []
    for path, error in unread:
        opened = error.errno != errno.ENOENT
        own.append(f"Read error in {path}" if opened else f"{path}: {reason(error)}")
        function, call, *at = (
            ("file_read", "fread()", 149, 151) if opened else ("file_ctrl", f"fopen({path}, r)", 297, 300)
        )
        code = 0x80000000 | (error.errno or errno.EIO)
        library += [
            f"{_THREAD}:error:{code:08X}:system library:{function}:{reason(error)}:{_SOURCE}:{at[0]}:calling {call}",
            f"{_THREAD}:error:10080002:BIO routines:{function}:system lib:{_SOURCE}:{at[1]}:",
        ]
    return own + library[-_MOST_ERRORS:]


PROGRAMS: dict[str, Program] = {"sha256sum": sha256sum, "openssl": openssl}
