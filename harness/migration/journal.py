"""The journal: the run's memory, append-only, each record durable before what it announces.

One JSON object a line. Each carries the hash of the one before, so a change in the middle shows. A last line
without its newline is a torn write and is dropped. The journal is memory, never truth: what it says was done is
inspected again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

from harness.errors import JournalDamaged, Refused

_FIRST = "0" * 64
_TRIES, _TRY_AGAIN_S = 4, 0.05
_HOLDS: dict[str, dict[str, type]] = {  # what a record of a kind is asked for
    "begun": {"run_id": str},
    "adopted": {"run_id": str},
    "epoch": {"epoch": int},
    "fact": {"name": str, "value": object},
    "stopped": {"why": str},
    "retiring": {"path": str},
    "retired": {"path": str},
}


@dataclass(frozen=True)
class Entry:
    """One record.

    Kinds: begun, adopted, epoch, intent, proof, done, fact, undoing, undone, committed, rolled-back, completed,
    stopped, retiring, retired and, which only tell what happened, paused and resumed; of the way back from a committed
    move: reversing, reverse-taken-back, reversed.
    """

    seq: int
    kind: str
    step: str
    data: dict[str, Any]
    date: str
    hash: str


def read(path: Path) -> tuple[list[Entry], int]:
    """The valid records of a journal and the length in bytes that they take.

    Raises:
        JournalDamaged: when a record that is not a torn tail does not match its chain.
    """
    return parse(path.read_bytes(), str(path))


def parse(content: bytes, where: str) -> tuple[list[Entry], int]:
    """The same for a journal's content; ``where`` names it in errors."""
    entries: list[Entry] = []
    length = 0
    previous = _FIRST
    for line in content.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        entry = _decode(line, previous, f"{where}: record {len(entries) + 1}", len(entries))
        entries.append(entry)
        previous = entry.hash
        length += len(line)
    return entries, length


def _decode(line: bytes, previous: str, where: str, seq: int) -> Entry:
    try:
        record = json.loads(line)
        claimed = record.pop("hash")
        entry = Entry(record["seq"], record["kind"], record["step"], record["data"], record["date"], claimed)
        _require_form(entry)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise JournalDamaged(f"{where} is not a journal record; the run's memory cannot be trusted") from error
    if claimed != _chained(previous, record) or entry.seq != seq:
        raise JournalDamaged(f"{where} does not match the chain of hashes; it was changed after it was written")
    return entry


def _require_form(entry: Entry) -> None:
    """The fields are of their kinds, whatever the hash says.

    Raises:
        KeyError, TypeError: one is missing or is something else.
    """
    fields = [(entry.seq, int), (entry.kind, str), (entry.step, str), (entry.data, dict), (entry.date, str)]
    fields += [(entry.data[name], kind) for name, kind in _HOLDS.get(entry.kind, {}).items()]
    for value, kind in fields:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            raise TypeError(f"{value!r:.100} is no {kind.__name__}")


def _chained(previous: str, record: dict[str, Any]) -> str:
    body = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256((previous + body).encode()).hexdigest()


def text_of(entry: Entry) -> bytes:
    """The line of a record."""
    record = {"seq": entry.seq, "kind": entry.kind, "step": entry.step, "data": entry.data, "date": entry.date}
    return json.dumps({**record, "hash": entry.hash}, sort_keys=True, separators=(",", ":")).encode() + b"\n"


class Journal:
    """The open journal of one run; one process at a time holds it."""

    def __init__(self, path: Path, file: int, entries: list[Entry]) -> None:
        self.path = path
        self.entries = entries
        self._file = file
        self._appending = threading.Lock()  # two hosts may be worked on at the same time

    @classmethod
    @contextlib.contextmanager
    def open(cls, folder: Path) -> Iterator[Journal]:
        """Open or create ``folder/journal.jsonl`` and hold it against other processes.

        Raises:
            Refused: when another process holds it.
            JournalDamaged: when its middle was changed.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "journal.jsonl"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            _hold(file, folder)
            entries, length = read(path)
            os.ftruncate(file, length)
            flush_directory(folder)
            yield cls(path, file, entries)
        finally:
            os.close(file)

    def append(self, kind: str, step: str = "", date: str = "", **data: Any) -> Entry:
        """Add a record; it is on stable storage when this returns."""
        with self._appending:
            record = {"seq": len(self.entries), "kind": kind, "step": step, "data": data, "date": date}
            previous = self.entries[-1].hash if self.entries else _FIRST
            chained = _chained(previous, record)
            entry = Entry(len(self.entries), kind, step, json.loads(json.dumps(data)), date, chained)
            os.write(self._file, text_of(entry))
            os.fsync(self._file)
            self.entries.append(entry)
            return entry


def _hold(file: int, folder: Path) -> None:
    """Hold the journal; whoever only looks whether it is held lets go at once, so trying again tells the two apart.

    Raises:
        Refused: another process works on it.
    """
    for _ in range(_TRIES):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sleep(_TRY_AGAIN_S)
    raise Refused(f"{folder}: another walrus-ha process is working on this run")


def is_held(folder: Path) -> bool:
    """Whether a process works on the run of this folder now."""
    file = os.open(folder / "journal.jsonl", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def flush_directory(folder: Path) -> None:
    """What was made, renamed or removed in the folder survives a power cut once this returns."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
