"""A slice of a sweep: the run without faults is told once more, and at each point of the slice a copy of this process
tells what happens when the point's fault strikes.

Simulated machines cannot be copied, since the programs that run on them are suspended functions; a process can.
"""

from __future__ import annotations

import gc
import os
import pickle
import traceback
from dataclasses import dataclass, field, replace
from functools import cache

from harness.hosts.command import Request
from harness.labs.lab import Start, StoreSpec
from harness.labs.simulated import SimulatedLab
from harness.trials.sweep.points import FAULTS, KILL, Beat, Point, cells, same_as
from harness.trials.sweep.story import Known, Remainder, Story, Told


@dataclass(frozen=True)
class Spec:
    """What is swept."""

    start: Start
    faults: tuple[str, ...] = FAULTS


@dataclass
class Survey:
    """The run without faults, beat by beat."""

    beats: list[Beat]
    told: Told
    known: Known

    def after(self, beat: Beat) -> Beat | None:
        index = beat.number  # numbers begin with 1
        return self.beats[index] if index < len(self.beats) else None

    @property
    def durations(self) -> dict[int, float]:
        return {beat.number: beat.seconds for beat in self.beats if beat.slow}


@dataclass(frozen=True)
class Trial:
    """One trial that was run, or found to be known."""

    point: Point
    told: Told
    merged: bool  # no process told it: its state was known


@dataclass
class SliceResult:
    """What the slice's representative points came to."""

    trials: list[Trial] = field(default_factory=list)


def survey(spec: Spec) -> Survey:
    """Tell the story without faults."""
    with SimulatedLab().open(spec.start) as opened:
        known = Known()
        story = Story(opened, known)
        known.files = story.state.files()
        story.conductor.beats = beats = []
        told = story.tell()
        _learn(known, story.heads, told)
    own = [beat for beat in beats if beat.attempt == 1]
    return Survey(own, told, known)


def _learn(known: Known, heads: list[tuple[str, int, int]], told: Told) -> None:
    for key, broken, unknown in heads:
        known.remainders[key] = Remainder(told.broken[broken:], told.unknown[unknown:], told.final)


class Merger:
    """Which cells are one trial: by rule (see ``same_as``), or because the engine is at the same place twice."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._first: dict[str, int] = {}
        for beat in survey.beats:
            if beat.place:
                self._first.setdefault(beat.place, beat.number)

    def representative(self, beat: Beat, point: Point) -> Point:
        """The point whose trial is this one's too."""
        survey = self._survey
        point = same_as(beat, survey.after(beat), point)
        place = survey.beats[point.number - 1].place
        return replace(point, number=self._first[place]) if place else point


def representatives(survey: Survey, spec: Spec) -> list[Point]:
    """The points whose trials are all that there are, in the order of the story."""
    merger = Merger(survey)
    found = {
        merger.representative(beat, point)
        for beat in survey.beats
        for point, why in cells(beat, survey.after(beat), spec.faults)
        if why is None
    }
    return sorted(found)


class _ShareDone(BaseException):
    """The last point of the share was told."""


class Forker:
    """At each command and record, copies this process once for every point of the slice there."""

    def __init__(self, story: Story, points: list[Point], known: Known) -> None:
        self.story = story
        self.points: dict[int, list[Point]] = {}
        for point in points:
            self.points.setdefault(point.number, []).append(point)
        self.last = max(self.points, default=0)
        self.known = known
        self.result = SliceResult()
        self.pipe: int | None = None  # in a copy: where to tell

    def at_command(self, number: int, request: Request) -> Point | None:
        if self.pipe is not None:
            return None
        if number > self.last:
            raise _ShareDone
        return self._branch(self.points.get(number, []))

    def at_record(self, number: int, moment: str) -> bool:
        if self.pipe is not None:
            return False
        here = [point for point in self.points.get(number, ()) if point.moment == moment and point.fault == KILL]
        return self._branch(here) is not None

    def _branch(self, here: list[Point]) -> Point | None:
        for point in here:
            if point.fault == KILL and point.moment in ("not_sent", "journalled") and self._is_known(point):
                continue
            if self._fork(point):
                return point
        return None

    def _is_known(self, point: Point) -> bool:
        """An engine that dies here leaves a state whose rest is known."""
        key = self.story.key("attempt", attempt_head=True)
        remainder = self.known.remainders.get(key) if key else None
        if remainder is None:
            return False
        told = Told(remainder.broken, remainder.unknown, (*self.story.outcomes, "killed"), remainder.final, 0)
        self.result.trials.append(Trial(point, told, merged=True))
        return True

    def _fork(self, point: Point) -> bool:
        """True in the copy; here, once the copy has told its story."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            self.pipe = writing
            self.story.heads.clear()
            self.story.conductor.commands = 0
            self.story.met = self._met
            return True
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read()
        os.waitpid(child, 0)
        told, heads = pickle.loads(said) if said else (_silent(), [])
        _learn(self.known, heads, told)
        self.result.trials.append(Trial(point, told, merged=False))
        return False

    def _met(self, remainder: Remainder) -> None:
        """In a copy: the rest is known."""
        told = self.story.told(remainder.final)
        self.finish(replace_told(told, remainder))

    def finish(self, told: Told) -> None:
        """In a copy: tell what came out, and end."""
        assert self.pipe is not None
        with os.fdopen(self.pipe, "wb") as pipe:
            pipe.write(pickle.dumps((told, self.story.heads)))
        os._exit(0)


def replace_told(told: Told, remainder: Remainder) -> Told:
    return told._replace(broken=told.broken + remainder.broken, unknown=told.unknown + remainder.unknown)


def _silent() -> Told:
    return Told((), ("the process that told this trial died without a word",), (), "", 0)


def run_slice(spec: Spec, known: Survey, points: list[Point]) -> SliceResult:
    """Run the trials of these points."""
    with SimulatedLab().open(spec.start) as opened:
        story = Story(opened, known.known)
        forker = Forker(story, points, known.known)
        story.conductor.brancher = forker
        story.conductor.durations = known.durations
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            told = story.tell() if points else story.told("")
        except _ShareDone:
            return forker.result
        except BaseException:  # noqa: BLE001
            if forker.pipe is None:
                raise
            told = story.told("")._replace(unknown=(f"the trial crashed: {traceback.format_exc()[-2000:]}",))
        if forker.pipe is not None:
            forker.finish(told)
    return forker.result


def small_start(seed: int = 7) -> Start:
    """A store that is tiny and awkward: links, odd names, attributes, holes, empty directories."""
    return Start(store=StoreSpec(12, 64 * 1024, seed, True), device_bytes=64 * 1024**2)


@cache
def _surveyed(text: str) -> tuple[Survey, list[Point]]:
    spec: Spec = pickle.loads(bytes.fromhex(text))
    found = survey(spec)
    return found, representatives(found, spec)


def run_share(spec: Spec, number: int, of: int) -> SliceResult:
    """Run one of so many equal shares of a sweep; whoever runs it and in which order, it comes to the same."""
    found, points = _surveyed(pickle.dumps(spec).hex())
    begin, end = (len(points) * edge // of for edge in (number, number + 1))
    fresh = Survey(found.beats, found.told, replace(found.known, remainders=dict(found.known.remainders)))
    return run_slice(spec, fresh, points[begin:end])
