"""Numbers and lines as programs print them, and nothing that only Python takes for one."""

from __future__ import annotations

import re

from harness.errors import UnexpectedOutput

_WHOLE = {8: re.compile(r"[0-7]{1,12}"), 10: re.compile(r"[0-9]{1,20}"), 16: re.compile(r"[0-9A-Fa-f]{1,16}")}


def whole(text: str | bytes, who: str, base: int = 10) -> int:
    """A number without sign, blanks or underscores, of a size that a kernel counts in.

    Raises:
        UnexpectedOutput: it is none; ``who`` says which program printed it.
    """
    digits = text if isinstance(text, str) else text.decode("ascii", "backslashreplace")
    if not _WHOLE[base].fullmatch(digits):
        raise UnexpectedOutput(f"{who} printed {digits[:200]!r} where a number belongs")
    return int(digits, base)


def lines(text: str) -> list[str]:
    """The lines of a text. Only a newline ends one: names may hold what Python's splitlines takes for an end."""
    found = text.split("\n")
    return found if found[-1] else found[:-1]
