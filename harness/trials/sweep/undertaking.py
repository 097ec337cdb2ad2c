"""What a sweep breaks: the move, or the way back from a finished one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.clock import Clock
from harness.errors import LabError
from harness.inventory import Inventory
from harness.labs.lab import ADDITIONAL, ORIGINAL, Opened
from harness.labs.simulated_state import WorldState
from harness.migration.outcome import Outcome
from harness.migration.run import Listeners, Migration
from harness.trials.sweep.monitors import Monitors
from harness.trials.sweep.notebook import KeptMigration, Notebook

_REST_S = 60.0  # until what clients wrote is on both sides


@dataclass(frozen=True)
class Undertaking:
    """A command that is given again and again until it is done, and how the world is brought to where it begins.

    ``after`` is what clients do to the served store before; None: nothing comes before, it is the move itself.
    """

    after: tuple[str, ...] | None = None

    @property
    def is_the_move(self) -> bool:
        return self.after is None

    @property
    def done_already(self) -> str:
        """The outcome of asking for it once more: after the way back there is nothing left to take back."""
        return "completed" if self.is_the_move else "rolled_back"

    @property
    def done(self) -> tuple[str, ...]:
        """The outcomes that end it; an engine that died right after its last record was done already."""
        return ("completed",) if self.is_the_move else ("reversed", self.done_already)

    def give(self, migration: Migration) -> Outcome:
        """Give the command once."""
        return migration.migrate() if self.is_the_move else migration.rollback()

    def prepare(self, opened: Opened, state: WorldState, monitors: Monitors, notebook: Notebook, run_id: str) -> None:
        """Bring the world to where it begins. What is to be kept from then on is what is served then."""
        if self.after is None:
            return
        _completed(opened.inventory, notebook, opened.clock, run_id)
        role = ADDITIONAL if state.enabled() == [ADDITIONAL] else ORIGINAL
        doors: dict[str, Callable[[str, bool], object]] = {
            "write_served": opened.faults.write_object,
            "delete_served": opened.faults.delete_object,
        }
        for word in self.after:
            doors[word](role, True)
        opened.clock.sleep(_REST_S)
        state.copies.treasure_is_served_by(role)
        monitors.committed, monitors.on_the_way_back = True, True  # either side may have to catch up


THE_MOVE = Undertaking()


def _completed(inventory: Inventory, notebook: Notebook, clock: Clock, run_id: str) -> None:
    """A whole move, with nothing broken."""
    outcome = KeptMigration(inventory, notebook, clock, Listeners(), run_id).migrate()
    if outcome.outcome != "completed":
        raise LabError(f"the move that was to be taken back ended {outcome.outcome}: {outcome.message}")
