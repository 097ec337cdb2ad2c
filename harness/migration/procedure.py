"""What decides which commands a move sends, apart from what the hosts are called and where they are.

Two sites with one procedure are sent the same, name for name and place for place; a rehearsal of one says something of
the other. Sizes and speeds are no part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from harness.inventory import Settings
from harness.migration.plan import PLANS
from harness.migration.survey import engine_identity


@dataclass(frozen=True)
class Procedure:
    """The engine, by the hash of its text, and what it goes by."""

    engine: str
    strategy: str
    filesystem: str
    first_sync: str
    rehash: str
    cloud: str  # own: the cloud controller is a host of its own; original: it runs on the original Walrus
    drbd: str  # 8.3 or 8.4

    @property
    def sha256(self) -> str:
        """The procedure's name everywhere; the steps of the plan are in it."""
        steps = [(step.name, step.summary) for step in PLANS[self.strategy]()] if self.strategy in PLANS else []
        text = json.dumps({**asdict(self), "steps": steps}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def unlike(self, other: Procedure) -> Iterator[str]:
        """What of another one is not as here."""
        theirs = asdict(other)
        for name, here in asdict(self).items():
            if theirs[name] != here:
                yield f"{name} is {here} here, {theirs[name]} there"


def procedure_of(settings: Settings, clc_is_original: bool, drbd: str) -> Procedure:
    """The procedure by which this engine would move a site."""
    cloud = "original" if clc_is_original else "own"
    rehash = settings.rehash if settings.strategy == "online" else "changed"  # staged reads everything in any case
    return Procedure(
        engine_identity(), settings.strategy, settings.filesystem, settings.first_sync, rehash, cloud, drbd
    )
