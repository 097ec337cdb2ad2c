"""A window that an operator names by date: from when, and until when, an online move may stop the service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import click
from pydantic_core import PydanticCustomError

from harness.yamlmodel import wrong

_HINT = "such as 2026-11-29T22:00+01:00/2026-11-30T02:00+01:00"


@dataclass(frozen=True)
class CutoverWindow:
    """From ``opens`` on and before ``closes``, in seconds since 1970."""

    opens: float
    closes: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """An interval of ISO 8601: two dates with time and offset, and a slash between them.

        Raises:
            PydanticCustomError: it is none, or ends before it begins.
        """
        first, slash, second = text.partition("/")
        if not slash:
            raise wrong(f"{text!r} is no interval: two dates with a slash between them", _HINT)
        window = cls(_moment(first), _moment(second))
        if window.closes <= window.opens:
            raise wrong(f"{text!r} ends before it begins", _HINT)
        return window

    def __str__(self) -> str:
        return f"{_told(self.opens)} to {_told(self.closes)}"


def option(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """For click: the text of an option that names a window."""
    try:
        return None if value is None else interval(value)
    except PydanticCustomError as error:
        raise click.BadParameter(f"{error.message()}; {(error.context or {}).get('suggestion', '')}") from error


def interval(text: str) -> str:
    """The text, when it names a window.

    Raises:
        PydanticCustomError: as ``CutoverWindow.parse``.
    """
    CutoverWindow.parse(text)
    return text


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise wrong(f"{text!r} is no date with a time", _HINT) from None
    if moment.tzinfo is None:
        raise wrong(f"{text!r} does not say of which place it is the time", "end it with Z or an offset as +01:00")
    return moment.timestamp()


def _told(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
