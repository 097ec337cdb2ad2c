"""The command line killed with SIGKILL at a random moment and started again, as an operator would."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from harness import runs
from harness.evidence import Attempt, Sent
from harness.inventory_text import render_inventory
from harness.labs.lab import Lab
from harness.migration.journal import read
from harness.trials.scenario import Scenario
from harness.trials.trial import Trial

_BOUND_S = 240.0
_OUTCOMES = {0: "completed", 3: "refused", 4: "stopped", 5: "operator_needed"}


@dataclass
class KilledTrial(Trial):
    """A trial whose engine is a process of its own, ``walrus-ha migrate``, killed once after ``kill_after_s``."""

    kill_after_s: float | None = None

    def _attempt(self, command: Literal["migrate", "rollback"]) -> None:
        inventory = self.workdir / "site.yaml"
        if not inventory.exists():
            inventory.write_text(render_inventory(self.opened.inventory))
        kill_after_s, self.kill_after_s = self.kill_after_s, None
        clock = self.opened.clock
        started = clock.now()
        status, said = self._run(inventory, kill_after_s)
        self.schedule.attempt += 1
        outcome = "killed" if status is None else _OUTCOMES.get(status, "undetermined")
        copied = self._copied_since()
        self.evidence.attempts.append(Attempt("migrate", started, clock.now(), outcome, status, said, copied))
        self._census(f"after attempt {self.schedule.attempt}")
        self._read_journal(inventory)

    def _run(self, inventory: Path, kill_after_s: float | None) -> tuple[int | None, str]:
        """Exit status (None when it was killed) and what it printed last."""
        argv = [sys.executable, "-m", "harness", "migrate", "-i", str(inventory)]
        environment = {**os.environ, "WALRUS_HA_STATE": str(self.workdir / "state")}
        with (self.workdir / "events.log").open("ab") as events:
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=events, env=environment)
            try:
                said, _ = process.communicate(timeout=_BOUND_S if kill_after_s is None else kill_after_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate(timeout=30)
                return None, ""
        return process.returncode, said.decode()

    def _read_journal(self, inventory: Path) -> None:
        """The engine's own process left no tap; its journal tells when which step was begun and done."""
        os.environ["WALRUS_HA_STATE"] = str(self.workdir / "state")
        path = runs.folder_for(inventory) / "journal.jsonl"
        entries, _ = read(path) if path.exists() else ([], 0)
        self.schedule.sent[:] = [
            Sent(
                datetime.fromisoformat(entry.date).timestamp(), 1, self.evidence.original, entry.step, what, "read", ""
            )
            for entry in entries
            if entry.step and (what := f"journal {entry.kind}")
        ]


def killed_trial(scenario: Scenario, lab: Lab, workdir: Path, kill_after_s: float) -> KilledTrial:
    """Run the scenario with the engine killed once and started again."""
    with lab.open(scenario.start.to_lab()) as opened:
        trial = KilledTrial(scenario, lab.name, opened, workdir, kill_after_s=kill_after_s)
        trial.run()
        opened.timers.cancel()
        trial.conclude()
        return trial


def moments(count: int, seed: int, longest_s: float) -> list[float]:
    """Random moments of a move, spread so that every part of it is met."""
    dice = random.Random(seed)
    return [(number + dice.random()) * longest_s / count for number in range(count)]
