"""Taking stock during a trial: which places hold a complete copy, and how many bytes were copied."""

from __future__ import annotations

from dataclasses import dataclass

from harness.checks.manifests import differences, expected_at_the_end
from harness.errors import LabError
from harness.evidence import Census, Evidence, Manifest
from harness.labs.lab import ADDITIONAL, ORIGINAL, Opened

_PLACES = (
    (ORIGINAL, "store"),
    (ORIGINAL, "old-store"),
    (ORIGINAL, "returning-store"),
    (ORIGINAL, "staging"),
    (ORIGINAL, "device"),
)  # the additional host's side is read at the end, by promoting it


@dataclass
class Stocktaking:
    """Past the engine, by the lab's truth; each census is noted in the evidence."""

    opened: Opened
    evidence: Evidence
    _counted: int = 0

    def census(self, moment: str) -> None:
        """Which places hold a complete copy now; a host without power is read from its disk as far as the lab can."""
        frozen = self.evidence.frozen
        if frozen is None:
            return
        newest = expected_at_the_end(self.evidence)
        ours = (*_PLACES, *((ORIGINAL, one) for one in self._second()))
        places = (*ours, (ADDITIONAL, "store"))  # there the pair's content is to be seen while that side serves
        found = {f"{self._name(role)}:{place}": self.opened.truth.manifest(role, place) for role, place in places}
        current = [name for name, there in found.items() if self._equals(newest, there)]
        complete = [name for name, there in found.items() if name in current or self._equals(frozen, there)]
        self.evidence.censuses.append(Census(self.opened.clock.now(), moment, complete, current))

    def _equals(self, frozen: Manifest, found: Manifest) -> bool:
        return found.error is None and not differences(frozen, found)

    def _name(self, role: str) -> str:
        return self.evidence.original if role == ORIGINAL else self.evidence.additional

    def copied_since(self) -> int:
        """Bytes since the last attempt ended: a copy goes on without its engine, and the next one answers for it."""
        total, before = self._copied(), self._counted
        self._counted = total
        return max(0, total - before)

    def _copied(self) -> int:
        """In all; what cannot be counted now counts with the next look."""
        truth = self.opened.truth
        try:
            return sum(truth.bytes_received(ORIGINAL, place) for place in ("staging", "device", *self._second()))
        except LabError:
            return self._counted

    def _second(self) -> tuple[str, ...]:
        """The place of a second staged copy, where there is to be one."""
        return ("second-staging",) if self.opened.inventory.settings.second_staging else ()
