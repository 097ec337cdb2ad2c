"""The part of ``json`` that the fakes use, by its own C functions, without the regular expressions that it imports.

See ``lightclasses``.
"""

from __future__ import annotations

import _json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO


class _Plain:
    """How ``json.loads`` reads when it is told nothing."""

    strict, object_hook, object_pairs_hook = True, None, None
    parse_float, parse_int = float, int
    parse_constant = float
    memo: dict[str, str] = {}  # noqa: RUF012 - the scanner wants it, and empties it


_plain: Any = _Plain  # which the stubs know by another name
_scan: Callable[[str, int], tuple[Any, int]] = _json.make_scanner(_plain)


def loads(text: str) -> Any:
    """The value that a JSON text holds.

    Raises:
        ValueError: it is not JSON.
    """
    text = text.strip()
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        end = -1
    if end != len(text):
        raise ValueError(f"not JSON: {text[:80]!r}")
    return value


def load(file: IO[str]) -> Any:
    return loads(file.read())


def dumps(value: Any, separators: tuple[str, str] = (", ", ": ")) -> str:
    """JSON in one line, everything but ASCII escaped.

    Raises:
        TypeError: the value holds what JSON does not know.
    """
    items, keys = separators
    write = _json.make_encoder({}, _refuse, _json.encode_basestring_ascii, None, keys, items, False, False, True)
    return "".join(write(value, 0))


def dump(value: Any, file: IO[str]) -> None:
    file.write(dumps(value))


def _refuse(value: object) -> Any:
    raise TypeError(f"JSON knows no {type(value).__name__}")
