"""The commit point is passed only when both copies were proven equal to the frozen store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import StepBlocked
from harness.hosts.host import Host, Reader
from harness.labs import catalogue
from harness.labs.lab import Start
from harness.migration import copies
from harness.migration.attention import AttentiveClock
from harness.migration.control import Control
from harness.migration.journal import Journal
from harness.migration.memory import Memory
from harness.migration.run import Migration
from harness.migration.site import Site
from harness.migration.step import Pending, Satisfied, StepState
from harness.migration.steps.handover import Commit
from harness.migration.steps.restore import RestoreStore

FROZEN = "digest of what was frozen"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site[Host]]:
    """A site whose run remembers nothing yet."""
    with catalogue.find("simulated").open(Start()) as opened, Journal.open(tmp_path) as journal:
        inventory, control = opened.inventory, Control(tmp_path)
        clock = AttentiveClock(opened.clock, control)
        original, additional, clc = (
            Host(node.name, node.connection.open(node.name), clock) for node in inventory.nodes()
        )
        memory = Memory(journal, tmp_path, clock)
        yield Site(original, additional, clc, inventory, memory, clock, lambda progress: None, control)


@pytest.mark.parametrize(
    ("facts", "unproven"),
    [
        ({}, "staged"),
        ({"frozen": FROZEN}, "staged"),
        ({"frozen": FROZEN, "restored": FROZEN}, "staged"),
        ({"frozen": FROZEN, "staged": FROZEN}, "restored"),
        ({"frozen": FROZEN, "staged": FROZEN, "restored": "digest of another"}, "restored"),
        ({"staged": FROZEN, "restored": FROZEN}, "staged"),
    ],
)
def test_a_copy_that_was_not_proven_blocks(site: Site[Host], facts: dict[str, str], unproven: str) -> None:
    for name, value in facts.items():
        site.memory.remember(name, value)
    with pytest.raises(StepBlocked, match=f"walrus00: the {unproven} copy was never proven"):
        Commit(("staged", "restored")).apply(site)
    assert not site.memory.committed


def test_the_move_is_taken_back_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Played by an engine that believes a restored store which lists as it should."""

    def looks_right(self: RestoreStore, site: Site[Reader]) -> StepState:
        restored = copies.listed_as_frozen(site, site.original, site.settings.store)
        return Satisfied() if restored else Pending("does not list as it was frozen")

    def copy_only(self: RestoreStore, site: Site[Host]) -> None:
        copies.copy_and_verify(site, site.original, self.name, site.staged_copy, site.settings.store)

    monkeypatch.setattr(RestoreStore, "inspect", looks_right)
    monkeypatch.setattr(RestoreStore, "apply", copy_only)
    with catalogue.find("simulated").open(Start()) as opened:
        outcome = Migration(opened.inventory, tmp_path, opened.clock).migrate()
    assert (outcome.outcome, outcome.exit_status) == ("rolled_back", 4)
    assert "commit: walrus00: the restored copy was never proven" in outcome.message
