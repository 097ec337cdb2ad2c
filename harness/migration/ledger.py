"""Hashes that were taken while the store was still served, each with the stamp under which it holds.

A cache and never truth: a hash counts only for a file that still has the very stamp, and what is not known is read.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import NamedTuple

from harness.systems.store import Stamp


class Hashed(NamedTuple):
    """A file's hash, and how the file stood when it was read."""

    stamp: Stamp
    sha256: str


Hashes = dict[bytes, Hashed]


def load(path: Path) -> Hashes:
    """What ``append`` wrote so far, the latest of each file; of a line that is torn or damaged nothing is known."""
    known: Hashes = {}
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return known
    for line in lines:
        try:
            name, stamp, sha256 = json.loads(line)
            known[base64.b64decode(name, validate=True)] = Hashed(Stamp(*stamp), str(sha256))
        except (ValueError, TypeError):
            continue
    return known


def append(path: Path, learned: Hashes) -> None:
    """Keep these too, on stable storage."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(file, "wb") as ledger:
        for name, hashed in learned.items():
            line = [base64.b64encode(name).decode(), list(hashed.stamp), hashed.sha256]
            ledger.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        ledger.flush()
        os.fsync(ledger.fileno())
