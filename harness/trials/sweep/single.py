"""Exactly one trial of a sweep: at the given points and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.hosts.command import Request
from harness.labs.simulated import SimulatedLab
from harness.trials.sweep.points import KILL, Beat, Point
from harness.trials.sweep.slices import Spec, Survey, survey
from harness.trials.sweep.story import Known, Story, Told


class Only:
    """Strikes at the given points; ``left`` are those that the story has not come to yet."""

    def __init__(self, points: tuple[Point, ...]) -> None:
        self.left = list(points)

    def at_command(self, number: int, role: str, request: Request) -> Point | None:
        return self._take(number, lambda point: True)

    def at_record(self, number: int, moment: str) -> bool:
        return self._take(number, lambda point: (point.fault, point.moment) == (KILL, moment)) is not None

    def at_pause(self, number: int) -> str | None:
        return None  # what strikes then strikes as the last answer comes in

    def _take(self, number: int, fits: Callable[[Point], bool]) -> Point | None:
        if self.left and self.left[0].number == number and fits(self.left[0]):
            return self.left.pop(0)
        return None


@dataclass(frozen=True)
class Single:
    """One trial with its points, where in which attempt each struck, and what came out."""

    points: tuple[Point, ...]
    marks: tuple[tuple[int, int], ...]  # attempt, and command of the attempt
    hits: tuple[tuple[Point, str], ...]  # with the command that it struck
    told: Told
    beats: tuple[Beat, ...] = ()  # all that the engine did, over all attempts


def run_single(spec: Spec, points: tuple[Point, ...], surveyed: Survey | None = None) -> Single:
    """Tell one story from its start with these faults, in the order of the points; what never came is unknown.

    ``surveyed`` is the run without faults, for those who have it already.
    """
    clean = surveyed or survey(spec)
    with SimulatedLab().open(spec.start) as opened:
        known = Known(files=clean.known.files, end=clean.known.end, end_enabled=clean.known.end_enabled)
        story = Story(opened, known, spec.undertaking)
        brancher = Only(points)
        conductor = story.conductor
        beats: list[Beat] = []
        conductor.brancher, conductor.durations, conductor.beats = brancher, clean.durations, beats
        told = story.tell()
    what = {beat.number: beat.what for beat in (*clean.beats, *beats)}
    never = tuple(f"{point} never came" for point in brancher.left)
    told = told._replace(unknown=told.unknown + never)
    hits = tuple((point, what.get(point.number, "")) for point in points)
    return Single(points, tuple(conductor.marks), hits, told, tuple(beats))
