"""Telling a story on from where it is with a fault, and coming back: a copy of this process does it.

Simulated machines cannot be copied, since the programs that run on them are suspended functions; a process can. The
copy tells the rest until it comes to a state from which the rest is known, says what it learned, and ends.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harness.hosts.command import Effect, Request, effect_of
from harness.labs.simulated_shapes import digest
from harness.trials.strikes import CUTS
from harness.trials.sweep.array import Pairing, moment_for
from harness.trials.sweep.places import Lines
from harness.trials.sweep.points import CRASHES, KILL, MOMENTS, Point, shows
from harness.trials.sweep.reach import reach
from harness.trials.sweep.story import Head, Known, Story, Told
from harness.trials.sweep.twins import Twins

_AS_IT_STANDS = ("not_sent", "journalled", "answered")  # moments of a death that leaves the state of now


def moments_of_a_cut(hit: bool, writes: bool, alike: bool) -> tuple[str, ...]:
    """The moments of a second cut that differ: it hits the host that is asked, the command changes something, and the
    engine takes an error that says that nothing was begun and one that does not know alike. "Answered" comes as the
    engine waits, or is the same as "not sent" of the next command.
    """
    found = ("not_sent",) if alike or not hit else ("not_sent", "sent")
    return (*found, "done") if hit and writes else found


@dataclass(frozen=True)
class Trial:
    """One trial that was run, or found to be known."""

    points: tuple[Point, ...]
    told: Told
    merged: bool  # no process told it: its state was known


@dataclass
class SliceResult:
    """What the points of a share came to."""

    trials: list[Trial] = field(default_factory=list)
    pairs: int = 0  # points for a second crash, in all
    bad_pairs: list[Trial] = field(default_factory=list)
    pairs_executed: int = 0
    paired: list[Trial] = field(default_factory=list)  # of the covering array
    learned: Known = field(default_factory=Known)


class _Said(NamedTuple):
    """What a copy says at its end."""

    told: Told
    heads: list[Head]
    cells: int | None  # the second crashes from its first head on, all of them tried; None when none were
    fresh: Known
    below: SliceResult
    struck: list[Point]


Wanted = Callable[[], bool]  # whether anybody still waits for the result


class ShareDone(BaseException):
    """The last point of the share was told."""


class Forker:
    """At each command and record, copies this process once for every point there.

    In the run without faults those are the points of the share. At depth 2 a copy does the same for every second crash,
    on its way to a state from which all second crashes were tried.
    """

    def __init__(
        self,
        story: Story,
        points: Sequence[Point],
        known: Known,
        depth: int,
        pairings: Sequence[Pairing] = (),
        wanted: Wanted = lambda: True,
    ) -> None:
        self.story = story
        self.points: dict[int, list[Point]] = {}
        for point in points:
            self.points.setdefault(point.number, []).append(point)
        self.pairings: dict[int, list[Pairing]] = {}
        for pairing in pairings:
            self.pairings.setdefault(pairing.first.number, []).append(pairing)
        self.last = max((*self.points, *self.pairings), default=0)
        self.known = known
        self.depth = depth
        self._fresh = Known()  # what was learned here, for the process that this one was copied from
        self.result = SliceResult(learned=self._fresh)
        self.pipe: int | None = None  # in a copy: where to tell
        self.recovering = False  # in a copy that tries second crashes
        self.second: tuple[str, int] | None = None  # in a copy: the fault that is to follow, after so many commands
        self.heads_before_second = 0  # what was passed before it says nothing of the rest without it
        self._of_before: object = None
        self._changed: tuple[int, str, Lines] | None = None  # number, role and handlers of a change right before
        self._twins = Twins()
        self._wanted = wanted

    # Where something may strike

    def at_command(self, number: int, role: str, request: Request) -> Point | None:
        if self.pipe is None:
            if number > self.last:
                raise ShareDone
            return self._branch(self.points.get(number, [])) or self._branch_pairs(number, MOMENTS)
        if self.second is not None:
            return self._follow(number, role, request)
        return self._crash_again(number, role, request) if self.recovering else None

    def at_record(self, number: int, moment: str) -> bool:
        here = Point(number, KILL, moment)
        if self.pipe is None:
            struck = here in self.points.get(number, []) and self._branch([here]) is not None
            return struck or self._branch_pairs(number, (moment,)) is not None
        return self.recovering and self._branch([here]) is not None

    def at_pause(self, number: int) -> str | None:
        self._changed = None
        if not self.recovering:
            return None
        state = self.story.key("attempt", attempt_head=True)
        here = [Point(number, fault, "answered") for fault in CRASHES]
        chosen = self._branch([point for point in here if self._is_new(point, state, self.story.lines(3), None)])
        return chosen.fault if chosen else None

    def _branch_pairs(self, number: int, moments: tuple[str, ...]) -> Point | None:
        for pairing in self.pairings.get(number, ()):
            if pairing.first.moment in moments and self._fork(pairing.first, (pairing.second, pairing.after)):
                return pairing.first
        return None

    def _follow(self, number: int, role: str, request: Request) -> Point | None:
        """The fault that is to follow, at the first command that it can hit once enough went by."""
        assert self.second is not None
        fault, left = self.second
        self.second = (fault, left - 1)
        moment = moment_for(fault, role, request) if left <= 1 else None
        if moment is None:
            return None
        self.second = None
        self.heads_before_second = len(self.story.heads)
        return Point(number, fault, moment)

    def _crash_again(self, number: int, role: str, request: Request) -> Point | None:
        """Every second crash at this command that was not tried at such a place in such a state already."""
        state = self.story.key("attempt", attempt_head=True)
        writes = effect_of(request) is not Effect.READ
        lines, handlers, alike = self.story.lines(3), self.story.handlers(3), self.story.takes_alike(3)
        # An engine that dies when something is done dies before the next command or record, or as it waits.
        here = [Point(number, KILL, moment) for moment in (("not_sent", "sent") if writes else ("not_sent",))]
        for fault in CRASHES:
            if fault not in CUTS:
                continue
            hit = role in CUTS[fault]
            if not shows(fault, reach(role, request)):
                continue  # it is the same cut a moment later, before the next command or as the engine waits
            for moment in moments_of_a_cut(hit, writes, alike):
                if moment == "not_sent" and hit and alike and self._changed == (number - 1, role, handlers):
                    continue  # it is the same cut as the one after the change, whose answer was lost in it
                point = Point(number, fault, moment)
                # An error before anything is begun takes the way to its handler, wherever in the text this stands.
                begun = not hit or (writes and moment != "not_sent")
                where = lines if begun else (handlers, self.story.conductor.step)
                if self._is_new(point, state, where, request if begun else None):
                    here.append(point)
        self._changed = (number, role, handlers) if writes else None
        return self._branch(here)

    def _is_new(self, point: Point, state: str | None, where: object, request: Request | None) -> bool:
        if state is None:
            return True
        place = digest((point.fault, point.moment, state, where, repr(request)))
        if place in self.known.places:
            return False
        self.known.places.add(place)
        self._fresh.places.add(place)
        return True

    # Copies

    def _branch(self, here: list[Point]) -> Point | None:
        for point in here:
            if point.fault == KILL and point.moment in _AS_IT_STANDS and self._is_known(point):
                continue
            if self._fork(point):
                return point
        return None

    def _is_known(self, point: Point) -> bool:
        """An engine that dies here leaves a state whose rest is known."""
        key = self.story.key("attempt", attempt_head=True)
        if key is None or not self._known(key, point):
            return False
        remainder = self.known.remainders[key]
        told = Told(remainder.broken, remainder.unknown, (*self.story.outcomes, "killed"), remainder.final, 0)
        self._keep(Trial((*self.story.conductor.struck, point), told, merged=True), self.known.rests.get(key))
        return True

    def _known(self, key: str, point: Point | None) -> bool:
        """The rest is known from here, and as deep as it is to be looked at."""
        deep = self.depth > 1 and (self.recovering if point is None else self.pipe is None and point.fault in CRASHES)
        return key in (self.known.rests if deep else self.known.remainders)

    def _keep(self, trial: Trial, rest: int | None) -> None:
        bad = bool(trial.told.broken or trial.told.unknown)
        if self.pipe is None:
            self.result.trials.append(trial)
            self.result.pairs += rest or 0 if self.depth > 1 and trial.points[0].fault in CRASHES else 0
        elif bad:
            self.result.bad_pairs.append(trial)
        if self.pipe is not None and not trial.merged:
            self.result.pairs_executed += 1

    def _fork(self, point: Point, second: tuple[str, int] | None = None) -> bool:
        """True in the copy; here, once the copy has told its story. A ``second`` fault is to follow in it."""
        if not self._wanted():
            os._exit(1)  # nobody is there to be told
        reading, writing = os.pipe()
        child = self._twins.fork()
        if child == 0:
            os.close(reading)
            self._become_copy(writing, point, second)
            return True
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        if text:
            self._hear(pickle.loads(text), second is not None)
        else:
            lost = Told((), ("the process that told this trial died without a word",), (), "", 0)
            self._keep(Trial((*self.story.conductor.struck, point), lost, merged=False), 0)
        return False

    def _become_copy(self, pipe: int, point: Point, second: tuple[str, int] | None) -> None:
        self.recovering = self.depth > 1 and self.pipe is None and point.fault in CRASHES and second is None
        self.second = second
        self.pipe = pipe
        self._of_before = (self.result, self._fresh, self.story.heads)  # giving memory back would cost a copy of it
        self.result = SliceResult()
        self._fresh = Known()
        self.story.heads = []
        self.story.met = self._met
        self.story.conductor.commands = self.story.conductor.cells = 0

    def _hear(self, said: _Said, paired: bool) -> None:
        told, heads, cells, fresh, below, struck = said
        for known in (self.known, self._fresh):
            known.learn(heads, told, cells)
            known.remainders.update(fresh.remainders)
            known.rests.update(fresh.rests)
            known.places |= fresh.places
        trial = Trial(tuple(struck), told, merged=False)
        if paired:
            self.result.paired.append(trial)
        else:
            self._keep(trial, cells)
        self.result.bad_pairs += below.bad_pairs
        self.result.pairs_executed += below.pairs_executed

    def _met(self, key: str) -> None:
        """In a copy: end here if the rest is known."""
        if self.second is not None or not self._known(key, None):
            return
        remainder = self.known.remainders[key]
        told = self.story.told(remainder.final)
        told = told._replace(broken=told.broken + remainder.broken, unknown=told.unknown + remainder.unknown)
        self.finish(told, self.known.rests.get(key, 0))

    def finish(self, told: Told, rest: int = 0) -> None:
        """In a copy: tell what came out, and end; ``rest`` counts the second crashes beyond."""
        if self.pipe is None:
            return
        cells = self.story.conductor.cells + rest if self.recovering else None
        heads = self.story.heads[self.heads_before_second :]
        with os.fdopen(self.pipe, "wb") as pipe:
            pipe.write(pickle.dumps(_Said(told, heads, cells, self._fresh, self.result, self.story.conductor.struck)))
        os._exit(0)
