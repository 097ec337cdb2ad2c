"""Bytes that may be more than memory should hold: beyond a bound they lie in a file that has no name."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator
from typing import BinaryIO

_HELD_BYTES = 256 * 1024
_PIECE_BYTES = 256 * 1024


class Spool:
    """Bytes that are added at the end and can be read from anywhere, by several readers, again and again."""

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __init__(self) -> None:
        self.length = 0
        self._held = bytearray()  # what is not in the file yet, which comes after all that is
        self._file: BinaryIO | None = None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Spool | bytes):
            return self.whole() == (other.whole() if isinstance(other, Spool) else other)
        return NotImplemented

    def add(self, content: bytes | bytearray | memoryview) -> None:
        """Add bytes at the end."""
        self._held += content
        self.length += len(content)
        if len(self._held) > _HELD_BYTES:
            self._write()

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it is open for as long as the spool is
            weakref.finalize(self, self._file.close)
        at, rest = self.length - len(self._held), memoryview(self._held)
        while rest:
            written = os.pwrite(self._file.fileno(), rest, at)
            at, rest = at + written, rest[written:]
        rest.release()
        self._held = bytearray()

    def read(self, at: int, size: int) -> bytes:
        """So many bytes from there on, fewer at the end."""
        filed = self.length - len(self._held)
        if self._file is None or at >= filed:
            return bytes(self._held[at - filed : at - filed + size])
        found = os.pread(self._file.fileno(), min(size, filed - at), at)
        return found if len(found) == size else found + self.read(at + len(found), size - len(found))

    def pieces(self) -> Iterator[bytes]:
        """All of it, piece by piece."""
        at = 0
        while at < self.length:
            piece = self.read(at, _PIECE_BYTES)
            yield piece
            at += len(piece)

    def whole(self) -> bytes:
        """All of it at once, for those who know that it is little."""
        return self.read(0, self.length)
