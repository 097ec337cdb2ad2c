"""Two real hosts answer as they did when the recordings were made, and as the fakes answer.

Two recordings that hold most of what a move and Walrus send, since each call takes its time; ``make conformance`` plays
all.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.conformance import compare
from tests.conformance.machines import pair
from tests.conformance.recording import parts
from tests.conformance.sidebyside import compared

_RECORDINGS = ("a-move", "split-brain")


def test_real_drbd_still_answers_as_recorded(demanded_lab: Callable[[str], None]) -> None:
    demanded_lab("machines")
    with pair() as machines:
        lines = [line for name in _RECORDINGS for part in parts(name) for line in compared(machines, part)]
    print(compare.table(lines))
    told = "\n\n".join(line.told() for line in compare.differing(lines) if compare.reason_for(line) is None)
    assert compare.holds(lines), told
    assert sum(line.recording_agrees for line in lines) >= 0.98 * len(lines), told
