"""Content of files in memory: bytes, or a recipe for bytes whose size and hash are known without making them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

# Up to this size a blob has real bytes (made from its tag) and their real hash, so that what an HTTP client
# reads agrees with what sha256sum prints. Beyond it the hash is made from tag and size alone, and reading is refused.
MATERIAL_LIMIT = 16 * 1024**2
_BLOCK_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Blob:
    """``size`` bytes that ``tag`` determines; blobs of one tag and other sizes are prefixes of each other."""

    tag: str
    size: int


Content = bytes | Blob


def size_of(content: Content) -> int:
    return content.size if isinstance(content, Blob) else len(content)


def prefix(content: Content, size: int) -> Content:
    """The first ``size`` bytes, as an interrupted copy leaves them."""
    return Blob(content.tag, min(size, content.size)) if isinstance(content, Blob) else content[:size]


def to_bytes(content: Content) -> bytes:
    """The bytes themselves.

    Raises:
        ValueError: for a blob beyond MATERIAL_LIMIT.
    """
    if isinstance(content, bytes):
        return content
    if content.size > MATERIAL_LIMIT:
        raise ValueError(f"a blob of {content.size} bytes is too large to be read")
    whole, pattern = content.size // _BLOCK_BYTES + 1, _pattern(content.tag)
    # Each block begins with its number, so that no two blocks of a file are equal.
    return b"".join(number.to_bytes(8, "big") + pattern for number in range(whole))[: content.size]


def flipped(content: Content) -> Content:
    """Other content of the same size: one byte changed in the middle."""
    if isinstance(content, Blob) and content.size > MATERIAL_LIMIT:
        return Blob(content.tag + "~", content.size)
    changed = bytearray(to_bytes(content))
    changed[len(changed) // 2] ^= 0x01
    return bytes(changed)


def damaged(content: Content) -> Content:
    """Other content of the same size: the last block never reached the disk and reads as zeros."""
    size = size_of(content)
    if isinstance(content, Blob) and size > MATERIAL_LIMIT:
        return Blob(content.tag + "!", size)
    kept = max(0, (size - 1) // _BLOCK_BYTES * _BLOCK_BYTES)
    zeroed = to_bytes(content)[:kept] + bytes(size - kept)
    return zeroed if zeroed != content else flipped(content)


def sha256(content: Content) -> str:
    return hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else _blob_sha256(content)


@lru_cache(maxsize=65536)
def _blob_sha256(blob: Blob) -> str:
    if blob.size > MATERIAL_LIMIT:
        return hashlib.sha256(f"{blob.tag}\0{blob.size}".encode()).hexdigest()
    return hashlib.sha256(to_bytes(blob)).hexdigest()


@lru_cache(maxsize=4096)
def _pattern(tag: str) -> bytes:
    return hashlib.shake_256(tag.encode("utf-8", "surrogateescape")).digest(_BLOCK_BYTES - 8)
