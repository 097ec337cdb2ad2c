"""Lengths of time as people type them: 2h, 90m, 1h30m, 45s, or seconds."""

from __future__ import annotations

import re

import click

_FORM = re.compile(r"(?:([0-9]{1,4})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,7})s?)?")
_LONGEST_S = 30 * 86_400


def seconds(text: str) -> float:
    """The seconds that a duration means.

    Raises:
        ValueError: it is none, or longer than thirty days.
    """
    found = _FORM.fullmatch(text.strip())
    hours, minutes, rest = (int(part or 0) for part in found.groups()) if found and text.strip() else (0, 0, 0)
    whole = hours * 3600 + minutes * 60 + rest
    if not 0 < whole <= _LONGEST_S:
        raise ValueError(f"{text!r} is no length of time: such as 2h, 90m, 1h30m, or seconds; thirty days at most")
    return float(whole)


def option(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """For click: the seconds of an option."""
    if value is None:
        return None
    try:
        return seconds(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
