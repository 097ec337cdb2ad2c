"""A rollback that was told is on stable storage: losing power right after it brings nothing back."""

from __future__ import annotations

from pathlib import Path

from harness.evidence import HostSnapshot
from harness.labs.lab import ADDITIONAL, ORIGINAL
from tests.trials.chaos import driven


def test_power_lost_right_after_a_rollback_brings_nothing_back(tmp_path: Path) -> None:
    with driven(tmp_path) as trial:
        trial.kill_at(300, "after")
        assert trial.roll_back() == "rolled_back"
        for role in (ORIGINAL, ADDITIONAL):
            trial.opened.faults.power_off(role)
            trial.opened.faults.power_on(role)
        trial.opened.clock.sleep(60.0)
        as_before = {"eucalyptus-cloud": True, "drbd": False}
        assert all(_at_boot(trial.opened.truth.snapshot(role)) == as_before for role in (ORIGINAL, ADDITIONAL))
        assert trial.wrongs() == []
        assert trial.evidence.attempts[-1].outcome == "completed"


def _at_boot(snapshot: HostSnapshot) -> dict[str, bool]:
    return {name: service["starts at boot"] for name, service in snapshot.services.items()}
