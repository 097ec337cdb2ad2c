"""What the report of a real run holds, whoever it is rendered for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from harness.report.timeline import Timeline


@dataclass(frozen=True)
class Span:
    """A step that was carried out or taken back, from when to when; ``ended`` None while it is not over.

    ``end`` is done, was so already, taken back, stopped or under way.
    """

    step: str
    taken_back: bool
    began: str
    ended: str | None
    seconds: float | None
    end: str
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trouble:
    """Why the run stopped, as the journal has it."""

    date: str
    step: str
    why: str


@dataclass(frozen=True)
class Chapter:
    """The move, or a move back: its steps, and how long the services were down, None where they were not stopped.

    ``down_over`` is False while nobody has seen them serve again.
    """

    name: str
    began: str
    ended: str
    spans: tuple[Span, ...]
    troubles: tuple[Trouble, ...]
    down_s: float | None
    down_over: bool
    picture: Timeline | None


@dataclass(frozen=True)
class Moved:
    """What the store held when it was frozen, and the one hash that names it."""

    what: str
    objects: int
    others: int
    size: int
    digest: str


@dataclass(frozen=True)
class Proven:
    """A place that was read back and hashed: ``digest`` is of its manifest, ``same`` whether it is the frozen one's."""

    date: str
    what: str
    digest: str
    same: bool


@dataclass(frozen=True)
class Interlock:
    """What was seen to hold before a command that destroys was sent."""

    date: str
    host: str
    claim: str
    command: str


@dataclass(frozen=True)
class Attempt:
    """One command on the run. ``ended`` None where it has not ended, or was killed."""

    verb: str
    tool: str
    began: str
    ended: str | None
    outcome: str
    exit_status: int | None
    message: str


@dataclass(frozen=True)
class Asked:
    """One request to a host; ``times`` that it was sent with the same answer, one after the other."""

    date: str
    host: str
    step: str
    request: str  # Command, PutFile, StartJob ...
    what: str
    effect: str
    answer: str
    output: str
    times: int = 1


@dataclass(frozen=True)
class Ordered:
    """An order that another terminal gave, or what the engine made of it."""

    date: str
    order: str
    answer: str


@dataclass(frozen=True)
class RunReport:
    """A run as its folder tells of it. ``word`` is of the state, for the eye; ``mark`` its colour, as of a verdict."""

    run: str
    folder: str
    run_id: str
    journal: str
    state: str
    word: str
    mark: str
    headline: str
    exit_status: int | None
    exit_note: str
    next: str
    last_words: str
    last_trouble: str
    copies: str
    hosts: tuple[tuple[str, str], ...]
    chapters: tuple[Chapter, ...]
    moved: tuple[Moved, ...]
    proven: tuple[Proven, ...]
    interlocks: tuple[Interlock, ...]
    rehearsal: tuple[tuple[str, str], ...]
    orders: tuple[Ordered, ...]
    attempts: tuple[Attempt, ...]
    requests: tuple[Asked, ...]
    earlier: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def changes(self) -> tuple[Asked, ...]:
        """What changed a host, beside the run's own marks there."""
        own = ("Claim", "KeepRecord")
        return tuple(one for one in self.requests if one.effect != "read" and one.request not in own)


def as_json(report: RunReport) -> str:
    """The report for programs; docs/reference/commands.md lists the keys that others may rely on."""
    told = asdict(report)
    for chapter in told["chapters"]:
        del chapter["picture"]
    return json.dumps(told, indent=2)
