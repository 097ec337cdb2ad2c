"""A host that is away, or comes back half-way, breaks no rollback: what is left there is named, and taken back later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.labs.lab import ADDITIONAL
from tests.trials.chaos import DrivenTrial, driven


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[DrivenTrial]:
    """A trial whose engine was killed in the middle of the move, and whose additional host then lost its power."""
    with driven(tmp_path) as trial:
        trial.kill_at(300, "after")
        trial.opened.faults.power_off(ADDITIONAL)
        yield trial


def test_a_host_that_was_lost_before_the_claim_is_passed_over(trial: DrivenTrial) -> None:
    assert trial.migrate() == "rolled_back"
    assert "walrus01" in trial.evidence.attempts[-1].last_words
    assert trial.wrongs() == []


@pytest.mark.parametrize("nth", [5, 15, 30, 45])
def test_a_host_that_comes_back_unclaimed_is_left_for_the_next_run(trial: DrivenTrial, nth: int) -> None:
    trial.driven.arm(nth, "after", lambda: trial.opened.faults.power_on(ADDITIONAL))
    assert trial.roll_back() in ("stopped", "rolled_back")
    trial.driven.arm(0, "before", lambda: None)
    assert trial.roll_back() == "rolled_back"
    assert trial.wrongs() == []


def test_a_rollback_that_was_asked_for_and_is_not_finished_has_not_succeeded(trial: DrivenTrial) -> None:
    assert trial.roll_back() == "stopped"
    assert "Not taken back yet: walrus01" in trial.evidence.attempts[-1].last_words
    trial.opened.faults.power_on(ADDITIONAL)
    assert trial.roll_back() == "rolled_back"
    assert trial.wrongs() == []
