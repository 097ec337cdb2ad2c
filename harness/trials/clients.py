"""Clients of the store, and what they change in it: from then on that is what must be found at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.evidence import Evidence, Manifest, Receipt
from harness.labs.lab import ORIGINAL, Deed, Opened
from harness.trials.walruses import Walruses


@dataclass
class Clients:
    """All clients of a trial; what they did is in its evidence."""

    opened: Opened
    evidence: Evidence
    walruses: Walruses
    _deeds: int = 0

    def do(self, deed: Deed) -> Receipt:
        """A client changes the store that the original serves; from then on that is the store which counts.

        Only what this very deed changed is taken over: whatever else became of the store meanwhile stays wrong.
        """
        frozen = self.evidence.frozen
        if not self.walruses.original_serves() or frozen is None:
            return Receipt(self.opened.clock.now(), "client", False, f"{deed}: the original's Walrus does not serve")
        before = self.opened.truth.manifest(ORIGINAL, "store").by_path()
        self._deeds += 1
        receipt = self.opened.faults.client(ORIGINAL, deed, self._deeds)
        now = self.opened.truth.manifest(ORIGINAL, "store").by_path()
        kept = {path: entry for path, entry in frozen.by_path().items() if path in now or path not in before}
        kept |= {path: entry for path, entry in now.items() if entry != before.get(path)}
        self.evidence.frozen = Manifest([kept[path] for path in sorted(kept)])
        return receipt

    def change_served(self, change: Callable[[str, bool], Receipt]) -> None:
        """A client writes or deletes; what it left, its directory included, must be found at the end."""
        role, truth = self.walruses.serving(), self.opened.truth
        before = truth.manifest(role, "store").by_path()
        self.evidence.receipts.append(change(role, True))
        now = truth.manifest(role, "store").by_path()
        self.evidence.written += [entry for entry in now.values() if entry != before.get(entry.path)]
        self.evidence.deleted += sorted(before.keys() - now.keys())
