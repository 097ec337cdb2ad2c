"""Counts what the engine does, and lets faults strike at their points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from harness.clock import Clock, Found
from harness.errors import CommandFailed, HostError, Indeterminate
from harness.hosts.command import Answer, Command, Effect, Fence, PollJob, Request, Result, effect_of
from harness.hosts.transport import Connection, Transport
from harness.inventory import Inventory, Node
from harness.labs.lab import Opened
from harness.labs.simulated_state import WorldState
from harness.trials.strikes import CUTS, LINK_BACK_S, POWER_BACK_S, EngineKilled
from harness.trials.sweep.monitors import Monitors
from harness.trials.sweep.notebook import Notebook
from harness.trials.sweep.points import (
    CELLS_A_COMMAND,
    CELLS_A_RECORD,
    FAIL,
    HANG,
    KILL,
    LINK,
    LOSE_REPLY,
    NOWHERE,
    Beat,
    Point,
    Whereabouts,
    beat_of,
    record_of,
)

RESTART_S = 1.0  # until somebody starts a dead engine again
_LATE_S = RESTART_S + 0.012  # in the middle of a new engine's first questions
_MIDDLE = 0.5


class Brancher(Protocol):
    """Decides at each command and record whether something strikes there."""

    def at_command(self, number: int, role: str, request: Request) -> Point | None: ...
    def at_record(self, number: int, moment: str) -> bool:
        """Whether the engine dies here."""
        ...

    def at_pause(self, number: int) -> str | None:
        """Which fault, if any, strikes as the engine begins to wait after its last command."""
        ...


class NoBranches:
    """Nothing strikes."""

    def at_command(self, number: int, role: str, request: Request) -> Point | None:
        return None

    def at_record(self, number: int, moment: str) -> bool:
        return False

    def at_pause(self, number: int) -> str | None:
        return None


@dataclass
class Conductor:
    """The tap of a sweep: between the engine and each host."""

    opened: Opened
    state: WorldState
    monitors: Monitors
    notebook: Notebook
    brancher: Brancher = field(default_factory=NoBranches)
    number: int = 0
    attempt: int = 0
    step: str = ""
    commands: int = 0
    sent: int = 0  # commands of this attempt
    marks: list[tuple[int, int]] = field(default_factory=list)  # attempt and command of what struck
    cells: int = 0  # points for a crash so far
    _counts: bool = True
    struck: list[Point] = field(default_factory=list)
    pending: list[tuple[str, float]] = field(default_factory=list)  # faults that will end by themselves, and when
    changes: int = 0  # commands that may have changed something
    turns: int = 0  # occasions at which more may have changed than questions and a moment change
    at_wait: Callable[[], None] = lambda: None  # told before the engine lets time pass
    at_claim: Callable[[], None] = lambda: None  # told when the engine is about to begin a walk over its plan
    whereabouts: Callable[[str, Request], Whereabouts] = lambda role, request: NOWHERE
    beats: list[Beat] | None = None  # written while the run without faults is surveyed

    def __post_init__(self) -> None:
        self.notebook.before, self.notebook.after = self._before_record, self._after_record

    def tapped(self) -> Inventory:
        """The inventory, each of whose hosts is reached through this tap."""

        def tap(node: Node) -> Node:
            return replace(node, connection=_TappedConnection(node.connection, node.role, self))

        inventory = self.opened.inventory
        return replace(
            inventory,
            original=tap(inventory.original),
            additional=tap(inventory.additional),
            clc=tap(inventory.clc),
        )

    def rest(self) -> None:
        """The story is told; what the engine is made to do from here on is for the judge, and nothing strikes."""
        self.brancher, self._counts, self.beats = NoBranches(), False, None

    # Commands

    def send(self, tap: _Tap, request: Request, fence: Fence | None) -> Answer:
        self.number += 1
        self.commands += 1
        self.sent += 1
        self.cells += CELLS_A_COMMAND if self._counts else 0
        number = self.number
        point = self.brancher.at_command(number, tap.role, request)
        began = self.opened.clock.now()
        where = self.whereabouts(tap.role, request) if self.beats is not None else NOWHERE
        if point is not None or _may_change(request):
            self.turns += 1
        if point is not None:
            self.struck.append(point)
            self.marks.append((self.attempt, self.sent))
            answer = self._strike(point, tap, request, fence)
        else:
            answer = tap.inner.send(request, fence)
        self._looked(tap, request, fence)
        if self.beats is not None:
            times = (began, self.opened.clock.now())
            if effect_of(request) is not Effect.READ:
                where = where._replace(way_when_done=self.whereabouts(tap.role, request).way)
            self.beats.append(beat_of(number, self.attempt, self.step, tap.role, request, times, where))
        return answer

    def _looked(self, tap: _Tap, request: Request, fence: Fence | None) -> None:
        if _may_change(request):
            self.changes += 1
            self.monitors.accepted(tap.name, fence)
            self.monitors.look()

    def _strike(self, point: Point, tap: _Tap, request: Request, fence: Fence | None) -> Answer:
        fault = point.fault
        if fault == KILL:
            self._kill(point.moment, tap, request, fence)
        if fault in CUTS or fault == LINK:
            return self._cut(point, tap, request, fence)
        done = point.moment == "done"
        if done:
            tap.inner.send(request, fence)
        self.monitors.look()
        match fault:
            case "lose_reply":
                raise Indeterminate(tap.name, f"the reply to `{request}` was lost")
            case "hang":
                self.opened.clock.sleep(patience_s(request))
                raise Indeterminate(tap.name, f"`{request}` did not answer in time")
        assert fault == FAIL
        failed = Result(1, b"", b"failed on purpose\n")
        if isinstance(request, Command):
            return failed
        raise CommandFailed(tap.name, str(request), failed)

    def _kill(self, moment: str, tap: _Tap, request: Request, fence: Fence | None) -> None:
        """The engine dies; what it had sent may arrive, or go on, without it."""
        try:
            match moment:
                case "sent":
                    late = f"{request} with {fence}"
                    self._later(late, _LATE_S, lambda: self.state.arrive(tap.role, request, fence))
                case "during" if isinstance(request, Command):
                    patience_s = self._middle_s(request)
                    tap.inner.send(replace(request, timeout_s=patience_s), fence)
                case "done":
                    tap.inner.send(request, fence)
                    self.state.world.settle()  # kernels go on, whoever died
        except HostError:
            pass  # nobody is there to hear it
        self.monitors.look()
        raise EngineKilled(str(request))

    def _middle_s(self, request: Request) -> float:
        return self.durations.get(self.number, 0.0) * _MIDDLE

    durations: dict[int, float] = field(default_factory=dict)  # of slow commands, from the survey

    def _cut(self, point: Point, tap: _Tap, request: Request, fence: Fence | None) -> Answer:
        """Power or link fails at a moment of a command."""
        hit = tap.role in CUTS.get(point.fault, ())
        match point.moment:
            case "sent" if hit:
                self._break(point.fault)
                raise Indeterminate(tap.name, f"it went down when it had `{request}`")
            case "not_sent" | "sent":  # whoever is there when it comes in carries it out
                self._break(point.fault)
                return tap.inner.send(request, fence)
            case "during":
                self._later(point.fault, self._middle_s(request), lambda: self._break(point.fault))
                return tap.inner.send(request, fence)
        answer = tap.inner.send(request, fence)
        self._break(point.fault)
        if hit and point.moment == "done":
            raise Indeterminate(tap.name, f"it went down before it answered `{request}`")
        return answer

    def _break(self, fault: str) -> None:
        self.turns += 1
        doors = self.opened.faults
        if fault == LINK:
            doors.cut_link()
            self._later("link back", LINK_BACK_S, doors.heal_link)
        for role in CUTS.get(fault, ()):
            doors.power_off(role)
            self._later(f"{role} back", POWER_BACK_S, partial(doors.power_on, role))
        self.monitors.look()

    def _later(self, what: str, seconds: float, action: Callable[[], object]) -> None:
        entry = (what, self.opened.clock.now() + seconds)
        self.pending.append(entry)

        def due() -> None:
            self.pending.remove(entry)
            self.turns += 1
            action()

        self.opened.timers.after(seconds, due)

    def pause(self, seconds: float) -> None:
        """The engine waits."""
        self.at_wait()
        fault = self.brancher.at_pause(self.number)
        if fault is not None:
            self.struck.append(Point(self.number, fault, "answered"))
            self.marks.append((self.attempt, self.sent))
            self._break(fault)
        self.opened.clock.sleep(seconds)

    # Journal records

    def _before_record(self, kind: str, step: str) -> None:
        if kind == "epoch":
            self.at_claim()
        self.number += 1
        self.cells += CELLS_A_RECORD if self._counts else 0
        if self.beats is not None:
            now = self.opened.clock.now()
            self.beats.append(record_of(self.number, self.attempt, self.step, f"{kind} {step}".strip(), now))
        self._die_at_record("not_sent")

    def _after_record(self, kind: str, step: str) -> None:
        if kind == "fact" and self.notebook.entries[-1].data["name"] in ("frozen", "frozen-pair"):
            self.monitors.frozen = True
        if kind == "undoing":
            self.monitors.frozen = False
        if kind == "committed":
            self.monitors.committed, self.monitors.frozen = True, False
        self._die_at_record("journalled")

    def _die_at_record(self, moment: str) -> None:
        if self.brancher.at_record(self.number, moment):
            self.struck.append(Point(self.number, KILL, moment))
            self.marks.append((self.attempt, self.sent + 1))  # before the next command
            raise EngineKilled(f"at record {self.number}")


def _may_change(request: Request) -> bool:
    """It changes something, or asks after what goes on by itself."""
    return effect_of(request) is not Effect.READ or isinstance(request, PollJob)


def patience_s(request: Request) -> float:
    """How long the engine waits for an answer that does not come."""
    return float(getattr(request, "timeout_s", 60.0))


@dataclass(frozen=True)
class TappedClock:
    """The lab's clock, with a word to the conductor whenever the engine waits."""

    inner: Clock
    conductor: Conductor

    def now(self) -> float:
        return self.inner.now()

    def sleep(self, seconds: float) -> None:
        self.conductor.pause(seconds)

    def date(self) -> str:
        return self.inner.date()

    def dated_s(self) -> float:
        return self.inner.dated_s()

    def together(self, works: Sequence[Callable[[], Found]]) -> list[Found]:
        return self.inner.together(works)


@dataclass(frozen=True)
class _TappedConnection:
    inner: Connection
    role: str
    conductor: Conductor

    def open(self, name: str) -> Transport:
        return _Tap(self.inner.open(name), name, self.role, self.conductor)

    def describe(self) -> str:
        return self.inner.describe()

    def weakness(self) -> str | None:
        return self.inner.weakness()


@dataclass(frozen=True)
class _Tap:
    inner: Transport
    name: str
    role: str
    conductor: Conductor

    def send(self, request: Request, fence: Fence | None = None) -> Answer:
        return self.conductor.send(self, request, fence)

    def close(self) -> None:
        self.inner.close()


__all__ = ["HANG", "LOSE_REPLY", "Brancher", "Conductor", "NoBranches"]
