"""An engine that stood still for an hour, while another one took over, changes nothing when it goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from harness.hosts.command import Effect, Request, effect_of
from harness.labs import catalogue
from harness.labs.lab import Opened, Start, StoreSpec
from harness.migration.outcome import Outcome
from harness.migration.run import Migration
from harness.trials.looking import Bystander
from harness.trials.tap import TappedConnection

HOUR_S = 3600.0
CHANGES_OF_A_MOVE = 70


@dataclass
class Sleeper(Bystander):
    """Stops the engine right before its nth change; another one goes on with its run, and an hour passes."""

    opened: Opened | None = None
    folder: Path = Path()
    sleeps_at: int = 0
    changes: int = 0
    other: Outcome | None = None
    obeyed_late: list[str] = field(default_factory=list)

    def before_send(self, role: str, request: Request) -> None:
        self.changes += effect_of(request) is not Effect.READ
        if self.changes == self.sleeps_at and self.other is None:
            self._sleep()

    def after_send(self, role: str, request: Request) -> None:
        """Only what a host obeyed comes here: a refusal is an error."""
        if self.other is not None and effect_of(request) is not Effect.READ:
            self.obeyed_late.append(f"{role}: {request}")

    def _sleep(self) -> None:
        """The other engine has the journal as it was at that moment, on another controller."""
        assert self.opened is not None
        elsewhere = self.folder.with_name("elsewhere")
        shutil.copytree(self.folder, elsewhere)
        self.other = Migration(self.opened.inventory, elsewhere, self.opened.clock, name_run=lambda: "run").migrate()
        self.opened.clock.sleep(HOUR_S)


@pytest.fixture
def opened() -> Iterator[Opened]:
    with catalogue.find("simulated").open(Start(store=StoreSpec(objects=6, bytes=20_000))) as opened:
        yield opened


@pytest.mark.parametrize("sleeps_at", [*range(4, CHANGES_OF_A_MOVE, 5)])
def test_it_changes_nothing_when_it_goes_on(opened: Opened, tmp_path: Path, sleeps_at: int) -> None:
    folder = tmp_path / "run"
    sleeper = Sleeper([], 1, opened=opened, folder=folder, sleeps_at=sleeps_at)
    original, additional, clc = (
        replace(node, connection=TappedConnection(node.connection, node.role, sleeper, opened.clock))
        for node in opened.inventory.nodes()
    )
    inventory = replace(opened.inventory, original=original, additional=additional, clc=clc)
    outcome = Migration(inventory, folder, opened.clock, name_run=lambda: "run").migrate()
    assert sleeper.other is not None, f"only {sleeper.changes} changes"
    assert sleeper.other.outcome == "completed", sleeper.other.message
    assert sleeper.obeyed_late == []
    assert outcome.exit_status == 5, outcome.message
    assert Migration(opened.inventory, tmp_path / "elsewhere", opened.clock).verify() == []
