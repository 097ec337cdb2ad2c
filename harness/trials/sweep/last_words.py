"""What an engine says at its end: where the data is safe and what to type next, and whether it is true."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.labs.lab import ORIGINAL, Opened
from harness.labs.simulated_state import WorldState
from harness.migration.outcome import Outcome


@dataclass(frozen=True)
class LastWords:
    """Judges them against the world; ``files`` is what lay on each host before the first attempt."""

    opened: Opened
    state: WorldState
    files: Mapping[str, frozenset[str]]

    def broken_by(self, outcome: Outcome) -> Iterator[str]:
        """What does not hold, each with its invariant's name."""
        if outcome.outcome == "killed":
            return
        words = outcome.message
        if "walrus-ha" not in words:
            yield f"I9: {outcome.outcome} without a next command: {words!r}"
        if "store" not in words and "Nothing was changed" not in words:
            yield f"I9: {outcome.outcome} without a word of the store: {words!r}"
        yield from self._false_claims(outcome)
        if outcome.outcome == "rolled_back" and "as they were before" in words:
            yield from self._not_rolled_back()
            # After a reverse move that was taken back it is the pair's.
            if not self.state.copies.holds_store_at(ORIGINAL):
                yield "I13: after the rollback the store is not in its place"
        if outcome.outcome == "reverse_taken_back" and "serves again as before" in words:
            yield from self._not_rolled_back()

    def _false_claims(self, outcome: Outcome) -> Iterator[str]:
        """Each place that the last words call a complete copy holds one."""
        claimed = re.search(r"Complete copies of the store: (.*)\.", outcome.message)
        there = self.state.copies.complete()["as written"]
        for place in re.split(r", (?=\S+:/|/dev/)", claimed[1]) if claimed else ():
            if not any(self._means(place, found) for found in there):
                yield f"I9: {outcome.outcome} calls {place!r} a complete copy; complete are {there}"

    def _means(self, said: str, found: str) -> bool:
        settings = self.opened.inventory.settings
        names = {
            "store": settings.store,
            "old-store": f"{settings.store}.before-ha",
            "returning-store": f"{settings.store}.after-ha",
            "staging": settings.staging,
            "second-staging": settings.second_staging,
        }
        if "on the pair" in said or re.search(r" \(on /dev/\S+, which may have to be mounted there\)$", said):
            return "device" in found
        path = names.get(found)
        return path is not None and re.search(re.escape(path) + r"(?![.\w-])", said) is not None

    def _not_rolled_back(self) -> Iterator[str]:
        found = self.state.files()
        for host, before in self.files.items():
            if unlike := sorted(before ^ found[host]):
                yield f"I13: after the rollback {host} is not as it was: {unlike[0][:200]}"
