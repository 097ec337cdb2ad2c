"""One engine, one code path: the same scenario ends with the same verdict after the same changes in the same order.

What may differ is what each lab calls its hosts' addresses and disks, and how often progress was asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from harness.checks.verdict import judge
from harness.evidence import Evidence
from harness.inventory import Inventory
from harness.labs import catalogue
from harness.trials.scenario_files import load_scenarios
from harness.trials.trial import Trial

FIRST = "simulated"
# A kernel that others share does not let a host empty its page cache; then it is told file by file to forget.
_CACHE = ("vm.drop_caches", "iflag=nocache")
OTHERS = [lab for lab in catalogue.LABS if lab != FIRST]
SCENARIOS = ["core/success-with-full-sync"]
if os.environ.get("WALRUS_HA_EVERY_EFFECT"):
    SCENARIOS += ["success-skipping-first-sync", "mkfs-fails-rolls-back", "reply-lost-at-primary"]


@cache
def changes(scenario: str, lab: str, folder: Path) -> tuple[str, list[str]]:
    """The verdict, and everything that was sent to change a host, in words that all labs share."""
    (loaded,) = load_scenarios([catalogue.scenario_folder() / f"{scenario}.yaml"])
    folder = folder / lab
    folder.mkdir(exist_ok=True)
    with catalogue.find(lab).open(loaded.start.to_lab()) as opened:
        trial = Trial(loaded, lab, opened, folder)
        trial.run()
        opened.timers.cancel()
        trial.conclude()
        return judge(trial.evidence).verdict.value, _sent(trial.evidence, opened.inventory)


def _sent(evidence: Evidence, inventory: Inventory) -> list[str]:
    words: dict[str, str] = {}
    for node in inventory.nodes():
        own = {node.address: "address", node.replication_address: "replication address", node.backing_device: "disk"}
        words |= {
            found: "<disk>" if what == "disk" else f"<{node.role}'s {what}>" for found, what in own.items() if found
        }
    sent = [f"{one.step}: {one.host}: {one.what}" for one in evidence.sent if one.effect != "read"]
    for found in sorted(words, key=len, reverse=True):
        sent = [line.replace(found, words[found]) for line in sent]
    # The length of drbd.conf is that of the addresses and names in it.
    sent = [line.split(" (")[0] if ": put " in line else line for line in sent]
    # The journal is mirrored on both hosts at once, whichever answers first.
    return [line for line in sent if ": keep " not in line and not any(way in line for way in _CACHE)]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(
    "lab", [pytest.param(lab, marks=pytest.mark.xdist_group(f"walrus-ha-{lab}")) for lab in OTHERS]
)
def test_the_same_changes_in_the_same_order(
    scenario: str, lab: str, tmp_path_factory: pytest.TempPathFactory, require_lab: Callable[[str], None]
) -> None:
    require_lab(lab)
    folder = tmp_path_factory.mktemp("effects")
    expected, found = changes(scenario, FIRST, folder), changes(scenario, lab, folder)
    assert found[1] == expected[1]
    assert found[0] == expected[0] == "PASS"
