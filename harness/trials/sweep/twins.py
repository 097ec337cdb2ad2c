"""A copy of this process, which tells a story and ends.

Python's own fork prepares the copy for a long life: it renews locks, seeds random numbers, and writes to hundreds of
pages for it that the copy then has to have of its own. Ours has one thread, draws nothing by chance and ends by
``os._exit``, so where that is certain the C library's fork is all that is asked for.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_TASKS = Path("/proc/self/task")  # Linux: the threads of this process, whoever made them


class Twins:
    """Copies this process. To be made once its threads are there."""

    def __init__(self) -> None:
        self._plain = _TASKS.is_dir() and len(list(_TASKS.iterdir())) == 1
        self._libc = ctypes.PyDLL(None, use_errno=True)  # which keeps the interpreter's lock while it calls

    def fork(self) -> int:
        """As ``os.fork``: 0 in the copy, the copy's number here."""
        if not self._plain:
            return os.fork()
        child = int(self._libc.fork())
        if child < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return child
