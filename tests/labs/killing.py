"""The command line, or a host under it, cut down at a random moment and started again, as an operator would."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from harness import runs
from harness.evidence import Attempt, Sent
from harness.inventory import Settings
from harness.inventory_text import render_inventory
from harness.labs.lab import ADDITIONAL, ORIGINAL, Lab
from harness.migration.journal import read
from harness.trials.actions import Action
from harness.trials.scenario import Scenario
from harness.trials.trial import Trial, Verb

_BOUND_S = 600.0
_OFF_S = 2.0
AFTER_THE_END = math.inf
_RESUMES = 3
_OUTCOMES = {3: "refused", 4: "stopped", 5: "operator_needed"}
_SETTLED = ("completed", "rolled_back")


Victim = Literal["engine", "original", "additional", "both"]
VICTIMS: tuple[Victim, ...] = ("engine", "original", "additional", "both")


@dataclass(frozen=True)
class Cut:
    """Who loses power, how long after the engine's start or right after its end; hosts have none for two seconds."""

    victim: Victim
    after_s: float

    def __str__(self) -> str:
        return f"{self.victim} after {'the end' if self.after_s == AFTER_THE_END else f'{self.after_s:.2f} s'}"

    @property
    def roles(self) -> tuple[str, ...]:
        """The hosts that are cut; none when it is the engine."""
        return {"engine": (), "both": (ORIGINAL, ADDITIONAL)}.get(self.victim, (self.victim,))


@dataclass
class KilledTrial(Trial):
    """A trial whose engine is a process of its own, ``walrus-ha migrate``, in which one cut happens.

    The engine is started again until the move is completed or taken back, at most three times.
    """

    cut: Cut | None = None

    def _do(self, action: Action) -> None:
        for _ in range(_RESUMES):
            if self.evidence.attempts[-1].outcome not in _SETTLED:
                super()._do(action)
        outcome = self.evidence.attempts[-1].outcome
        if outcome == "rolled_back":
            checks = ["durability", "exclusivity", "service"]
            self.evidence.expectation = replace(self.evidence.expectation, outcome=outcome, checks=checks)

    def _attempt(self, command: Verb, settings: Settings | None = None, folder: Path | None = None) -> None:
        inventory = self.workdir / "site.yaml"
        if not inventory.exists():
            inventory.write_text(render_inventory(self.opened.inventory))
        cut, self.cut = self.cut, None
        clock = self.opened.clock
        started = clock.now()
        status, outcome, said = self._run(inventory, cut)
        self.schedule.attempt += 1
        copied = self.stock.copied_since()
        self.evidence.attempts.append(Attempt("migrate", started, clock.now(), outcome, status, said, copied))
        self.stock.census(f"after attempt {self.schedule.attempt}")
        self._read_journal(inventory)

    def _run(self, inventory: Path, cut: Cut | None) -> tuple[int | None, str, str]:
        """Exit status (None when it was killed), outcome, and what it said last."""
        began, told_before = time.monotonic(), 0
        argv = [sys.executable, "-m", "harness", "migrate", "--json", "-i", str(inventory)]
        argv += ["--without-rehearsal", "the hosts of a lab that nobody keeps up"]
        environment = {**os.environ, "WALRUS_HA_STATE": str(self.workdir / "state")}
        with (self.workdir / "events.log").open("ab") as events:
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=events, env=environment)
            try:
                said, _ = process.communicate(timeout=_BOUND_S if cut is None else min(cut.after_s, _BOUND_S))
            except subprocess.TimeoutExpired:
                if cut is None or not cut.roles:
                    process.kill()
                    process.communicate(timeout=30)
                    return None, "killed", ""
                told_before = len(self.opened.truth.events())
                self._cut_hosts(cut.roles)
                said, _ = process.communicate(timeout=_BOUND_S)
            else:
                self._cut_after_the_end(cut, began)
        if not said:  # it ended by an error, which stands in the log of events
            return process.returncode, _OUTCOMES.get(process.returncode, "undetermined"), ""
        told = json.loads(said)
        if told_before and cut is not None and told["outcome"] == "completed":
            self.walruses.rest(cut.roles, told_before)  # cut right at the end, when nobody waited for it any more
        return process.returncode, told["outcome"], told["message"]

    def _cut_after_the_end(self, cut: Cut | None, began: float) -> None:
        """A cut whose moment comes after the move: nobody is there any more who would bring anything up."""
        if cut is not None and cut.roles:
            left_s = 0.0 if cut.after_s == AFTER_THE_END else began + cut.after_s - time.monotonic()
            self.opened.clock.sleep(max(0.0, left_s))
            self._cut_power(cut.roles, _OFF_S)

    def _cut_hosts(self, roles: tuple[str, ...]) -> None:
        faults, receipts = self.opened.faults, self.schedule.receipts
        receipts.extend(faults.power_off(role) for role in roles)
        self.opened.clock.sleep(_OFF_S)
        receipts.extend(faults.power_on(role) for role in roles)

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


def killed_trial(scenario: Scenario, lab: Lab, workdir: Path, cut: Cut | None) -> KilledTrial:
    """Run the scenario with one cut, or none, and the engine started again."""
    with lab.open(scenario.start.to_lab()) as opened:
        trial = KilledTrial(scenario, lab.name, opened, workdir, cut=cut)
        trial.run()
        opened.timers.cancel()
        trial.conclude()
        return trial


def cuts(count: int, seed: int, longest_s: float, victims: tuple[Victim, ...] = ("engine",)) -> list[Cut]:
    """Random moments of a move, spread so that every victim meets every part of it."""
    dice = random.Random(seed)
    rounds = -(-count // len(victims))
    found = [
        Cut(victim, (number + dice.random()) * longest_s / rounds) for number in range(rounds) for victim in victims
    ]
    return found[:count]
