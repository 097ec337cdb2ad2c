"""A trial as a picture: hosts from top to bottom, time from left to right; numbers only, drawing is the template's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.evidence import Event, Evidence

WIDTH, LEFT, ROW = 960, 110, 46
_RIGHT = 14
_TICKS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
_MOST_TICKS = 10


@dataclass(frozen=True)
class Bar:
    """A state that lasted: ``kind`` is the style's word, ``title`` what it means, ``label`` is written into it."""

    x: float
    width: float
    kind: str
    title: str
    label: str = ""


@dataclass(frozen=True)
class Mark:
    """Something that happened at one moment; ``number`` leads to the list below the picture, 0 where there is none."""

    x: float
    kind: str
    title: str
    number: int = 0


@dataclass(frozen=True)
class Row:
    """One host, or the controller."""

    name: str
    role: str
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Tick:
    """A moment of the axis, in seconds since the first attempt began."""

    x: float
    label: str


@dataclass(frozen=True)
class Timeline:
    """The picture. ``down_s`` is how long no Walrus was ENABLED, None where the evidence does not tell."""

    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    down: tuple[Bar, ...]
    down_s: float | None

    @property
    def height(self) -> int:
        return ROW * len(self.rows) + 30


@dataclass(frozen=True)
class Scale:
    """From seconds to the picture."""

    begin: float
    end: float

    def x(self, at: float) -> float:
        inside = min(max(at, self.begin), self.end)
        return round(LEFT + (inside - self.begin) / (self.end - self.begin) * (WIDTH - LEFT - _RIGHT), 1)

    def bar(self, begin: float, end: float, kind: str, title: str) -> Bar:
        return Bar(self.x(begin), round(max(self.x(end) - self.x(begin), 1.5), 1), kind, title)

    def seconds(self, at: float) -> str:
        return f"{at - self.begin:.1f} s"


def timeline(evidence: Evidence) -> Timeline | None:
    """The picture of a trial, None where no attempt was made."""
    if not evidence.attempts:
        return None
    begin = evidence.attempts[0].started_at
    last = max([evidence.attempts[-1].ended_at, *(event.at for event in evidence.events)])
    scale = Scale(begin, max(last, begin + 1.0))
    down = list(_nobody_serves(evidence, scale)) if _served_before(evidence) else []
    rows = [_controller(evidence, scale), *(_host(evidence, scale, name) for name in _hosts(evidence))]
    return Timeline(
        tuple(rows),
        tuple(ticks(scale)),
        tuple(scale.bar(start, end, "down", f"no Walrus serves for {end - start:.1f} s") for start, end in down),
        sum(end - start for start, end in down) if _served_before(evidence) else None,
    )


def _hosts(evidence: Evidence) -> list[str]:
    others = {event.host for event in evidence.events} | {snapshot.host for snapshot in evidence.after}
    pair = [evidence.original, evidence.additional]
    return [*pair, *sorted(others - set(pair) - {"", "-"})]


def _role(evidence: Evidence, host: str) -> str:
    return {evidence.original: "original", evidence.additional: "additional"}.get(host, "cloud controller")


def _controller(evidence: Evidence, scale: Scale) -> Row:
    bars = tuple(
        scale.bar(one.started_at, one.ended_at, f"attempt-{one.outcome}", f"{one.command}: {one.outcome}")
        for one in evidence.attempts
    )
    marks = tuple(
        Mark(scale.x(one.at), "fault", f"{one.fault} at {scale.seconds(one.at)}: {one.detail}", number)
        for number, one in enumerate(evidence.receipts, 1)
    )
    return Row("controller", "the engine", bars, marks)


def _host(evidence: Evidence, scale: Scale, host: str) -> Row:
    events = [event for event in evidence.events if event.host == host]
    bars = [*_service(evidence, scale, host, events), *_lasting(scale, events, "power", "off", "powerless", "no power")]
    bars += _lasting(scale, events, "frozen", "on", "frozen", "frozen")
    marks = tuple(
        Mark(scale.x(event.at), "destroy", f"{event.detail} at {scale.seconds(event.at)}")
        for event in events
        if event.kind == "destroy"
    )
    return Row(host, _role(evidence, host), tuple(bars), marks)


def _served_before(evidence: Evidence) -> bool:
    return any(read.when == "before" and read.status == 200 for read in evidence.reads)


def _states(evidence: Evidence, host: str, events: Sequence[Event]) -> Iterator[tuple[float, str]]:
    """When the Walrus of a host came into which state, from the first attempt on."""
    if host == evidence.original and _served_before(evidence):
        yield float("-inf"), "ENABLED"
    for event in events:
        if event.kind == "walrus":
            yield event.at, event.detail
        elif event.kind == "walrus-lost" or (event.kind, event.detail) == ("power", "off"):
            yield event.at, "STOPPED"


def _service(evidence: Evidence, scale: Scale, host: str, events: Sequence[Event]) -> Iterator[Bar]:
    for begin, end, state in _intervals(_states(evidence, host, events), scale.end):
        if state == "ENABLED":
            yield scale.bar(begin, end, "serves", "Walrus is ENABLED and serves")
        elif state == "DISABLED":
            yield scale.bar(begin, end, "standby", "Walrus is DISABLED: it stands by")


def _lasting(scale: Scale, events: Sequence[Event], kind: str, word: str, style: str, title: str) -> Iterator[Bar]:
    words = ((event.at, event.detail) for event in events if event.kind == kind)
    for begin, end, state in _intervals(words, scale.end):
        if state == word:
            yield scale.bar(begin, end, style, title)


def _intervals(states: Iterator[tuple[float, str]], end: float) -> Iterator[tuple[float, float, str]]:
    yield from ((begin, until, state) for (begin, state), (until, _) in pairwise([*states, (end, "")]) if until > begin)


def _nobody_serves(evidence: Evidence, scale: Scale) -> Iterator[tuple[float, float]]:
    """From when until when no host's Walrus was ENABLED, to the end of the last attempt.

    After it the trial takes the service down itself, to read what the other side holds.
    """
    serving: list[tuple[float, float]] = []
    for host in _hosts(evidence):
        events = [event for event in evidence.events if event.host == host]
        found = _intervals(_states(evidence, host, events), scale.end)
        serving += [(begin, end) for begin, end, state in found if state == "ENABLED"]
    at, over = scale.begin, evidence.attempts[-1].ended_at
    for begin, end in sorted(serving):
        if at < min(begin, over):
            yield at, min(begin, over)
        at = max(at, end)
    if at < over:
        yield at, over


def ticks(scale: Scale) -> Iterator[Tick]:
    span = scale.end - scale.begin
    every = next((step for step in _TICKS if span / step <= _MOST_TICKS), span / _MOST_TICKS)
    for number in range(int(span / every) + 1):
        seconds = number * every
        label = f"{seconds:g} s" if every < 60 else f"{seconds / 60:g} min" if every < 3600 else f"{seconds / 3600:g} h"
        yield Tick(scale.x(scale.begin + seconds), label)
