"""Dates of journal and logbook as seconds, so that they can be laid side by side."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DATE = re.compile(r"(.*?)(?:\+([0-9]+(?:\.[0-9]+)?)s)?")  # a lab's clock counts seconds from a date


def moment(date: str) -> float | None:
    """Seconds since 1970, None where the text is no date."""
    found = _DATE.fullmatch(date)
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found[1])
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() + float(found[2] or 0)


def between(began: str, ended: str | None) -> float | None:
    """The seconds from one date to another, None where one is none."""
    first, last = moment(began), moment(ended) if ended is not None else None
    return None if first is None or last is None else max(0.0, last - first)


def when(date: str) -> str:
    """The date for people, to the second; as it is where it is none."""
    at = moment(date)
    return date if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def lasting(seconds: float | None) -> str:
    """A length for people."""
    if seconds is None:
        return "not known"
    if seconds < 60:
        return f"{seconds:.1f} s"
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
