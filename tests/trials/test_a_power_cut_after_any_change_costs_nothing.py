"""The original loses power after any change of a move or of its rollback, in any image: the end is the same."""

from __future__ import annotations

import pytest

from harness.labs.lab import Survives
from harness.trials.fault_kinds import FailCommand
from tests.trials.power_cuts import MKFS_FAILS, Told, moved_with_a_cut

_MOST_CHANGES = 400


def _all_cuts(survives: Survives, fault: FailCommand | None) -> list[Told]:
    """One move for each change that the engine makes on the original."""
    found: list[Told] = []
    for number in range(1, _MOST_CHANGES):
        told = moved_with_a_cut(number, survives, fault)
        if not told.cut_after:
            return found
        found.append(told)
    raise AssertionError(f"the move makes more than {_MOST_CHANGES} changes")


@pytest.mark.parametrize("survives", ["all", "torn", 2], ids=["everything", "torn", "names-only"])
@pytest.mark.parametrize("fault", [None, MKFS_FAILS], ids=["move", "rollback"])
def test_the_move_or_its_rollback_ends_as_without_the_cut(survives: Survives, fault: FailCommand | None) -> None:
    cuts = _all_cuts(survives, fault)
    assert len(cuts) > 30
    wanted = "rolled_back" if fault else "completed"
    bad = [told for told in cuts if told.outcome != wanted or told.lost or told.left or not told.copies]
    assert not bad, "\n".join(f"{told.cut_after}: {told}" for told in bad)
