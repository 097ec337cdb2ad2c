"""What must hold at every instant, seen by the lab and never by the engine's own programs."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.hosts.command import Fence
from harness.labs.simulated_state import WorldState

_DISCARDS = ("discard-my-data", "discard-zero-changes", "discard-secondary", "discard-younger", "call-pri-lost")


@dataclass
class Monitors:
    """Looks after each effect; ``broken`` collects what did not hold, each line with the invariant's name."""

    state: WorldState
    original: str  # the host's name, as events have it
    broken: list[str] = field(default_factory=list)
    committed: bool = False
    on_the_way_back: bool = False
    frozen: bool = False
    _seen_events: int = 0
    _epochs: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        """Judge the world as it is now, and all that happened since the last look."""
        self._last_copy()
        self._epochs_rise()
        self._one_primary()
        self._events()

    def accepted(self, host: str, fence: Fence | None) -> None:
        """A host carried out a request under this fence."""
        granted = self._epochs.get(host, 0)
        if fence is not None and fence.epoch < granted:
            self._say("I5", f"{host} obeyed epoch {fence.epoch} although it had granted {granted}")

    def _say(self, invariant: str, what: str) -> None:
        line = f"{invariant}: {what}"
        if line not in self.broken:
            self.broken.append(line)

    def _last_copy(self) -> None:
        for image, places in self.state.copies.complete().items():
            if not places:
                self._say("I1", f"no complete copy of the store {image}")
        if self.frozen and not self.state.copies.source_is_unchanged(self.on_the_way_back):
            self._say("I7", "the store is not as it was frozen where it was read from")

    def _epochs_rise(self) -> None:
        for host, epoch in self.state.epochs().items():
            if epoch < self._epochs.get(host, 0):
                self._say("I5", f"the epoch of {host} fell from {self._epochs[host]} to {epoch}")
            self._epochs[host] = epoch

    def _one_primary(self) -> None:
        if self.state.roles().count("Primary") > 1:
            self._say("I6", "both sides are Primary")

    def _events(self) -> None:
        for host, kind, detail in self.state.events_after(self._seen_events):
            self._seen_events += 1
            if kind == "sync-target" and host == self.original and not self.committed:
                self._say("I4", "the original, which has the data, became the target of a synchronisation")
            if kind == "destroy" and any(word in detail for word in _DISCARDS):
                self._say("I6", f"data was discarded by `{detail}`")
