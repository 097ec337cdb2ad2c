"""One move whose window is foreseen before and measured afterwards, in any lab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.inventory import Settings
from harness.labs.lab import Opened
from harness.migration.engine import Event
from harness.migration.forecast import Forecast
from harness.migration.memory import STOPPING
from harness.migration.run import Listeners, Migration


@dataclass(frozen=True)
class Case:
    """What was foreseen, and how long the services were down then."""

    name: str
    told: Forecast
    took_s: float

    @property
    def holds(self) -> bool:
        return self.told.least_s <= self.took_s <= self.told.most_s

    def __str__(self) -> str:
        told = self.told
        span = f"{told.least_s:8.0f} {told.likely_s:8.0f} {told.most_s:8.0f}"
        return f"{self.name:<44} {span}   took {self.took_s:8.0f}   {'holds' if self.holds else 'MISSED'}"


def given(opened: Opened, settings: Mapping[str, Any]) -> Opened:
    """The same lab with an inventory that says no more than this; what it does not say is for the engine to know."""
    return replace(opened, inventory=replace(opened.inventory, settings=Settings.model_validate(dict(settings))))


def forecast(opened: Opened, folder: Path) -> Forecast:
    return Migration(opened.inventory, folder / "look", opened.clock).forecast()


def measured_s(opened: Opened, folder: Path) -> float:
    """From the step that opens the window to the end of the move."""
    began: list[float] = []

    def heard(event: Event) -> None:
        if event.step == STOPPING and event.kind == "acting":
            began.append(opened.clock.now())

    outcome = Migration(opened.inventory, folder / "move", opened.clock, Listeners(heard), lambda: "move").migrate()
    assert outcome.outcome == "completed", outcome.message
    return opened.clock.now() - began[0]
