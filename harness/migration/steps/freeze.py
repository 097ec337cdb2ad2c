"""Freeze the manifest."""

from __future__ import annotations

from harness.hosts.host import Host, Reader
from harness.migration import copies
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.systems import comparing, files, store

FROZEN = "the store"  # which changes its place once it is frozen


class FreezeManifest(Step):
    """The manifest of the stopped store is taken: what every later copy is compared with."""

    name = "freeze-manifest"
    summary = "Freeze the manifest of the stopped store: every entry with size, mode, owner, time, hash"
    until = "start-services"

    def inspect(self, site: Site[Reader]) -> StepState:
        if site.memory.fact(site.memory.frozen_as) is None:
            return Pending("the manifest is not taken yet")
        if site.memory.just_saw_as_frozen(FROZEN):
            return Satisfied()
        for root in (site.old_store, site.settings.store):
            if files.stat(site.original, root) is not None:
                printed = store.printed(site.original, root)
                if site.memory.lists_as_noted(printed.digest()):
                    return Satisfied()  # to the byte: an engine that comes back need not read the manifest for that
                said = comparing.differences(copies.frozen(site), printed.entries(), by_listing=True)
                what = "; ".join(said[:5])
                return (
                    Blocked(f"{site.original.name}: {root} changed after it was frozen: {what}")
                    if said
                    else Satisfied()
                )
        return Blocked(f"{site.original.name}: the store is neither at {site.settings.store} nor at {site.old_store}")

    def apply(self, site: Site[Host]) -> None:
        root = site.settings.store
        manifest = copies.full_manifest(site, site.original, self.name, root)
        site.memory.freeze(manifest)
        # Listing again closes the gap between the first listing and the last hash.
        listed_at_s = site.clock.now()
        site.memory.note_listing(copies.require_unchanged(site, site.original, root).digest())
        site.memory.saw_as_frozen(FROZEN, listed_at_s)
