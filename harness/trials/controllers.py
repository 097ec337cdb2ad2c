"""The controllers of a trial: the first one, others that take its run over, and one that knows nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.evidence import Attempt, CommandName, Evidence
from harness.labs.lab import Opened
from harness.migration.outcome import Outcome
from harness.migration.run import Migration


@dataclass
class Controllers:
    """Where each keeps its memory; ``number`` is the one that the operator sits at now."""

    opened: Opened
    workdir: Path
    evidence: Evidence
    number: int = 1

    @property
    def folder(self) -> Path:
        return self.first if self.number == 1 else self.workdir / f"adopted-{self.number}"

    @property
    def first(self) -> Path:
        return self.workdir / "run"

    @property
    def run_id(self) -> str:
        """The name of a run that begins at this controller, or is adopted by it."""
        return "trial" if self.number == 1 else f"trial-{self.number}"

    def second_engine(self) -> str:
        """Somebody starts the move a second time, as a run of its own; returns how that ended."""
        other = Migration(self.opened.inventory, self.workdir / "second", self.opened.clock, name_run=lambda: "second")
        return self._noted("second_migrate", other.migrate)

    def take_over(self, then: str) -> str:
        """Another controller adopts the run while the first one stands still, and goes on with it."""
        self.number += 1
        run_id = self.run_id
        other = Migration(self.opened.inventory, self.folder, self.opened.clock, name_run=lambda: run_id)
        said = self._noted("other_adopt", other.adopt)
        if then == "migrate":
            said += f", {self._noted('other_migrate', other.migrate)}"
        elif then == "rollback":
            said += f", {self._noted('other_rollback', other.rollback)}"
        return said

    def _noted(self, command: CommandName, work: Callable[[], Outcome]) -> str:
        started = self.opened.clock.now()
        done = work()
        ended = self.opened.clock.now()
        self.evidence.attempts.append(Attempt(command, started, ended, done.outcome, done.exit_status, done.message))
        return done.outcome
