"""What the cloud controller knows of Walrus."""

from __future__ import annotations

from collections.abc import Iterator

from harness.hosts.host import Reader
from harness.migration.preflight.finding import Finding, error
from harness.migration.site import Site


def registered(site: Site[Reader]) -> Iterator[Finding]:
    """The original is registered and ENABLED; nobody else is registered, and the new name is free."""
    walruses = site.cloud.walruses(site.clc)
    address = site.inventory.original.address
    own = [walrus for walrus in walruses if walrus.address == address]
    if not own:
        what = f"no Walrus is registered at {address}"
        yield error(
            "original-not-registered", site.clc.name, what, "Set the original's `address` as it was registered."
        )
    elif own[0].state != "ENABLED":
        what = f"Walrus {own[0].name} is {own[0].state}"
        yield error("original-not-enabled", site.clc.name, what, "Bring the original Walrus to ENABLED first.")
    for walrus in walruses:
        if walrus.address not in (address, site.inventory.additional.address):
            what = f"Walrus {walrus.name} at {walrus.address} is registered too"
            yield error("third-walrus", site.clc.name, what, "Only the pair may be registered.")
        elif walrus.address != address and walrus.partition != site.settings.partition:
            what = f"{walrus.name} is registered in partition {walrus.partition}"
            yield error("partition-differs", site.clc.name, what, f"Both belong in {site.settings.partition}.")


def storage_directory(site: Site[Reader]) -> Iterator[Finding]:
    """Mounts follow fstab, Walrus' own reading and writing follows this property: they must name one directory."""
    value = site.cloud.properties(site.clc).get("walrus.storagedir")
    if value is None:
        return
    normal = "/" + "/".join(part for part in value.split("/") if part)
    if normal != site.settings.store:
        what = f"walrus.storagedir is {value}, the inventory's store is {site.settings.store}"
        yield error(
            "storagedir-differs", site.clc.name, what, "Set `store` to that directory, or the property to `store`."
        )
