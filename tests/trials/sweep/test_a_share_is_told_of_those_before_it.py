"""A share knows what those that end a fixed number of shares before it learned: no less, no more, in whatever order."""

from __future__ import annotations

import random

import pytest

from harness.trials.sweep.forking import SliceResult
from harness.trials.sweep.relay import LAG, SHARES, Relay
from harness.trials.sweep.slices import Plan, Spec, Survey, small_start
from harness.trials.sweep.story import Known, Remainder, Told

NOTHING = Told((), (), (), "", 0)


def _relay(depth: int) -> Relay:
    return Relay(Spec(small_start(), depth=depth), Plan(Survey([], NOTHING, Known()), [], []))


def _share(number: int) -> SliceResult:
    learned = Known({"all": Remainder((), (), str(number))}, {f"state {number}": number}, {f"place {number}"})
    return SliceResult(learned=learned)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("seed", range(5))
def test_whatever_order_they_are_done_in(depth: int, seed: int) -> None:
    chance, relay, running, told = random.Random(seed), _relay(depth), list[int](), dict[int, Known]()
    for _ in range(SHARES[depth]):
        while task := relay.next():
            told[task.number] = task.known
            running.append(task.number)
        assert len(running) <= LAG[depth]
        done = running.pop(chance.randrange(len(running)))
        relay.done(done, _share(done))
    assert sorted(told) == list(range(SHARES[depth]))
    for number, known in told.items():
        before = range(max(0, number - LAG[depth] + 1))
        assert known.places == {f"place {one}" for one in before}
        assert known.rests == {f"state {one}": one for one in before}
        assert known.remainders == ({"all": Remainder((), (), "0")} if before else {})
    assert relay.next() is None


def test_the_first_may_all_begin_at_once() -> None:
    relay = _relay(2)
    assert [task.number for task in iter(relay.next, None)] == list(range(LAG[2]))
