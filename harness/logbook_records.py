"""The logbook read back: attempts, requests and orders; a line that is torn or unknown is counted and skipped."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from harness.logbook import FILE
from harness.redaction import redacted
from harness.report.run import Asked, Attempt, EffectWord, Ordered

Latest = dict[tuple[str, str], int]  # by host and what it was asked: the last such request, which may be repeated


@dataclass
class Records:
    """What the log of a run holds. ``kept`` is False where there is none."""

    kept: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    requests: list[Asked] = field(default_factory=list)
    orders: list[Ordered] = field(default_factory=list)
    unreadable: int = 0


def load(folder: Path) -> Records:
    """All that the log of a folder tells."""
    records = Records()
    try:
        file = (folder / FILE).open("rb")
    except OSError:
        return records
    records.kept = True
    latest: Latest = {}
    with file:
        for line in file:
            try:
                told = json.loads(line)
                _READERS[told["kind"]](records, told, latest)
            except (ValueError, KeyError, TypeError, RecursionError):
                records.unreadable += 1
    return records


def _text(told: dict[str, Any], *names: str) -> list[str]:
    """The fields, each a text."""
    found = [told[name] for name in names]
    if not all(isinstance(value, str) for value in found):
        raise TypeError("a field is no text")
    return [redacted(value) for value in found]


def _number(told: dict[str, Any], name: str) -> int:
    if type(told[name]) is not int:
        raise TypeError(f"{name} is no number")
    return int(told[name])


def _attempt(records: Records, told: dict[str, Any], _: Latest) -> None:
    verb, tool, date = _text(told, "verb", "tool", "date")
    records.attempts.append(Attempt(verb, tool, date, None, "", None, ""))


def _ended(records: Records, told: dict[str, Any], _: Latest) -> None:
    date, outcome, message = _text(told, "date", "outcome", "message")
    status = _number(told, "exit_status")
    at = next((at for at in reversed(range(len(records.attempts))) if records.attempts[at].ended is None), None)
    if at is None:
        raise KeyError("an end without a beginning")
    ended = replace(records.attempts[at], ended=date, outcome=outcome, exit_status=status, message=message)
    records.attempts[at] = ended


def _request(records: Records, told: dict[str, Any], latest: Latest) -> None:
    date, host, step, request, what, effect, answer, output = _text(told, *_REQUEST)
    asked = Asked(date, host, step, request, what, _EFFECTS[effect], answer, output)
    latest[asked.host, asked.what] = len(records.requests)
    records.requests.append(asked)


def _again(records: Records, told: dict[str, Any], latest: Latest) -> None:
    host, what = _text(told, "host", "what")
    at, times = latest[host, what], _number(told, "times")
    if times < 1:
        raise ValueError("told again, and not once")
    records.requests[at] = replace(records.requests[at], times=records.requests[at].times + times)


def _order(records: Records, told: dict[str, Any], _: Latest) -> None:
    records.orders.append(Ordered(*_text(told, "date", "order", "answer")))


_EFFECTS: dict[str, EffectWord] = {word: word for word in get_args(EffectWord)}
_REQUEST = ("date", "host", "step", "request", "what", "effect", "answer", "output")
_READERS: dict[str, Callable[[Records, dict[str, Any], Latest], None]] = {
    "attempt": _attempt,
    "ended": _ended,
    "request": _request,
    "again": _again,
    "order": _order,
}
