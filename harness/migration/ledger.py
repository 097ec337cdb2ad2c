"""Hashes that were taken while the store was still served, each with the stamp under which it holds.

A cache and never truth: a hash counts only for a file that still has the very stamp, and what is not known is read.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from harness.systems.keeping import Kept, in_order
from harness.systems.store import Stamp


class Hashed(NamedTuple):
    """A file's hash, and how the file stood when it was read."""

    stamp: Stamp
    sha256: str


Known = tuple[bytes, Hashed]  # a file's path, and what is known of it
Hashes = Kept[Known]
"""In the order of their paths, each path once."""


def load(path: Path) -> Hashes:
    """What ``append`` wrote so far, the latest of each file; of a line that is torn or damaged nothing is known."""
    try:
        with path.open("rb") as file:
            latest = _latest(in_order(_read(file)))
            return kept(latest)
    except FileNotFoundError:
        return kept(())


def kept(known: Iterable[Known]) -> Hashes:
    """These, which come in the order of their paths."""
    return Kept(known, _plain, _back)


def _plain(known: Known) -> tuple[Any, ...]:
    name, hashed = known
    return name, tuple(hashed.stamp), hashed.sha256


def _back(plain: tuple[Any, ...]) -> Known:
    name, stamp, sha256 = plain
    return name, Hashed(Stamp._make(stamp), sha256)


def _read(lines: Iterable[bytes]) -> Iterator[tuple[Any, ...]]:
    """Names with the number of their line, which tells the latest, and what stood there."""
    for number, line in enumerate(lines):
        try:
            name, stamp, sha256 = json.loads(line)
            yield base64.b64decode(name, validate=True), number, tuple(Stamp(*stamp)), str(sha256)
        except (ValueError, TypeError):
            continue


def _latest(read: Iterable[tuple[Any, ...]]) -> Iterator[Known]:
    for name, lines in itertools.groupby(read, itemgetter(0)):
        *_, (_, _, stamp, sha256) = lines
        yield name, Hashed(Stamp._make(stamp), sha256)


def append(path: Path, learned: Iterable[Known]) -> int:
    """Keep these too, on stable storage; returns how many they were."""
    number = 0
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(file, "wb") as ledger:
        for name, hashed in learned:
            number += 1
            line = [base64.b64encode(name).decode(), list(hashed.stamp), hashed.sha256]
            ledger.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        ledger.flush()
        os.fsync(ledger.fileno())
    return number
