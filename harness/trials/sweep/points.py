"""The points of a sweep: which fault, at which moment, of which command. One table says what cannot exist, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from harness.errors import InvalidInput
from harness.hosts.command import Command, Effect, PutFile, Request, StartJob, effect_of
from harness.trials.strikes import CUTS
from harness.trials.sweep.reach import EVERYBODY, reach

MOMENTS = ("not_sent", "sent", "during", "done", "answered", "journalled")
KILL, LINK, LOSE_REPLY, FAIL, HANG = "kill_engine", "cut_link", "lose_reply", "fail", "hang"
FAULTS = (KILL, *CUTS, LINK, LOSE_REPLY, FAIL, HANG)
CRASHES = (KILL, "cut_original", "cut_additional", "cut_both")
CELLS_A_COMMAND = len(CRASHES) * 4  # a second crash: not sent, sent, done, answered
CELLS_A_RECORD = 2  # the engine dies before it, or after
_ONLY_AT: dict[str, tuple[str, ...]] = {LOSE_REPLY: ("done",), FAIL: ("sent", "done"), HANG: ("sent", "during", "done")}
_POINT = re.compile(r"([1-9][0-9]*):([a-z_]+):([a-z_]+)")
_INSTANT_S = 0.0105  # what a request takes at most that has no duration of its own


@dataclass(frozen=True, order=True)
class Point:
    """A fault at a moment of a command; commands and journal records are numbered from 1 as the trial goes."""

    number: int
    fault: str
    moment: str

    def __str__(self) -> str:
        return f"{self.number}:{self.fault}:{self.moment}"

    @classmethod
    def parse(cls, text: str) -> Point:
        """The point that ``str`` printed.

        Raises:
            InvalidInput: it is none.
        """
        found = _POINT.fullmatch(text)
        if not found or found[2] not in FAULTS or found[3] not in MOMENTS:
            hint = f"write NUMBER:FAULT:MOMENT; faults are {', '.join(FAULTS)}, moments {', '.join(MOMENTS)}"
            raise InvalidInput(f"{text!r} is no point of a sweep: {hint}")
        return cls(int(found[1]), found[2], found[3])


class Whereabouts(NamedTuple):
    """Names for where the engine is in its own text as it sends something; "" for no name."""

    place: str = ""  # in which state of the world, saying this
    way: str = ""  # in which state of the world, and which way an error takes that comes before anything was begun
    takes_alike: bool = False  # an error that says that nothing was begun, and one that does not know
    way_when_done: str = ""  # the same way in the state that this leaves behind, when it changes something at once


NOWHERE = Whereabouts()


@dataclass(frozen=True)
class Beat:
    """One thing that the engine does: a command sent to a host, or a record written into the journal."""

    number: int
    attempt: int
    step: str
    role: str  # "" for a journal record
    what: str
    effect: str  # read, write, destroy; record
    seconds: float  # virtual, from sending to the answer
    slow: bool  # it has a middle
    has_status: bool  # its host could say that it failed
    answered_at: float = 0.0
    sent_at: float = 0.0
    where: Whereabouts = NOWHERE
    reach: frozenset[str] = EVERYBODY  # the roles on which the answer depends

    @property
    def is_record(self) -> bool:
        return self.effect == "record"


def beat_of(
    number: int, attempt: int, step: str, role: str, request: Request, times: tuple[float, float], where: Whereabouts
) -> Beat:
    """A command as it went without faults, with when it was sent and when it was answered."""
    began, ended = times
    slow = isinstance(request, Command) and ended - began > _INSTANT_S
    has_status = isinstance(request, Command | PutFile | StartJob) or effect_of(request) is not Effect.READ
    what, effect = str(request), effect_of(request).value
    shows = EVERYBODY if slow else reach(role, request)
    return Beat(number, attempt, step, role, what, effect, ended - began, slow, has_status, ended, began, where, shows)


def record_of(number: int, attempt: int, step: str, what: str, now: float) -> Beat:
    """A journal record."""
    return Beat(number, attempt, step, "", what, "record", 0.0, False, False, now, now)


def blank(beat: Beat, after: Beat | None, fault: str, moment: str) -> str | None:
    """Why this cell cannot exist, None when it can. ``after`` is what the engine does next."""
    if beat.is_record:
        if fault != KILL:
            return "a journal record is no host's: what cuts a host then cuts it before the next command"
        if moment not in ("not_sent", "journalled"):
            return "a journal record is on the disk or it is not; a torn one is dropped"
        return None
    if moment not in _ONLY_AT.get(fault, MOMENTS):
        return f"{fault} means another moment: {' or '.join(_ONLY_AT[fault])}"
    if fault == FAIL and not beat.has_status:
        return "its answer has no exit status that could be wrong"
    if moment == "during" and not beat.slow:
        return "it takes effect at once and has no middle"
    if moment == "journalled" and (after is None or not after.is_record):
        return "nothing is journalled after it"
    return None


def same_as(beat: Beat, after: Beat | None, point: Point) -> Point:
    """The point whose trial is this one's too: the world and what the engine knows are the same in both."""
    fault, moment, reads = point.fault, point.moment, beat.effect == "read"
    if beat.is_record:
        return point
    if fault == KILL:
        return _same_kill(beat, after, point)
    if fault in CUTS or fault == LINK:
        hit = beat.role in CUTS.get(fault, ())
        still = after is not None and after.sent_at == beat.answered_at
        if moment == "sent" and (not hit or beat.where.takes_alike):
            return replace(point, moment="not_sent")
        if moment == "not_sent" and not shows(fault, beat.reach):
            moment = "answered"
        if moment == "done":
            if hit:
                return replace(point, moment="sent") if reads and not beat.slow else point
            moment = "answered"
        if moment in ("answered", "journalled"):
            if still and after is not None and not after.is_record:
                return Point(after.number, fault, "not_sent")
            return Point(beat.number, fault, "answered")
        return replace(point, moment=moment)
    if moment == "during":
        return replace(point, moment="done")
    if moment == "done" and reads and not beat.slow and fault in (FAIL, HANG):
        return replace(point, moment="sent")
    return point


def shows(fault: str, reach: frozenset[str]) -> bool:
    """An answer or effect that depends on these hosts can tell of such a cut."""
    return len(reach) > 1 if fault == LINK else bool(reach & set(CUTS[fault]))


def errs(beat: Beat, point: Point) -> bool:
    """All that comes of this fault is an error of the transport: nothing was begun, or it was a question."""
    if beat.slow:
        return False
    if point.fault in CUTS:
        return beat.role in CUTS[point.fault] and point.moment in ("not_sent", "sent")
    return (point.fault == HANG and point.moment == "sent") or (point.fault == LOSE_REPLY and beat.effect == "read")


def errs_when_done(beat: Beat, point: Point) -> bool:
    """All that comes of this fault, beside what the request did, is an error of the transport."""
    if beat.slow or beat.effect == "read" or point.moment != "done" or not beat.where.way_when_done:
        return False
    return point.fault in (HANG, LOSE_REPLY)


def _same_kill(beat: Beat, after: Beat | None, point: Point) -> Point:
    """A dead engine knows nothing, so only the world counts, and a command that only reads does not change it."""
    moment = point.moment
    if moment == "journalled" and after is not None:
        return Point(after.number, KILL, "journalled")
    if moment == "answered":
        moment = "done"
    if beat.effect == "read" and not beat.slow and moment in ("sent", "done"):
        moment = "not_sent"
    if moment == "done" and after is not None and after.sent_at == beat.answered_at:
        return Point(after.number, KILL, "not_sent")
    return replace(point, moment=moment)


def cells(beat: Beat, after: Beat | None, faults: tuple[str, ...] = FAULTS) -> Iterator[tuple[Point, str | None]]:
    """Every cell of a command or record, and why it is blank."""
    for fault in faults:
        for moment in MOMENTS:
            yield Point(beat.number, fault, moment), blank(beat, after, fault, moment)
