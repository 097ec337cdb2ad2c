"""Two errors are the same trial only where no function on the stack names one of them without the other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from harness.errors import Indeterminate, Unreachable
from harness.trials.sweep.places import standing_above, tell_apart

_SILENCES = (Unreachable.__name__, Indeterminate.__name__)
Inner = Callable[[], object]


def _takes_both(inner: Inner) -> object:
    try:
        return inner()
    except (Unreachable, Indeterminate):
        return None


def _takes_both_quietly(inner: Inner) -> object:
    with contextlib.suppress(Unreachable, Indeterminate):
        return inner()
    return None


def _takes_neither(inner: Inner) -> object:
    return inner()


def _takes_one(inner: Inner) -> object:
    try:
        return inner()
    except Unreachable:
        return None


def _takes_one_after_the_other(inner: Inner) -> object:
    try:
        return inner()
    except Unreachable:
        return None
    except Indeterminate:
        raise


def _passes_over_one(inner: Inner) -> object:
    with contextlib.suppress(Indeterminate):
        return inner()
    return None


def _top(between: Callable[[Inner], object]) -> object:
    return between(lambda: tell_apart(_top.__code__, 1, *_SILENCES))


@pytest.mark.parametrize("between", [_takes_both, _takes_both_quietly, _takes_neither])
def test_these_take_both_alike(between: Callable[[Inner], object]) -> None:
    assert _top(between) is False


@pytest.mark.parametrize("between", [_takes_one, _takes_one_after_the_other, _passes_over_one])
def test_these_tell_them_apart(between: Callable[[Inner], object]) -> None:
    assert _top(between) is True


def _waits(count: int, why: Exception, thing: object) -> tuple[object, ...]:
    return standing_above(test_a_place_is_the_same_where_the_plain_values_are.__code__, 0)


def test_a_place_is_the_same_where_the_plain_values_are() -> None:
    here = [
        _waits(count, OSError(why), thing)
        for count, why, thing in ((1, "gone", object()), (1, "gone", object()), (2, "gone", object()), (1, "full", 1.5))
    ]
    assert len(here) == 4
    assert here[0][0] == here[1][0]
    assert here[0][0] != here[2][0]
    assert here[0][0] != here[3][0]
