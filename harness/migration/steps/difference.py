"""In the window of an online move: freeze what stands still, copy the last difference, put the device in place."""

from __future__ import annotations

from harness.hosts.host import Host, Reader
from harness.migration import ahead, copies, hashing, jobs
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.migration.steps.ahead import is_in_place
from harness.migration.steps.freeze import FROZEN, FreezeManifest
from harness.migration.steps.mounting import MountDevice
from harness.systems import files, mounts, store

_ROUNDS = 3


class FreezeChanged(FreezeManifest):
    """As the freeze of the other strategy, but only what changed since it was last read is read again."""

    summary = "Freeze the manifest of the stopped store: hashes of what did not change are those taken before"

    def apply(self, site: Site[Host]) -> None:
        tree, listed_at_s = ahead.store_tree(site, live=False), site.clock.now()
        printed = store.printed(site.original, tree.root)
        site.memory.freeze(hashing.read_stopped(site, self.name, tree, printed))
        site.memory.note_listing(printed.digest())
        site.memory.saw_as_frozen(FROZEN, listed_at_s)


class CopyDifference(Step):
    """The device, still beside the store, holds what was frozen; what was written last was read back from the disk."""

    name = "copy-difference"
    summary = "Copy the last difference to the device and verify it on stable storage"
    until = "mount-device"
    undo_summary = "end the copy; what it wrote goes with the file system"

    def inspect(self, site: Site[Reader]) -> StepState:
        if site.memory.fact("restored") != site.memory.fact("frozen"):
            return Pending("the copy on the device is not verified")
        if is_in_place(site):
            return Satisfied()  # the step that put it there looks whether it lists as it was frozen
        if not copies.known_as_frozen(site, site.original, site.ahead):
            return Pending(f"{site.ahead} does not list as it was frozen")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        for earlier in ("copy-ahead", "catch-up", self.name):
            jobs.end_jobs(site, site.original, earlier)  # of an engine that died: nobody else may write to the copy
        set_aside = site.memory.fact("aside") is not None and files.stat(site.original, site.old_store) is not None
        source = site.old_store if set_aside else site.settings.store
        ahead.copy_difference(site, self.name, source, _ROUNDS)
        site.memory.remember("restored", site.memory.fact("frozen"))

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        jobs.end_jobs(site, host, self.name)


class PutDeviceInPlace(MountDevice):
    """The store's place shows the device that was beside it, and it lists as the store was frozen."""

    summary = "Mount the device in the store's place instead of beside it, and prove that it is the device"

    def inspect(self, site: Site[Reader]) -> StepState:
        if self._is_aside(site):
            return Pending(f"{site.settings.device} is still mounted on {site.ahead}")
        state = super().inspect(site)
        if isinstance(state, Satisfied) and not self._lists_as_frozen(site):
            return Blocked(f"{site.original.name}: {site.settings.device} does not list as the store was frozen")
        return state

    def _lists_as_frozen(self, site: Site[Reader]) -> bool:
        """On the hand-over it is listed once more, from the disk: what was seen beside the store is enough here."""
        seen = site.memory.just_saw_as_frozen(site.ahead)
        return seen or copies.listed_as_frozen(site, site.original, site.settings.store)

    def _is_aside(self, site: Site[Reader]) -> bool:
        mounted = mounts.mounts(site.original)
        aside = any(mount.at == site.ahead for mount in mounted)
        return aside and mounts.exactly(site.original.name, mounted, site.settings.device, site.ahead)

    def apply(self, site: Site[Host]) -> None:
        if self._is_aside(site):
            mounts.unmount(site.original, site.ahead)
        if files.stat(site.original, site.ahead) is not None:
            files.remove_empty_directory(site.original, site.ahead)
        super().apply(site)

    def undo(self, site: Site[Host], host: Host) -> None:
        if not self._is_aside(site):
            super().undo(site, host)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        return None if self._is_aside(site) else super().still_there(site, host)
