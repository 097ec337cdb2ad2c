"""A real run as a picture: what the steps did on which host from when to when, and how long the services were down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.report.moment import moment
from harness.report.run import Asked, Attempt, Span, Trouble
from harness.report.timeline import Bar, Mark, Row, Scale, Timeline, ticks

_LETTER = 6.6  # pixels of the picture


@dataclass(frozen=True)
class Story:
    """What a chapter's picture is drawn of; ``down`` is from when to when the services were, None where never."""

    began: str
    ended: str
    spans: Sequence[Span]
    troubles: Sequence[Trouble]
    down: tuple[str, str] | None
    hosts: Sequence[tuple[str, str]]  # name and role
    attempts: Sequence[Attempt]
    requests: Sequence[Asked]


def picture(story: Story) -> Timeline | None:
    """The picture; None where the dates are none."""
    begin, end = moment(story.began), moment(story.ended)
    if begin is None or end is None:
        return None
    scale = Scale(begin, max(end, begin + 1.0))
    down = [scale.bar(*span, "down", _lasting("the services are down", *span)) for span in _seconds(story.down)]
    rows = [Row("controller", "the engine", _attempts(story, scale), _troubles(story, scale))]
    rows.append(Row("steps", "of the run", tuple(_steps(story.spans, scale)), ()))
    rows += [_host(story, scale, name, role) for name, role in story.hosts]
    length = sum(last - first for first, last in _seconds(story.down)) if story.down else None
    return Timeline(tuple(rows), tuple(ticks(scale)), tuple(down), length)


def _seconds(span: tuple[str, str] | None) -> Iterator[tuple[float, float]]:
    if span is not None:
        first, last = map(moment, span)
        if first is not None and last is not None:
            yield first, max(first, last)


def _lasting(what: str, first: float, last: float) -> str:
    return f"{what}, {last - first:.1f} s"


def _attempts(story: Story, scale: Scale) -> tuple[Bar, ...]:
    bars = []
    for one in story.attempts:
        for first, last in _seconds((one.began, one.ended or story.ended)):
            if last >= scale.begin and first <= scale.end:
                word = one.outcome or "killed"
                bars.append(scale.bar(first, last, f"attempt-{word}", _lasting(f"{one.verb}: {word}", first, last)))
    return tuple(bars)


def _troubles(story: Story, scale: Scale) -> tuple[Mark, ...]:
    found = [(number, one, moment(one.date)) for number, one in enumerate(story.troubles, 1)]
    return tuple(Mark(scale.x(at), "fault", one.why, number) for number, one, at in found if at is not None)


def _steps(spans: Sequence[Span], scale: Scale) -> Iterator[Bar]:
    for span in spans:
        for first, last in _seconds((span.began, span.ended or span.began)):
            if last > first:
                yield _bar(scale, span, first, last)


def _bar(scale: Scale, span: Span, first: float, last: float) -> Bar:
    words = f"{span.step}: taken back" if span.taken_back else span.step
    bar = scale.bar(first, last, "undo" if span.taken_back else "step", _lasting(words, first, last))
    label = span.step if len(span.step) * _LETTER < bar.width else ""
    return Bar(bar.x, bar.width, bar.kind, bar.title, label)


def _host(story: Story, scale: Scale, name: str, role: str) -> Row:
    there = [span for span in story.spans if name in span.hosts]
    marks = [
        Mark(scale.x(at), "destroy", f"{one.what} ({one.answer})")
        for one in story.requests
        if one.host == name and one.effect == "destroy" and (at := moment(one.date)) is not None
        if scale.begin <= at <= scale.end
    ]
    return Row(name, role, tuple(_steps(there, scale)), tuple(marks))
