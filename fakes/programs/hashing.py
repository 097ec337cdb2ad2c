"""sha256sum, and the time that reading takes."""

from __future__ import annotations

import os

from fakes.machine import Machine
from fakes.program import Call, Program, Slow
from fakes.programs.gnu import complaints, memory, operands, reason, simulated

_LEAST_PAUSE_S = 0.001  # smaller pauses are saved up


def sha256sum(call: Call, machine: Machine) -> Slow:
    """``sha256sum -b -- PATH...``."""
    return hash_files(machine, list(operands(call, ("-b",))))


def hash_files(machine: Machine, paths: list[str]) -> Slow:
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
            lines.append(_line(files.sha256(path), path))
        except OSError as error:
            said.append(f"sha256sum: {path}: {reason(error)}")
    if owed_s:
        yield owed_s
    return complaints(said, b"".join(lines))


def _line(digest: str, path: str) -> bytes:
    r"""A line in binary mode. A name with a backslash, line feed or carriage return is escaped and the line marked."""
    name = os.fsencode(path)
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != name else b"") + digest.encode() + b" *" + escaped + b"\n"


PROGRAMS: dict[str, Program] = {"sha256sum": sha256sum}
