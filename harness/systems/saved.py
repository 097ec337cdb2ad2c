"""A manifest as a file, an entry a line, and the one hash that names it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.errors import UnexpectedOutput
from harness.private import private
from harness.systems import store


def digest(entries: Iterable[store.Entry]) -> str:
    """One hash over the whole manifest: that of the lines as which it is saved."""
    summed = hashlib.sha256()
    for line in lines(entries):
        summed.update(line)
    return summed.hexdigest()


def lines(entries: Iterable[store.Entry]) -> Iterator[bytes]:
    """The entries as they are saved, each a line."""
    for entry in entries:
        plain = [base64.b64encode(value).decode() if isinstance(value, bytes) else value for value in entry]
        yield json.dumps(plain, separators=(",", ":")).encode() + b"\n"


def save(entries: Iterable[store.Entry], path: Path) -> str:
    """Write a manifest, an entry a line, for its owner only; returns its digest."""
    summed = hashlib.sha256()
    with open(path, "wb", opener=private) as file:
        for line in lines(entries):
            summed.update(line)
            file.write(line)
    return summed.hexdigest()


def load(path: Path) -> store.Manifest:
    """Read what ``save`` wrote.

    Raises:
        UnexpectedOutput: when it wrote something else.
    """
    with path.open("rb") as file:
        return store.manifest(_parsed(path, file))


def digest_of(path: Path) -> str:
    """The digest of a manifest as it is saved."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parsed(path: Path, file: Iterable[bytes]) -> Iterator[store.Entry]:
    before: bytes | None = None
    for number, line in enumerate(file, 1):
        try:
            entry = _loaded(json.loads(line))
            if before is not None and entry.path <= before:
                raise ValueError("it is not behind the one before it")
        except (ValueError, TypeError, RecursionError) as error:
            raise UnexpectedOutput(f"{path}:{number}: no entry of a manifest: {error!s:.200}") from error
        before = entry.path
        yield entry


_TYPES = [str, str, int, int, int, int, str, str, str, str, list]


def _loaded(fields: list[Any]) -> store.Entry:
    """An entry from its line."""
    if list(map(type, fields)) != _TYPES:
        raise TypeError("a field is missing or of another kind")
    name, kind, size, mode, uid, gid, mtime, target, same_as, sha256, xattrs = fields
    path, target, same_as = (base64.b64decode(text, validate=True) if text else b"" for text in (name, target, same_as))
    pairs = tuple((key, value) for key, value in xattrs)
    if not all(type(word) is str for pair in pairs for word in pair):
        raise TypeError("a field is of another kind")
    return store.Entry(path, kind, size, mode, uid, gid, mtime, target, same_as, sha256, pairs)
