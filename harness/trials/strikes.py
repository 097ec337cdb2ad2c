"""Faults at one numbered command of one attempt, as the sweep finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from harness.errors import Indeterminate
from harness.evidence import Receipt
from harness.hosts.command import Request
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, Opened
from harness.trials.fault_kinds import AtCommand, FailCommand, HangCommand, LoseReply

POWER_BACK_S, LINK_BACK_S = 3.0, 6.0
CUTS: dict[str, tuple[str, ...]] = {
    "cut_original": (ORIGINAL,),
    "cut_additional": (ADDITIONAL,),
    "cut_clc": (CLC,),
    "cut_both": (ORIGINAL, ADDITIONAL),
}


class EngineKilled(BaseException):
    """The engine dies here and now; no handler of the engine sees it, as none would see SIGKILL."""


@dataclass
class Strikes:
    """Counts the commands of each attempt, and strikes at those that are named."""

    opened: Opened
    waiting: list[AtCommand]
    receipt: Callable[[Receipt], None]
    _attempt: int = 0
    _number: int = 0
    _due: list[AtCommand] = field(default_factory=list)

    def before(self, attempt: int, role: str, host: str, request: Request) -> None:
        """A command is about to be sent."""
        if attempt != self._attempt:
            self._attempt, self._number = attempt, 0
        self._number += 1
        self._due = [one for one in self.waiting if (one.attempt, one.number) == (attempt, self._number)]
        for strike in self._due:
            if strike.moment in ("not_sent", "sent") and strike.fault not in ("fail", "hang", "lose_reply"):
                self._strike(strike, role, host, request, lost=strike.moment == "sent")
            elif strike.moment == "during" and strike.fault in (*CUTS, "cut_link"):
                self.waiting.remove(strike)
                self.opened.timers.after(strike.after_s or 0.01, partial(self._break, strike))

    def hit(self) -> FailCommand | HangCommand | LoseReply | None:
        """What this command's answer is to be, when a fault is about that."""
        for strike in self._due:
            effect = "after" if strike.moment == "done" else "before"
            made: FailCommand | HangCommand | LoseReply
            if strike.fault == "fail":
                made = FailCommand.model_construct(do="fail_command", effect=effect, status=1)
            elif strike.fault == "hang":
                made = HangCommand.model_construct(do="hang_command", effect=effect)
            elif strike.fault == "lose_reply":
                made = LoseReply.model_construct(do="lose_reply")
            else:
                continue
            self.waiting.remove(strike)
            return made
        return None

    def after(self, role: str, host: str, request: Request) -> None:
        """The command was answered; nobody has heard the answer yet."""
        for strike in self._due:
            if strike in self.waiting:
                self._strike(strike, role, host, request, lost=strike.moment == "done")

    def _strike(self, strike: AtCommand, role: str, host: str, request: Request, lost: bool) -> None:
        self.waiting.remove(strike)
        if strike.fault == "kill_engine":
            self.receipt(Receipt(self.opened.clock.now(), "kill_engine", True, f"at `{request}`"))
            raise EngineKilled(str(request))
        self._break(strike)
        if lost and role in CUTS.get(strike.fault, ()):
            raise Indeterminate(host, f"it went down around `{request}`")

    def _power_on(self, role: str) -> None:
        self.receipt(self.opened.faults.power_on(role))

    def _break(self, strike: AtCommand) -> None:
        doors, timers = self.opened.faults, self.opened.timers
        if strike.fault == "cut_link":
            self.receipt(doors.cut_link())
            timers.after(LINK_BACK_S, lambda: self.receipt(doors.heal_link()))
        for role in CUTS.get(strike.fault, ()):
            self.receipt(doors.power_off(role))
            timers.after(POWER_BACK_S, partial(self._power_on, role))
