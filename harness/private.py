"""Files of a run: for their owner only from the moment that they exist, and never somebody else's behind a link."""

from __future__ import annotations

import os


def private(path: str, flags: int) -> int:
    """An opener for ``open``: no link is followed, and a new file has mode 0600 whatever the umask.

    Raises:
        OSError: the path is a symbolic link.
    """
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
