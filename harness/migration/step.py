"""What a step is: something that must be true, how to see it, how to make it so, how to take it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.hosts.host import Host, Reader
from harness.migration.site import Site


@dataclass(frozen=True)
class Satisfied:
    """What the step wants is true, as just seen."""


@dataclass(frozen=True)
class Pending:
    """Not true yet, and the step may act; ``why`` says what is missing."""

    why: str


@dataclass(frozen=True)
class Blocked:
    """A state that the step must not touch; ``reason`` names what was found and where."""

    reason: str


StepState = Satisfied | Pending | Blocked


class Step:
    """One line of the runbook, as a state to reach.

    ``name`` is the word for it everywhere; ``summary`` is what an operator reads. ``until`` names the later step that
    ends this one's effect on purpose: once that one is done, this one is not asked any more. ``guard`` steps must stay
    satisfied while later ones act, so they are looked at again before each.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    until: ClassVar[str | None] = None
    guard: ClassVar[bool] = False
    undo_summary: ClassVar[str | None] = None  # None: nothing to take back

    def inspect(self, site: Site[Reader]) -> StepState:
        """Look at the world; READ commands only."""
        raise NotImplementedError

    def holds(self, site: Site[Reader]) -> str | None:
        """For a guard: what no longer holds, None while it does. A quicker look than ``inspect``."""
        state = self.inspect(site)
        return None if isinstance(state, Satisfied) else str(state)

    def apply(self, site: Site[Host]) -> None:
        """Make it true. May be called again after a partial effect; everything destructive demands its proof first."""
        raise NotImplementedError

    def undo(self, site: Site[Host], host: Host) -> None:
        """Take back on one host what the step may have done there, in whole or in part; safe to repeat."""

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        """After ``undo``: what of the step is still to be seen on the host, None when it is gone."""
        return None

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        """The hosts on which there may be something to take back."""
        return site.pair
