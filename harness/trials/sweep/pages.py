"""Large pages for what copies of this process share: a copy is made, and ends, by the page and not by the byte.

Where the kernel does not know how (it must be Linux 6.1 or later), or has no room, everything stays as it is.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path

LARGE_BYTES = 2 * 1024**2
_MAPS = Path("/proc/self/maps")
_COLLAPSE = 25  # MADV_COLLAPSE, which `mmap` has no name for yet
# Start, end, and that nothing but memory lies behind it.
_OWN = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0 *(?:\[heap\])?$", re.MULTILINE)


def in_large_pages() -> int:
    """Ask the kernel to hold this process' own memory in large pages from here on; the bytes for which it does."""
    if not _MAPS.is_file():
        return 0
    advise = ctypes.CDLL(None, use_errno=True).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return sum(size for start, size in list(_whole(_MAPS.read_text())) if advise(start, size, _COLLAPSE) == 0)


def _whole(maps: str) -> Iterator[tuple[int, int]]:
    """Start and size of what would fill large pages."""
    for found in _OWN.finditer(maps):
        start, end = int(found[1], 16), int(found[2], 16)
        start += -start % LARGE_BYTES
        end -= end % LARGE_BYTES
        if end > start:
            yield start, end - start
