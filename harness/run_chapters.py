"""A run's journal as chapters for people: the move, and each move back, with their steps and how long nobody served."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.logbook_records import Records
from harness.migration.journal import Entry
from harness.migration.memory import PAIR_SERVES_AGAIN, REVERSING, STOPPING
from harness.redaction import redacted
from harness.report.moment import between, moment
from harness.report.run import Asked, Chapter, Span, SpanEnd, Trouble
from harness.report.run_timeline import Story, picture

_ENDS = ("completed", "rolled-back", "reversed", PAIR_SERVES_AGAIN)
_WINDOWS = {STOPPING: "confirm-service", "stop-pair": "confirm-original"}  # which step closes what the other opens
_OWN = ("Claim", "KeepRecord")  # the run's marks on a host, which are no part of a step


def last_run(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The records since the run was begun for the last time."""
    begun = [at for at, entry in enumerate(entries) if entry.kind == "begun"]
    return entries[begun[-1] :] if begun else entries


def chapters(entries: Sequence[Entry], records: Records, hosts: Sequence[tuple[str, str]]) -> Iterator[Chapter]:
    """The chapters of the last run, oldest first."""
    own = list(last_run(entries))
    starts = [0, *(at for at, entry in enumerate(own) if entry.kind == REVERSING)]
    for start, until in zip(starts, [*starts[1:], len(own)], strict=True):
        if own[start:until]:
            yield _chapter(own[start:until], records, hosts, last=until == len(own))


def _chapter(entries: list[Entry], records: Records, hosts: Sequence[tuple[str, str]], last: bool) -> Chapter:
    name = "The way back" if entries[0].kind == REVERSING else "The move"
    over = next((at for at, entry in enumerate(entries) if entry.kind in _ENDS), None)
    counted = entries if over is None else entries[: over + 1]
    ended = counted[-1].date if over is not None or not last else _last_seen(counted, records)
    spans = [_with_hosts(span, records.requests) for span in _spans(counted, ended)]
    troubles = tuple(Trouble(e.date, e.step, redacted(e.data["why"])) for e in counted if e.kind == "stopped")
    down, down_over = _down(counted, ended)
    story = Story(
        counted[0].date, ended, spans, troubles, down, hosts, records.attempts, records.requests
    )  # fmt: skip
    down_s = between(*down) if down else None
    return Chapter(name, story.began, ended, tuple(spans), troubles, down_s, down_over, picture(story))


def _last_seen(entries: Sequence[Entry], records: Records) -> str:
    """The last date that anything was heard of a chapter that is not over."""
    dates = [entries[-1].date, *(one.date for one in records.requests[-1:])]
    return max(dates, key=lambda date: moment(date) or 0.0)


def _spans(entries: Sequence[Entry], ended: str) -> Iterator[Span]:
    """Each step as it was carried out and taken back, in the order in which that came to its end."""
    begun: dict[str, str] = {}
    stopped: dict[str, str] = {}
    undoing: str | None = None
    for entry in entries:
        date, step = entry.date, entry.step
        if entry.kind == "intent":
            begun[step] = date
        elif entry.kind == "stopped":
            stopped[step] = date
        elif entry.kind == "done":
            since = begun.pop(step, None)
            yield _span(step, since or date, date, "done" if since else "was so already")
        elif entry.kind == "undoing":
            undoing = date
        elif entry.kind == "undone":
            if since := begun.pop(step, None):
                yield _span(step, since, stopped.get(step, undoing or date), "stopped")
            yield _span(step, undoing or date, date, "taken back", taken_back=True)
            undoing = date
    for step, since in begun.items():
        yield _span(step, since, stopped.get(step, ended), "stopped" if step in stopped else "under way")


def _span(step: str, began: str, ended: str, end: SpanEnd, taken_back: bool = False) -> Span:
    return Span(step, taken_back, began, ended, between(began, ended), end)


def _with_hosts(span: Span, requests: Sequence[Asked]) -> Span:
    """With the hosts that were changed in it."""
    first, last = moment(span.began), moment(span.ended or span.began)
    if first is None or last is None:
        return span
    found = [
        one.host
        for one in requests
        if one.step == span.step and one.effect != "read" and one.request not in _OWN
        if first <= (moment(one.date) or 0.0) <= last
    ]
    return replace(span, hosts=tuple(dict.fromkeys(found)))


def _down(entries: Sequence[Entry], ended: str) -> tuple[tuple[str, str] | None, bool]:
    """From when to when the services were down, as the steps saw them, and whether they were seen to serve again."""
    opened: Entry | None = None
    for entry in entries:
        if opened is None:
            if entry.step in _WINDOWS and entry.kind in ("intent", "done"):
                opened = entry
        elif (entry.kind, entry.step) in (("done", _WINDOWS[opened.step]), ("undone", opened.step)):
            return (opened.date, entry.date), True
    return ((opened.date, ended), False) if opened else (None, True)
