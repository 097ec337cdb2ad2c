"""A host that is away, or comes back half-way, breaks no rollback: what is left there is named and taken back later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.labs.lab import ADDITIONAL, CLC
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


@pytest.mark.parametrize("nth", [9, 40, 90])
def test_a_cloud_controller_that_is_away_for_a_moment_is_waited_for(tmp_path: Path, nth: int) -> None:
    with driven(tmp_path) as trial:
        trial.kill_at(300, "after")
        faults = trial.opened.faults

        def cut() -> None:
            faults.power_off(CLC)
            trial.later(3.0, lambda: faults.power_on(CLC))

        trial.driven.arm(nth, "before", cut)
        assert trial.roll_back() == "rolled_back"
        assert trial.wrongs() == []


def test_a_cloud_controller_that_stays_away_stops_the_rollback_and_blames_no_other_host(tmp_path: Path) -> None:
    with driven(tmp_path) as trial:
        trial.kill_at(300, "after")
        trial.driven.arm(40, "before", lambda: trial.opened.faults.power_off(CLC))
        assert trial.roll_back() == "stopped"
        said = trial.evidence.attempts[-1].last_words
        assert "clc00 is down" in said
        assert "Not taken back yet: walrus00" not in said
        trial.driven.arm(0, "before", lambda: None)
        trial.opened.faults.power_on(CLC)
        assert trial.roll_back() == "rolled_back"
        assert trial.wrongs() == []
