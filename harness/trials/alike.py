"""Scenarios whose site is moved by the same procedure as the one of an inventory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.errors import InvalidInput
from harness.inventory import Inventory, Settings
from harness.labs import catalogue
from harness.migration.procedure import Procedure, procedure_of
from harness.trials.possible import impossible
from harness.trials.scenario import Scenario
from harness.trials.scenario_files import load_scenarios

_FAILED_SYNC = "failed-sync-link-lost-at-40-percent-heals"  # a sync that is skipped cannot fail
_CORE = {
    "staged": ("success-with-full-sync", "copy-interrupted-by-engine-death-resumes", _FAILED_SYNC),
    "online": ("success-online", "online-first-copy-interrupted-resumes", "online-original-loses-power-after-the-stop"),
}
"""What a rehearsal must at least have passed: the move, and what most often goes wrong in the long parts of it."""

_XFS_BYTES = 512 * 1024**2  # mkfs.xfs makes none below 300 MB
_OLD_DRBD_LABS = ("simulated", "containers")  # the kernels of the others have 8.4


def required(settings: Settings) -> list[str]:
    """The scenarios that a rehearsal must have passed to count for a site."""
    names = _CORE[settings.strategy]
    return [name for name in names if settings.first_sync == "full" or name != _FAILED_SYNC]


def procedure_in(scenario: Scenario) -> Procedure:
    """The procedure that a scenario's site is moved by."""
    start = scenario.start
    settings = start.settings.model_copy(update={"strategy": start.strategy})
    return procedure_of(settings, start.clc == "original", start.drbd)


def scenarios_like(inventory: Inventory, drbd: str, paths: Sequence[Path]) -> list[Scenario]:
    """The scenarios at ``paths``, by default those that are required, on a site as the inventory has it.

    Raises:
        InvalidInput: one of them cannot happen on such a site.
    """
    chosen = load_scenarios(paths or _paths(required(inventory.settings)))
    return [_like(scenario, inventory, drbd) for scenario in chosen if scenario.driver == "engine"]


def _paths(names: Iterable[str]) -> list[Path]:
    return [next(iter(catalogue.scenario_folder().rglob(f"{name}.yaml"))) for name in names]


def _like(scenario: Scenario, inventory: Inventory, drbd: str) -> Scenario:
    settings = inventory.settings
    decides = {name: getattr(settings, name) for name in ("filesystem", "first_sync", "rehash")}
    start = scenario.start.model_copy(
        update={
            "strategy": settings.strategy,
            "clc": "original" if inventory.clc.name == inventory.original.name else "own",
            "drbd": drbd,
            "settings": scenario.start.settings.model_copy(update=decides),
        }
    )
    if settings.filesystem == "xfs":
        start = start.model_copy(update={"device_bytes": max(start.device_bytes, _XFS_BYTES)})
    labs = [lab for lab in scenario.labs if drbd == "8.4" or lab in _OLD_DRBD_LABS]
    alike = scenario.model_copy(update={"start": start, "labs": labs})
    before = set(impossible(scenario))
    for found in (one for one in impossible(alike) if one not in before):
        raise InvalidInput(
            f"{scenario.source}: this cannot be rehearsed for {inventory.source}: {found.message} ({found.suggestion})"
        )
    return alike
