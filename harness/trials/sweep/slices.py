"""What is swept, the run without faults, and the shares into which its points are cut."""

from __future__ import annotations

import gc
import pickle
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple, TypeVar

from harness.labs.lab import Start, StoreSpec
from harness.labs.simulated import SimulatedLab
from harness.trials.sweep.array import Pairing, covering_array
from harness.trials.sweep.forking import Forker, ShareDone, SliceResult, Wanted
from harness.trials.sweep.pages import in_large_pages
from harness.trials.sweep.points import (
    CRASHES,
    FAULTS,
    LOSE_REPLY,
    Beat,
    Point,
    cells,
    errs,
    errs_when_done,
    same_as,
)
from harness.trials.sweep.story import Known, Story, Told
from harness.trials.sweep.undertaking import THE_MOVE, Undertaking


@dataclass(frozen=True)
class Spec:
    """What is swept."""

    start: Start
    faults: tuple[str, ...] = FAULTS
    depth: int = 1
    seed: int = 7
    undertaking: Undertaking = THE_MOVE


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


def survey(spec: Spec) -> Survey:
    """Tell the story without faults."""
    with SimulatedLab().open(spec.start) as opened:
        known = Known()
        story = Story(opened, known, spec.undertaking)
        known.files = story.state.files()
        beats: list[Beat] = []
        story.conductor.beats = beats
        told = story.tell()
        known.learn(story.heads, told, story.conductor.cells)
    own = [beat for beat in beats if beat.attempt == 1]
    return Survey(own, told, known)


class Merger:
    """Which cells are one trial: by rule (see ``same_as``), or because the engine is at the same place twice."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._first: dict[str, int] = {}
        self._first_question: dict[str, int] = {}  # to which an answer can be lost and nothing else
        for beat in survey.beats:
            for name in filter(None, (beat.where.place, beat.where.way)):
                self._first.setdefault(name, beat.number)
            if beat.where.way and beat.effect == "read" and not beat.slow:
                self._first_question.setdefault(beat.where.way, beat.number)

    def representative(self, beat: Beat, point: Point) -> Point:
        """The point whose trial is this one's too."""
        while True:
            following = same_as(beat, self._survey.after(beat), point)
            if following == point:
                return self._first_like(beat, point)
            point, beat = following, self._survey.beats[following.number - 1]

    def _first_like(self, beat: Beat, point: Point) -> Point:
        place, way = beat.where.place, beat.where.way
        if errs_when_done(beat, point):
            return self._first_error(beat.where.way_when_done, point) or point
        if way and errs(beat, point):
            return self._first_error(way, point) or point
        return replace(point, number=self._first[place]) if place else point

    def _first_error(self, way: str, point: Point) -> Point | None:
        """Where this error takes this way first, before anything is begun there or as nothing but an answer is lost."""
        if point.fault == LOSE_REPLY:
            number = self._first_question.get(way)
            return replace(point, number=number) if number else None
        number = self._first.get(way)
        if number is None or self._survey.beats[number - 1].slow:
            return None
        return Point(number, point.fault, "sent" if point.moment == "done" else point.moment)


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


def run_slice(
    spec: Spec,
    found: Survey,
    known: Known,
    points: Sequence[Point],
    pairings: Sequence[Pairing] = (),
    wanted: Wanted = lambda: True,
) -> SliceResult:
    """Run the trials of these points and pairs."""
    with SimulatedLab().open(spec.start) as opened:
        story = Story(opened, known, spec.undertaking)
        forker = Forker(story, points, known, spec.depth, pairings, wanted)
        story.conductor.brancher = forker
        story.conductor.durations = found.durations
        gc.collect()
        gc.freeze()
        gc.disable()
        in_large_pages()
        try:
            if points or pairings:
                forker.finish(story.tell())
        except ShareDone:
            pass
        except BaseException:
            if forker.pipe is None:
                raise
            crash = f"the trial crashed: {traceback.format_exc()[-2000:]}"
            forker.finish(story.told("")._replace(unknown=(crash,)))
        finally:
            gc.enable()
            gc.unfreeze()
    return forker.result


def small_start(seed: int = 7) -> Start:
    """A store that is tiny and awkward: links, odd names, attributes, holes, empty directories."""
    return Start(store=StoreSpec(12, 64 * 1024, seed, True), device_bytes=64 * 1024**2)


class Plan(NamedTuple):
    """What is to be run, cut into shares; the same in every process."""

    survey: Survey
    points: list[Point]
    pairings: list[Pairing]


@cache
def planned(text: str) -> Plan:
    """The plan of a pickled spec."""
    spec: Spec = pickle.loads(bytes.fromhex(text))
    found = survey(spec)
    points = representatives(found, spec)
    if spec.depth == 1:
        return Plan(found, points, [])
    crashes = [point for point in points if point.fault in CRASHES]
    return Plan(found, crashes, covering_array(found.beats, points, spec.seed))


def plan_of(spec: Spec) -> Plan:
    """The run without faults, and what is to be broken."""
    return planned(pickle.dumps(spec).hex())


def run_share(spec: Spec, plan: Plan, known: Known, number: int, of: int, wanted: Wanted = lambda: True) -> SliceResult:
    """Run one of so many equal shares of a sweep with what is known; whoever runs it, it comes to the same."""
    points, pairings = _cut(plan.points, number, of), _cut(plan.pairings, number, of)
    return run_slice(spec, plan.survey, known, points, pairings, wanted)


T = TypeVar("T")


def _cut(whole: Sequence[T], number: int, of: int) -> Sequence[T]:
    begin, end = (len(whole) * edge // of for edge in (number, number + 1))
    return whole[begin:end]
