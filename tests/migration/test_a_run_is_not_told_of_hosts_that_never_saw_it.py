"""An inventory that names other hosts than those its run was carried out on: nothing is claimed of them, or changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.labs import catalogue
from harness.labs.lab import Opened, Start, StoreSpec
from harness.labs.simulated_state import WorldState
from harness.migration.engine import Event
from harness.migration.outcome import Outcome
from harness.migration.run import Listeners, Migration

START = Start(store=StoreSpec(objects=4, bytes=4000))


class Killed(BaseException):
    """The engine ends without a word."""


def carried_out(folder: Path, opened: Opened, until: str = "") -> Outcome:
    """A move, or its beginning: killed as a step begins to act."""

    def die(event: Event) -> None:
        if (event.kind, event.step) == ("acting", until):
            raise Killed

    return Migration(opened.inventory, folder, opened.clock, Listeners(die)).migrate()


def observed(opened: Opened) -> object:
    assert isinstance(opened.state, WorldState)
    return opened.state.observed()


@pytest.mark.parametrize("until", ["", "stage-store", "mount-device", "confirm-service"])
def test_new_hosts_are_not_said_to_hold_what_the_old_ones_held(until: str, tmp_path: Path) -> None:
    with catalogue.find("simulated").open(START) as opened:
        if until:
            with pytest.raises(Killed):
                carried_out(tmp_path / "run", opened, until)
        else:
            assert carried_out(tmp_path / "run", opened).outcome == "completed"
    with catalogue.find("simulated").open(START) as other:
        before = observed(other)
        told = carried_out(tmp_path / "run", other)
        assert observed(other) == before
    assert (told.outcome, told.exit_status) == ("refused", 3)
    assert "know nothing of this run" in told.message
    assert str(tmp_path / "run") in told.message
    assert "bukkits" not in told.message


def test_a_run_that_has_not_reached_a_host_yet_goes_on(tmp_path: Path) -> None:
    with catalogue.find("simulated").open(START) as opened, pytest.raises(Killed):
        carried_out(tmp_path / "run", opened, "register-additional")
    with catalogue.find("simulated").open(START) as other:
        assert carried_out(tmp_path / "run", other).outcome == "completed"


def test_a_host_that_is_away_may_have_seen_it(tmp_path: Path) -> None:
    with catalogue.find("simulated").open(START) as opened, pytest.raises(Killed):
        carried_out(tmp_path / "run", opened, "stage-store")
    with catalogue.find("simulated").open(START) as other:
        other.faults.power_off("additional")
        assert "know nothing of this run" not in carried_out(tmp_path / "run", other).message
