"""What a run was begun for: the part of the inventory that must not change while it is under way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.inventory import Inventory
from harness.migration.preflight.finding import Finding, error

_FREE = frozenset(
    {"hooks", "waits", "service_probe", "copy_limit_kib_s", "sync_rate", "window_s", "disk_rate", "eucarc"}
) | {
    "cutover_within_s",
    "catch_up_rounds",
    "rehash",
    "postpone_cutover",
    "cutover_window",
    "hold_at_most_s",
}


def promised(inventory: Inventory) -> dict[str, str]:
    """Hosts, devices, places and names by key; bounds and speeds are free to change."""
    settings = inventory.settings.model_dump(mode="json")
    fixed = {name: str(value) for name, value in settings.items() if name not in _FREE}
    for node in inventory.nodes():
        fixed[f"{node.role}.name"] = node.name
        fixed[f"{node.role}.uname"] = node.uname
        fixed[f"{node.role}.backing_device"] = str(node.backing_device)
    return fixed


def broken(inventory: Inventory, was: Mapping[str, str]) -> Iterator[Finding]:
    """Each part of the promise that the inventory does not keep any more."""
    now = promised(inventory)
    for key in sorted(was):
        if now.get(key) != was[key]:
            what = f"{key} was {was[key]} when this run began and is {now.get(key)} now"
            mend = "Put the old value back, or roll the run back and begin anew"
            yield error("inventory-changed", inventory.original.name, what, f"{mend}: walrus-ha rollback RUN.")
