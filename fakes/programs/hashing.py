"""sha256sum and openssl, and the time that reading takes."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable

from fakes.machine import Machine
from fakes.program import Call, Program, Reply, Slow
from fakes.programs.gnu import complaints, memory, not_modelled, operands, reason, simulated

DIGEST = ("dgst", "-sha256", "-r")
YOUNGER = "openssl dgst -r"  # what a lab takes away where openssl is of before 1.0.0
_LEAST_PAUSE_S = 0.001  # smaller pauses are saved up


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
    return Reply(0, _digest_line(_told(machine, hashlib.sha256(call.stdin).hexdigest()), "stdin"))


def _unknown_option() -> Reply:
    return Reply(1, b"", b"unknown option '-r'\n")


def hash_files(machine: Machine, paths: list[str]) -> Slow:
    """What sha256sum prints of files."""
    return _read(machine, paths, _line, lambda path, error: f"sha256sum: {path}: {reason(error)}")


def digest_files(machine: Machine, paths: list[str]) -> Slow:
    """What openssl prints of files."""
    if YOUNGER in simulated(machine).missing_programs:
        return _unknown_option()
    return (yield from _read(machine, paths, lambda digest, path: _digest_line(_told(machine, digest), path), _unread))


def _read(
    machine: Machine,
    paths: list[str],
    line: Callable[[str, str], bytes],
    complaint: Callable[[str, OSError], str],
) -> Slow:
    """Hash files one after the other, as long as reading them takes."""
    files, bytes_per_s = memory(machine), simulated(machine).simulation.pace.read_bytes_per_s
    lines, said, owed_s = [], [], 0.0
    for path in paths:
        try:
            status = files.stat(files.resolve(path))
            owed_s += status.size / bytes_per_s
            if owed_s >= _LEAST_PAUSE_S:
                yield owed_s
                owed_s = 0.0
            lines.append(line(files.sha256(path), path))
        except OSError as error:
            said.append(complaint(path, error))
    if owed_s:
        yield owed_s
    return complaints(said, b"".join(lines))


def _line(digest: str, path: str) -> bytes:
    r"""A line in binary mode. A name with a backslash, line feed or carriage return is escaped and the line marked."""
    name = os.fsencode(path)
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != name else b"") + digest.encode() + b" *" + escaped + b"\n"


def _digest_line(digest: str, path: str) -> bytes:
    """As ``_line``, but of openssl 3, which knows of line feeds only."""
    name = os.fsencode(path)
    escaped = name.replace(b"\n", b"\\n")
    return (b"\\" if escaped != name else b"") + digest.encode() + b" *" + escaped + b"\n"


def _told(machine: Machine, digest: str) -> str:
    """A broken one says of everything what is true of nothing."""
    return hashlib.sha256(b"").hexdigest() if "openssl" in simulated(machine).wrong_programs else digest


def _unread(path: str, error: OSError) -> str:
    """Its first line; what the library says below it is not modelled."""
    return f"{path}: {reason(error)}" if error.errno == errno.ENOENT else f"Read error in {path}"


PROGRAMS: dict[str, Program] = {"sha256sum": sha256sum, "openssl": openssl}
