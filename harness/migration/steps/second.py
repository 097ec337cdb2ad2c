"""Two staged copies of a store that lies on the device to be replicated, each made from the store itself.

Nothing is ever copied from the store's place unless the device is mounted there and lists as it was frozen: what makes
both sides equal would, from an empty mount point, empty the copy.
"""

from __future__ import annotations

from harness.errors import StepBlocked
from harness.hosts.host import Host, Reader
from harness.migration import copies, old_device
from harness.migration.site import H, Site
from harness.migration.step import Blocked, Pending, Satisfied, StepState
from harness.migration.steps.freeze import FreezeManifest
from harness.migration.steps.stage import StageStore

_UNMOUNTING = "unmount-store"


class FreezeMounted(FreezeManifest):
    """The manifest is taken of the store on its device, which is noted with it."""

    until = _UNMOUNTING
    undo_summary = "mount the store again, should a reboot have left its place empty"

    def inspect(self, site: Site[Reader]) -> StepState:
        if site.memory.frozen() is None:
            return Pending("the manifest is not taken yet")
        if site.memory.intended(_UNMOUNTING):
            return Satisfied()  # what is at the store's place is for that step to say
        try:
            mounted = old_device.is_mounted(site)
        except StepBlocked as found:
            return Blocked(str(found))
        return super().inspect(site) if mounted else Pending(f"{site.settings.store} is not mounted")

    def apply(self, site: Site[Host]) -> None:
        if not old_device.is_mounted(site):
            old_device.mount_again(site)
        old_device.remember(site)
        if site.memory.frozen() is None:
            super().apply(site)

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        old_device.mount_again(site)


class StageFromDevice(StageStore):
    """As the staged copy of any move; made anew only while the store is still on its device."""

    def inspect(self, site: Site[Reader]) -> StepState:
        state = super().inspect(site)
        if isinstance(state, Pending) and site.memory.intended(_UNMOUNTING):
            return Blocked(f"{site.original.name}: {state.why}, and the store is not there to copy it again")
        return state

    def apply(self, site: Site[Host]) -> None:
        host, place = site.original, site.settings.store
        if not old_device.is_mounted(site):
            raise StepBlocked(f"{host.name}: {site.disk(host)} is not mounted on {place}; nothing is copied from there")
        copies.require_unchanged(site, host, place)
        super().apply(site)

    def _source(self, site: Site[Host]) -> str:
        return site.settings.store

    def undo(self, site: Site[Host], host: Host) -> None:
        old_device.mount_again(site)  # a reboot may have left the place empty
        super().undo(site, host)


class StageSecond(StageFromDevice):
    """A second copy lies on another disk and was read back from it: only then may the store's device be used again."""

    name = "stage-second"
    summary = "Copy the store to the second staging area, on another disk, and verify that copy too"
    undo_summary = "remove the second staged copy, the store being whole in its place"
    fact = "second-staged"
    was_free = "second-staging-was-free"

    def place(self, site: Site[H]) -> str:
        return site.second_copy
