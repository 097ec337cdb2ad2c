"""The two Walruses of a trial: who serves, and whether the cloud has come to rest, as the lab's events tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.labs.lab import ADDITIONAL, ORIGINAL, Opened

_REST_S, _LOOK_S = 60.0, 1.0


@dataclass(frozen=True)
class Walruses:
    """The Walruses of an open lab."""

    opened: Opened

    def serving(self) -> str:
        """The role of the host whose Walrus was ENABLED last and is so still."""
        return ADDITIONAL if self._states()[ADDITIONAL] == "ENABLED" else ORIGINAL

    def original_serves(self) -> bool:
        """No event tells of it where it is as it was before."""
        return self._states()[ORIGINAL] in ("", "ENABLED")

    def rest(self, rebooted: Sequence[str] = (), before: int = 0) -> None:
        """A cloud that comes up is waited for, so that it is not judged half-way."""
        deadline = self.opened.clock.now() + _REST_S
        while self.opened.clock.now() < deadline:
            if sorted(self._states(rebooted, before).values()) == ["DISABLED", "ENABLED"]:
                return
            self.opened.clock.sleep(_LOOK_S)

    def _states(self, rebooted: Sequence[str] = (), before: int = 0) -> dict[str, str]:
        """The state of each Walrus, as the events tell it; of hosts that rebooted those after the first so many."""
        state = {ORIGINAL: "", ADDITIONAL: ""}
        by_name = {self.opened.inventory.original.name: ORIGINAL, self.opened.inventory.additional.name: ADDITIONAL}
        for number, event in enumerate(self.opened.truth.events()):
            if event.kind in ("walrus", "walrus-lost") and event.host in by_name:
                role = by_name[event.host]
                state[role] = "" if role in rebooted and number < before else event.detail
        return state
