"""What the report of a real run holds, whoever it is rendered for.

``python -m harness.report.run`` prints the JSON Schema of the report for programs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from harness.report.timeline import Timeline

FORMAT = 1  # of the report for programs; another one when a key is dropped, renamed or means something else
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
SpanEnd = Literal["done", "was so already", "taken back", "stopped", "under way"]
EffectWord = Literal["read", "write", "destroy"]
StateWord = Literal[
    "AT WORK", "COMPLETED", "ROLLED BACK", "REVERSED", "NOT BEGUN", "A PERSON IS NEEDED", "STOPPED"
]  # fmt: skip
Mark = Literal["PASS", "FAIL", "INCONCLUSIVE", "SKIPPED"]


@dataclass(frozen=True)
class Span:
    """A step that was carried out or taken back, from when to when; ``ended`` None while it is not over."""

    step: str
    taken_back: bool
    began: str
    ended: str | None
    seconds: Seconds | None
    end: SpanEnd
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
    down_s: Seconds | None
    down_over: bool
    picture: Annotated[Timeline | None, Field(exclude=True)]


@dataclass(frozen=True)
class Moved:
    """What the store held when it was frozen, and the one hash that names it."""

    what: str
    objects: Count
    others: Count
    size: Count
    digest: Sha256


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
    effect: EffectWord
    answer: str
    output: str
    times: Annotated[int, Field(ge=1)] = 1


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
    word: StateWord
    mark: Mark
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


_REPORT = TypeAdapter(RunReport)


def as_json(report: RunReport) -> str:
    """The report for programs: what docs/reference/run-report.schema.json describes, without the picture."""
    return json.dumps({"format": FORMAT, **_REPORT.dump_python(report)}, indent=2)


def schema_text() -> str:
    """The JSON Schema of the report for programs: every key is there, and no other."""
    schema = _REPORT.json_schema(mode="serialization")
    schema["properties"] = {"format": {"const": FORMAT, "type": "integer"}, **schema["properties"]}
    for one in (schema, *schema["$defs"].values()):
        one |= {"additionalProperties": False, "required": list(one["properties"])}
    told: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    told["title"] = "The report of a run, as walrus-ha report RUN --json prints it"
    return json.dumps(told, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
