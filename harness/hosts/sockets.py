"""Directories for the sockets of shared ssh connections."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

_LONGEST_PARENT = 28  # a socket's path ends at 108 bytes, of which ssh appends 58
_OURS = re.compile(r"wha-(\d+)-\w+")


def new_directory() -> Path:
    """A new directory that nobody else can enter, with a name short enough for sockets in it.

    Directories that engines left behind when they were killed are removed on the way.
    """
    usual = tempfile.gettempdir()
    parent = Path(usual if len(usual) <= _LONGEST_PARENT else "/tmp")
    _remove_leftovers(parent)
    return Path(tempfile.mkdtemp(prefix=f"wha-{os.getpid()}-", dir=parent))


def _remove_leftovers(parent: Path) -> None:
    """Remove what belongs to no living process. A connection that still stands keeps its directory from being empty."""
    for path in parent.glob("wha-*"):
        name = _OURS.fullmatch(path.name)
        if name and not Path("/proc", name[1]).exists():
            with suppress(OSError):  # in use, another user's, or gone by now
                path.rmdir()
