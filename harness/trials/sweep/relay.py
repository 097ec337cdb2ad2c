"""The shares of a sweep in their order, and what each is told of those before it.

A second crash costs nothing where state and place are known from an earlier share. So that a share comes to the same
whoever runs it, and when, it knows exactly those that end a fixed number of shares before it, and waits for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from harness.trials.sweep.forking import SliceResult
from harness.trials.sweep.slices import Plan, Spec
from harness.trials.sweep.story import Known

SHARES = {1: 8, 2: 64}  # by depth; always as many: what a share learns on its way is the same whoever runs it
LAG = {1: 8, 2: 4}  # by depth: at most so many run at once. Stories of one fault have next to nothing in common


class Task(NamedTuple):
    """One share of a sweep. The run without faults, and what is to be broken, come with it: nobody looks twice."""

    spec: Spec
    plan: Plan
    known: Known
    number: int
    of: int


@dataclass
class Relay:
    """Hands out each share once, as soon as what it has to know is known."""

    spec: Spec
    plan: Plan
    _handed_out: int = 0
    _learned: dict[int, Known] = field(default_factory=dict)  # by shares that nobody was told of yet
    _told: int = 0  # what the shares before this one learned is part of ``_known``
    _known: Known = field(init=False)

    def __post_init__(self) -> None:
        self._known = self.plan.survey.known.copy()

    @property
    def of(self) -> int:
        """How many shares there are."""
        return SHARES[self.spec.depth]

    def next(self) -> Task | None:
        """One more share; None when there is none, or none yet."""
        number = self._handed_out
        if number == self.of or not self._knows_all_before(number - LAG[self.spec.depth] + 1):
            return None
        self._handed_out += 1
        return Task(self.spec, self.plan, self._known.copy(), number, self.of)

    def done(self, number: int, share: SliceResult) -> None:
        """A share came to this."""
        self._learned[number] = share.learned

    def _knows_all_before(self, number: int) -> bool:
        while self._told < number and self._told in self._learned:
            self._known.add(self._learned.pop(self._told))
            self._told += 1
        return self._told >= number
