"""What somebody else on a host types, and whether it ended as the scenario says."""

from __future__ import annotations

import shlex


def judged(host: str, argv: tuple[str, ...], found: int, expected: int, said: bytes) -> tuple[bool, str]:
    """Whether the command ended as expected, and the words for its receipt."""
    words = said.decode("utf-8", "backslashreplace").strip().splitlines()
    told = f": {words[-1]}" if words and found else ""
    return found == expected, f"{host}: `{shlex.join(argv)}` ended with status {found}, expected {expected}{told}"


def typed(argv: tuple[str, ...], disk: str) -> tuple[str, ...]:
    """The words as somebody on that host would type them: ``{disk}`` is what the host calls its backing disk."""
    return tuple(disk if word == "{disk}" else word for word in argv)
