"""A move in the simulated lab in which the original loses power right after one of its changes, in a chosen image."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.checks.manifests import differences
from harness.errors import FaultNotProven
from harness.evidence import Manifest, Sent
from harness.hosts.command import Effect, Request, effect_of
from harness.inventory import Inventory, Node
from harness.labs import catalogue
from harness.labs.lab import ADDITIONAL, ORIGINAL, ROLES, Opened, Start, StoreSpec, Survives
from harness.migration.run import Migration
from harness.trials.fault_kinds import FailCommand, LyingExit
from harness.trials.tap import CommandFaults, TappedConnection, program_of

STORE = StoreSpec(objects=12, bytes=256 * 1024, hostile_names=True)
MKFS_FAILS = FailCommand(do="fail_command", host="original", program="mkfs.ext4")
PLACES = ("store", "old-store", "staging", "device")
_AWAY_S = 3.0
_MOST_ATTEMPTS = 3


@dataclass
class Cutter:
    """Implements harness.trials.tap.Watcher: cuts the power after the change of this number on the original."""

    opened: Opened
    frozen: Manifest
    after_change: int
    survives: Survives
    fault: FailCommand | None = None
    step: str = ""
    attempt: int = 1
    sent: list[Sent] = field(default_factory=list)
    changes: int = 0
    cut_after: str = ""
    copies: list[str] = field(default_factory=list)  # places that were complete right after the cut

    def before_send(self, role: str, request: Request) -> None: ...

    def hit(self, role: str, request: Request) -> CommandFaults | None:
        words = program_of(request)
        return self.fault if self.fault and words and words[0] == self.fault.program else None

    def proven(self, fault: CommandFaults, detail: str) -> None: ...

    def truncate(self, fault: LyingExit) -> None: ...

    def after_send(self, role: str, request: Request) -> None:
        if role != ORIGINAL or effect_of(request) is Effect.READ:
            return
        self.changes += 1
        if self.changes == self.after_change:
            self.cut_after = str(request)
            try:
                self.opened.faults.power_off(ORIGINAL, self.survives)
            except FaultNotProven:
                return  # there are fewer images
            finally:
                self.copies = [place for place in PLACES if self._is_complete(place)]
            self.opened.timers.after(_AWAY_S, lambda: self.opened.faults.power_on(ORIGINAL))

    def _is_complete(self, place: str) -> bool:
        found = self.opened.truth.manifest(ORIGINAL, place)
        return found.error is None and not differences(self.frozen, found)


@dataclass(frozen=True)
class Told:
    """What came of one move."""

    cut_after: str  # the request, empty when there were fewer changes
    copies: list[str]  # places that held a complete copy right after the cut
    outcome: str
    last_words: str
    lost: list[str]  # how the served store differs from the one before
    left: list[str]  # after a rollback: paths that are not as they were


def moved_with_a_cut(after_change: int, survives: Survives, fault: FailCommand | None = None) -> Told:
    """One move, begun again while it merely stopped."""
    with (
        catalogue.find("simulated").open(Start(store=STORE)) as opened,
        tempfile.TemporaryDirectory(dir="/dev/shm") as folder,
    ):
        truth, frozen = opened.truth, opened.truth.manifest(ORIGINAL, "store")
        cutter, before = Cutter(opened, frozen, after_change, survives, fault), [truth.listing(role) for role in ROLES]
        migration = Migration(_tapped(opened, cutter), Path(folder), opened.clock, name_run=lambda: "run")
        outcome = migration.migrate()
        for _ in range(_MOST_ATTEMPTS - 1):
            if outcome.outcome == "stopped":
                outcome = migration.migrate()
        lost = min((differences(frozen, truth.manifest(role, "store")) for role in (ORIGINAL, ADDITIONAL)), key=len)
        left = list(_changed(before, [truth.listing(role) for role in ROLES]))
        left = left if outcome.outcome == "rolled_back" else []
        return Told(cutter.cut_after, cutter.copies, outcome.outcome, outcome.message, lost, left)


def _tapped(opened: Opened, cutter: Cutter) -> Inventory:
    def tapped(node: Node) -> Node:
        return replace(node, connection=TappedConnection(node.connection, node.role, cutter, opened.clock))

    found = opened.inventory
    return replace(found, original=tapped(found.original), additional=tapped(found.additional), clc=tapped(found.clc))


def _changed(before: list[dict[str, str]], after: list[dict[str, str]]) -> Iterator[str]:
    for role, one, other in zip(ROLES, before, after, strict=True):
        for path in sorted(one.keys() | other.keys()):
            then, now = one.get(path, "nothing"), other.get(path, "nothing")
            # The times of directories tell of what came and went; the keys of a registered host stay there.
            if then != now and not then.startswith("directory") and "/keys/" not in path:
                yield f"{role}:{path}: {then} became {now}"
