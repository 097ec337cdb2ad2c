"""JSON that this tool wrote and a person may have edited, read as strictly as YAML, and much faster.

JSON is YAML, but a file that the tool wrote itself can have thousands of values, and Python's own reader takes a
hundredth of the time. It knows no places, so what there is to complain about is looked for in the same text as YAML.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness import yamlfile, yamlwords
from harness.errors import InvalidInput, Problem


class _Odd(ValueError):
    """There is something to say about a value, and that needs its place."""


class _Placed(yamlfile.Document):
    """A document whose places are looked up when the first problem is noted."""

    def __init__(self, file: str, value: Any, text: str) -> None:
        super().__init__(file, value)
        self._text = text

    def mark(self, location: yamlfile.Location, at_key: bool = False) -> tuple[int, int]:
        if not self.value_marks:
            found = yamlfile.parse(self._text, self.file)
            self.value_marks, self.key_marks = found.value_marks, found.key_marks
        return super().mark(location, at_key)


def read(path: Path) -> yamlfile.Document:
    """Read one JSON file. Problems that leave the rest readable are noted in the document, not raised.

    Raises:
        InvalidInput: the file cannot be read, or is no JSON; one problem, with its place.
    """
    text = yamlfile.read_text(path)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_each_key_once,
            parse_int=_undisputed,
            parse_float=_undisputed,
            parse_constant=_undisputed,
        )
        _require_sound(value)
    except json.JSONDecodeError as error:
        raise InvalidInput(Problem(str(path), error.lineno, error.colno, f"not JSON: {error.msg}")) from None
    except (_Odd, yamlwords.Unclear, RecursionError):
        return yamlfile.parse(text, str(path))
    return _Placed(str(path), value, text)


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Odd
    return found


def _undisputed(word: str) -> int | float:
    value = yamlwords.resolve(word)
    if isinstance(value, str) or value is None:  # such as NaN
        raise _Odd
    return value


def _require_sound(value: Any) -> None:
    """No text that could deceive, and no more values or levels than YAML may have."""
    level, values = [value], 0
    for _ in range(yamlfile.MAX_DEPTH):
        values += len(level)
        below: list[Any] = []
        for one in level:
            match one:
                case str():
                    yamlwords.sound(one)
                case dict():
                    values += len(one)
                    for key in one:
                        yamlwords.sound(key)
                    below += one.values()
                case list():
                    below += one
        if not below:
            break
        level = below
    if below or values > yamlfile.MAX_NODES:
        raise _Odd
