"""Where the engine is in its own text: two moments at one place, in one state of the world, have the same future."""

from __future__ import annotations

import dis
import sys
from functools import cache
from types import CodeType, FrameType
from typing import Any

Lines = tuple[tuple[str, int], ...]


def lines_above(top: CodeType, skipped: int) -> Lines:
    """The lines on the stack, from the caller ``skipped`` frames up to the frame that runs ``top``."""
    return tuple((frame.f_code.co_qualname, frame.f_lineno) for frame in _frames(top, skipped + 1))


def standing_above(top: CodeType, skipped: int) -> tuple[object, ...]:
    """The lines on the stack, each with what its function has in plain values; an error is what it says."""
    return tuple(
        (frame.f_code.co_qualname, frame.f_lineno, _plain(sorted(frame.f_locals.items())))
        for frame in _frames(top, skipped + 1)
    )


def _plain(value: object) -> object:
    """A value by which two moments can be compared; of what has an identity, or is a moment, no more than its kind."""
    if value is None or isinstance(value, str | bytes | int):
        return value
    if isinstance(value, tuple | list):
        return tuple(_plain(one) for one in value)
    return str(value) if isinstance(value, BaseException) else type(value).__name__


def handlers_above(top: CodeType, skipped: int) -> Lines:
    """The handlers on the stack that an exception would come to, from the inside out."""
    return tuple(
        (frame.f_code.co_qualname, target)
        for frame in _frames(top, skipped + 1)
        if (target := _handler(frame)) is not None
    )


def way_above(top: CodeType, skipped: int) -> Lines:
    """Where an exception is first handled or cleaned up after, and from which instructions that place is being run."""
    frames = _frames(top, skipped + 1)
    inner = next((number for number, frame in enumerate(frames) if _handler(frame) is not None), len(frames))
    return tuple((frame.f_code.co_qualname, frame.f_lasti) for frame in frames[inner:])


def tell_apart(top: CodeType, skipped: int, one: str, other: str) -> bool:
    """Whether a function on the stack names one of two kinds of errors without the other right beside it."""
    return any(_names_one_alone(frame.f_code, one, other) for frame in _frames(top, skipped + 1))


@cache
def _names_one_alone(code: CodeType, one: str, other: str) -> bool:
    if one not in code.co_names and other not in code.co_names:
        return False
    found: set[object] = set()  # named in instructions that follow each other
    for instruction in (*dis.get_instructions(code), None):
        if instruction is not None and instruction.opname.startswith("LOAD_"):
            found.add(instruction.argval)
            continue
        if (one in found) != (other in found):
            return True
        found.clear()
    return False


def _frames(top: CodeType, skipped: int) -> list[FrameType]:
    frame: FrameType | None = sys._getframe(skipped + 1)
    found = []
    while frame is not None and frame.f_code is not top:
        found.append(frame)
        frame = frame.f_back
    return found


def _handler(frame: FrameType) -> int | None:
    for start, end, target in _table(frame.f_code):
        if start <= frame.f_lasti < end:
            return target
    return None


@cache
def _table(code: CodeType) -> tuple[tuple[int, int, int], ...]:
    parse: Any = dis._parse_exception_table  # type: ignore[attr-defined]  # private, and in no stub
    return tuple((entry.start, entry.end, entry.target) for entry in parse(code))
