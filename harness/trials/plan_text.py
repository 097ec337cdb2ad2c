"""A plan for people, and the same as JSON: each step with its commands, what undoes it, how long it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from harness.inventory import Settings
from harness.migration.estimate import Estimate, spoken
from harness.migration.forecast import Forecast
from harness.migration.planned import PlannedCommand

_SYNC_STEP = "wait-for-sync"
_ROUND_TRIP_S = 1.0


@dataclass(frozen=True)
class Shown:
    """What is shown: rows of name, summary, state and undo; the window; the commands, none when a move has begun."""

    rows: Sequence[tuple[str, str, str, str]]
    window: Estimate
    commands: Sequence[PlannedCommand]
    settings: Settings
    foreseen: Forecast | None = None

    def as_text(self) -> str:
        return "\n".join(self._lines())

    def as_json(self) -> str:
        steps = [
            {"step": step, "summary": summary, "state": state, "undo": undo} for step, summary, state, undo in self.rows
        ]
        undo = {row[0]: row[3] for row in self.rows}
        commands = [
            {**asdict(one), "undo": undo.get(one.step, ""), "seconds": round(self._expected_s(one))}
            for one in self.commands
        ]
        window_s = [round(self.window.least_s), round(self.window.most_s)]
        told = {"steps": steps, "window_s": window_s, "commands": commands}
        if one := self.foreseen:
            told["forecast_s"] = [round(one.least_s), round(one.likely_s), round(one.most_s)]
        return json.dumps(told)

    def _lines(self) -> Iterator[str]:
        for number, (step, summary, state, undo) in enumerate(self.rows, 1):
            yield f"{number:2} {step:<20} {state:<8} {summary}"
            for command in self.commands:
                if command.step == step:
                    yield f"{'':5}{command.host} {command.effect.upper():<7} {command.text}{self._takes(command)}"
            if step == _SYNC_STEP and self.commands:
                yield f"{'':5}waits for the first synchronisation, about {spoken(self._sync_s())} in all"
            yield f"{'':5}undo: {undo}"
        if self.commands:
            yield "Commands that only look are shown once a step; they are repeated while something is waited for."
        yield f"The services will be down {self.window}, from stop-services to confirm-service."
        if self.foreseen:
            yield f"As these hosts are now, about {self.foreseen}: {self.foreseen.figures()}."

    def _takes(self, command: PlannedCommand) -> str:
        seconds = self._expected_s(command)
        return f"   (about {spoken(seconds)})" if seconds > _ROUND_TRIP_S else ""

    def _expected_s(self, command: PlannedCommand) -> float:
        """Of copies and hashing by the rates that the inventory gives; anything else is a round trip."""
        if command.text.startswith("rsync "):
            return max(_ROUND_TRIP_S, self.window.copy_s)
        hashes = any(program in command.text for program in (" sha256sum ", " openssl dgst "))
        return max(_ROUND_TRIP_S, self.window.read_s) if hashes else _ROUND_TRIP_S

    def _sync_s(self) -> float:
        return self.window.sync_s
