"""What is no trial of its own at depth 2 comes to the same, told alone, as what is tried in its stead."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from harness.trials.strikes import CUTS
from harness.trials.sweep.points import CRASHES, Beat, Point, cells, shows
from harness.trials.sweep.single import run_single
from harness.trials.sweep.slices import Plan, Spec, plan_of, small_start

SECOND = ("cut_original", "cut_additional", "cut_both")
FIRST = ("kill_engine", "cut_original", "cut_additional")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(Spec(small_start(), depth=2))


def _a_moment_later(recovery: list[Beat]) -> list[tuple[Point, Point]]:
    """Cuts that do nothing to what is asked or changed, and the same before the next command."""
    return [
        (Point(beat.number, fault, "not_sent"), Point(after.number, fault, "not_sent"))
        for beat, after in pairwise(recovery)
        for fault in SECOND
        if not beat.is_record and not shows(fault, beat.reach)
        if not after.is_record and after.sent_at == beat.answered_at
    ]


def _taken_alike(recovery: list[Beat]) -> list[tuple[Point, Point]]:
    """Cuts of the host that is told something, before it heard of it and as it did."""
    return [
        (Point(beat.number, fault, "sent"), Point(beat.number, fault, "not_sent"))
        for beat in recovery
        for fault in SECOND
        if beat.role in CUTS[fault] and beat.where.takes_alike
    ]


def _nothing_begun(recovery: list[Beat]) -> list[tuple[Point, Point]]:
    """Cuts of the host that is to change something, and the same at the question to it right before."""
    return [
        (Point(beat.number, fault, "not_sent"), Point(before.number, fault, "not_sent"))
        for before, beat in pairwise(recovery)
        for fault in SECOND
        if beat.effect == "write" and before.effect == "read" and beat.role == before.role in CUTS[fault]
        if beat.step == before.step
    ]


def _dead_when_it_is_done(recovery: list[Beat]) -> list[tuple[Point, Point]]:
    """Engines that die when something is done, and before what they would do next."""
    return [
        (Point(beat.number, "kill_engine", "done"), Point(after.number, "kill_engine", "not_sent"))
        for beat, after in pairwise(recovery)
        if beat.effect in ("write", "destroy")
    ]


def _after_the_change_before(recovery: list[Beat]) -> list[tuple[Point, Point]]:
    """Cuts of the host that is asked right after it changed something, and the same when it had changed it."""
    return [
        (Point(beat.number, fault, "not_sent"), Point(before.number, fault, "done"))
        for before, beat in pairwise(recovery)
        for fault in SECOND
        if before.effect == "write" and not beat.is_record and beat.role == before.role in CUTS[fault]
        if beat.sent_at == before.answered_at and beat.where.takes_alike
        if beat.step == before.step
    ]


AS_MANY_COMMANDS = (_a_moment_later, _taken_alike)  # of the others one strikes before the other


Pairs = Callable[[list[Beat]], list[tuple[Point, Point]]]


def _thin(pairs: list[tuple[Point, Point]]) -> list[tuple[Point, Point]]:
    assert len(pairs) >= 10
    return pairs[len(pairs) // 3 :: len(pairs) // 2]


def _of_each_program_in_each_step(recovery: list[Beat], pairs: list[tuple[Point, Point]]) -> list[tuple[Point, Point]]:
    """The rule goes by the program, and what its answer leads to is the step's."""
    where = {beat.number: (beat.what.split()[0], beat.step) for beat in recovery}
    return list({where[one.number]: (one, other) for one, other in pairs}.values())


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize(
    "like", [_a_moment_later, _taken_alike, _nothing_begun, _dead_when_it_is_done, _after_the_change_before]
)
def test_it_comes_to_the_same(plan: Plan, first: str, like: Pairs) -> None:
    firsts = [point for point in plan.points if point.fault == first]
    for crash in firsts[len(first) :: len(firsts) // 2]:
        alone = run_single(Spec(small_start()), (crash,), plan.survey)
        for one, other in _thin(like([beat for beat in alone.beats if beat.number > crash.number])):
            _come_to_the_same(plan, crash, one, other, like in AS_MANY_COMMANDS)


@pytest.mark.timeout(1200)  # a minute, where nobody else wants the processors
def test_a_cut_that_nothing_shows_yet_is_the_same_a_moment_later(plan: Plan) -> None:
    crash = next(point for point in plan.points[11:] if point.fault == "kill_engine")
    alone = run_single(Spec(small_start()), (crash,), plan.survey)
    recovery = [beat for beat in alone.beats if beat.number > crash.number]
    sample = _of_each_program_in_each_step(recovery, _a_moment_later(recovery))
    assert len(sample) > 50
    for one, other in sample:
        _come_to_the_same(plan, crash, one, other, as_many_commands=True)


def _come_to_the_same(plan: Plan, crash: Point, one: Point, other: Point, as_many_commands: bool) -> None:
    told = [run_single(Spec(small_start()), (crash, second), plan.survey).told for second in (one, other)]
    assert [(each.broken, each.unknown) for each in told] == [((), ())] * 2, (crash, one, other)
    ends = [(each.outcomes, each.final) for each in told]
    assert ends[0] == ends[1], (crash, one, other)
    if as_many_commands:
        assert told[0].commands == told[1].commands, (crash, one, other)


@pytest.mark.parametrize("seed", range(4))
def test_pairs_drawn_at_random_pass_alone(plan: Plan, seed: int) -> None:
    """Of all second crashes of a recovery, whatever makes their ends known: here nothing is known, nothing merged."""
    chance = random.Random(seed)
    first = chance.choice([point for point in plan.points if point.fault in CRASHES])
    alone = run_single(Spec(small_start()), (first,), plan.survey)
    recovery = [beat for beat in alone.beats if beat.number > first.number]
    for beat, after in chance.sample(list(pairwise(recovery)), 12):
        second = chance.choice([point for point, why in cells(beat, after, CRASHES) if why is None])
        told = run_single(Spec(small_start()), (first, second), plan.survey).told
        assert (told.broken, told.unknown) == ((), ()), (first, second)
