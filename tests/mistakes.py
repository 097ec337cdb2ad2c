"""Mistakes in files. Golden ones: what is changed in a good file, and what must be said about it at which place.

``== name`` begins a block; lines behind ``-`` are replaced by those behind ``+``; each problem that must be said stands
behind ``>`` as ``line:column: message (suggestion)``. Random ones may be no mistakes at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import strategies as st

from harness.errors import InvalidInput


@dataclass
class Mistake:
    """One block."""

    name: str
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def made_in(self, good: str) -> str:
        """The good file with this mistake in it."""
        before, after = ("".join(f"{line}\n" for line in lines) for lines in (self.before, self.after))
        assert good.count(before) == 1, f"{self.name}: these lines stand {good.count(before)} times in the good file"
        return good.replace(before, after)


def mistakes(path: Path) -> list[Mistake]:
    """All blocks of a golden file."""
    found: list[Mistake] = []
    for line in path.read_text().splitlines():
        if line.startswith("== "):
            found.append(Mistake(line[3:]))
        elif line.startswith("-"):
            found[-1].before.append(line[1:])
        elif line.startswith("+"):
            found[-1].after.append(line[1:])
        elif line.startswith("> "):
            found[-1].expected.append(line[2:])
    return found


def cases(path: Path) -> list[object]:
    """The blocks as parameters of a test."""
    return [pytest.param(mistake, id=mistake.name) for mistake in mistakes(path)]


def said(read: Callable[[Path], object], path: Path, text: str) -> list[str]:
    """What reading the text as that file complains about, without the file's name."""
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read(path)
    except InvalidInput as invalid:
        return [str(problem).removeprefix(f"{path}:") for problem in invalid.problems]
    return []


def jumbles(good: str, *pieces: str) -> st.SearchStrategy[str]:
    """Lines of the good file and pieces of others in any order, with anything between them."""
    lines = st.sampled_from([*good.splitlines(), *pieces]) | st.text(max_size=30)
    return st.lists(lines, max_size=20).map("\n".join)


def small_changes(good: str) -> st.SearchStrategy[str]:
    """The good file with a few characters gone at one place and a few others instead."""
    at, gone = st.integers(0, len(good)), st.integers(0, 12)
    new = st.text(alphabet=":-{}[]&*!|>'\"#,\n abc019.", max_size=6)
    return st.builds(lambda at, gone, new: good[:at] + new + good[at + gone :], at, gone, new)
