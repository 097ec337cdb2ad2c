"""A host that loses power and is back before the next request was never seen away; the move ends well all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks.manifests import differences
from harness.labs import catalogue
from harness.labs.lab import ADDITIONAL, ORIGINAL, Start
from harness.migration.engine import Event
from harness.migration.plan import PLANS
from harness.migration.run import Listeners, Migration

STEPS = [step.name for step in PLANS["staged"]()]


@pytest.mark.parametrize("kind", ["acting", "acted", "done"])
@pytest.mark.parametrize("role", [ORIGINAL, ADDITIONAL])
@pytest.mark.parametrize("step", STEPS)
def test_the_move_ends_well(step: str, role: str, kind: str, tmp_path: Path) -> None:
    reboots: list[str] = []
    with catalogue.find("simulated").open(Start()) as opened:
        frozen = opened.truth.manifest(ORIGINAL, "store")

        def reboot_once(event: Event) -> None:
            if (event.kind, event.step) == (kind, step) and not reboots:
                assert opened.faults.power_off(role).proven
                assert opened.faults.power_on(role).proven
                reboots.append(step)

        listeners = Listeners(event=reboot_once)
        migration = Migration(opened.inventory, tmp_path, opened.clock, listeners, lambda: "run")
        outcome = migration.migrate()
        opened.clock.sleep(120.0)
        assert reboots or step == "wait-for-sync"
        assert outcome.outcome in ("completed", "rolled_back"), outcome.message
        assert outcome.outcome == "completed" or not STEPS.index(step) > STEPS.index("commit"), outcome.message
        reads = opened.truth.read_objects("after", frozen)
        assert [read.status for read in reads] == [200] * len(reads)
        assert reads
        if outcome.outcome == "completed":
            assert differences(frozen, opened.truth.read_replica()) == []
