"""Pairs of faults that are not both crashes: each kind in each step, followed by each kind, by one example each."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from harness.hosts.command import Effect, PollJob, Request, effect_of
from harness.trials.strikes import CUTS
from harness.trials.sweep.points import CRASHES, FAIL, FAULTS, KILL, LINK, LOSE_REPLY, Beat, Point

_SOON = (1, 2, 3, 5, 8, 13, 21)


@dataclass(frozen=True)
class Pairing:
    """A fault in the run, and another so many commands later."""

    first: Point
    second: str
    after: int


def covering_array(beats: Sequence[Beat], points: Sequence[Point], seed: int) -> list[Pairing]:
    """Every fault kind in every step with every kind that follows; which command and how soon is drawn by the seed."""
    rng = random.Random(seed)
    steps = {beat.number: beat.step for beat in beats}
    cells: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        cells.setdefault((steps[point.number], point.fault), []).append(point)
    return sorted(
        (
            Pairing(rng.choice(found), second, rng.choice(_SOON))
            for (_, first), found in sorted(cells.items())
            for second in FAULTS
            if not (first in CRASHES and second in CRASHES)
        ),
        key=lambda pairing: (pairing.first, pairing.second),
    )


def moment_for(fault: str, role: str, request: Request) -> str | None:
    """A moment at which the fault does most harm to this command; None when it cannot hit it."""
    writes = effect_of(request) is not Effect.READ
    if fault == FAIL and (isinstance(request, PollJob) or "ask for" in str(request)):
        return None
    if fault in CUTS:
        hit = role in CUTS[fault]
        return ("done" if writes else "sent") if hit else "not_sent"
    return {KILL: "done", LINK: "not_sent", LOSE_REPLY: "done"}.get(fault, "sent")
