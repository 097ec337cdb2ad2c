"""Unmount the store's own device, which is to be replicated, and keep a boot from mounting it."""

from __future__ import annotations

from collections.abc import Callable

from harness.errors import StepBlocked
from harness.hosts.command import Command, Effect
from harness.hosts.host import Host, Reader
from harness.migration import copies, old_device
from harness.migration.old_device import FSTAB
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.systems import files, mounts

_ACCESS = "mount-point"


class UnmountStore(Step):
    """The store's place is an empty directory with the store's own owner and mode; fstab mounts nothing there.

    The line of fstab sleeps before the device is erased: a boot that cannot mount what fstab demands ends in a shell on
    the console.
    """

    name = "unmount-store"
    summary = "Take the store's line out of fstab and unmount its device, leaving an empty mount point"
    undo_summary = "mount the store's device in its place again and put its line back into fstab"

    def inspect(self, site: Site[Reader]) -> StepState:
        host, place = site.original, site.settings.store
        if old_device.fstab_line(host, place, site.disk(host)):
            return Pending(f"{host.name}: {FSTAB} would mount {site.disk(host)} on {place}")
        on = [mount.device for mount in mounts.mounts(host) if mount.at == place]
        if site.disk(host) in on:
            return Pending(f"{host.name}: {site.disk(host)} is mounted on {place}")
        if on:
            ours = on == [site.settings.device]
            return Satisfied() if ours else Blocked(f"{host.name}: {', '.join(on)} is mounted on {place}")
        return self._mount_point(site, host, place)

    def _mount_point(self, site: Site[Reader], host: Reader, place: str) -> StepState:
        found = files.stat(host, place)
        if found is None or found.kind != "directory":
            return Blocked(f"{host.name}: {place} is {found.kind if found else 'missing'} and no mount point")
        if hidden := files.children(host, place):
            return Blocked(f"{host.name}: the store had hidden {len(hidden)} entries of {place}; move them away")
        if (found.mode, found.uid, found.gid) != _of_the_store(site):
            return Pending(f"{host.name}: the mount point {place} does not have the store's owner and mode")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        host, place, old = site.original, site.settings.store, old_device.required(site)
        mounted = old_device.is_mounted(site)
        if mounted:
            copies.require_unchanged(site, host, place)
        _rewrite(host, mounts.fstab_asleep, old.line)
        if mounted:
            mounts.unmount(host, place)
        if isinstance(state := self._mount_point(site, host, place), Blocked):
            raise StepBlocked(state.reason)
        self._give_access(site, host, place)

    def _give_access(self, site: Site[Host], host: Host, place: str) -> None:
        """Walrus looks at the bare directory before it mounts: one that it cannot write in keeps it from starting.

        Given whatever it has: what a mount hides no plan can see beforehand.
        """
        found = files.stat(host, place)
        assert found is not None, "the mount point was just looked at"
        if site.memory.fact(_ACCESS) is None:
            site.memory.remember(_ACCESS, (found.mode, found.uid, found.gid))
        _set_access(host, place, _of_the_store(site))

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        place, before = site.settings.store, site.memory.fact(_ACCESS)
        if before and not old_device.is_mounted(site):
            _set_access(host, place, tuple(before))
        old_device.mount_again(site)
        _rewrite(host, mounts.fstab_awake, old_device.required(site).line)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        if not old_device.is_mounted(site):
            return f"{site.disk(host)} is not mounted on {site.settings.store}"
        if old_device.fstab_line(host, site.settings.store, site.disk(host)) is None:
            return f"{FSTAB} does not mount {site.disk(host)}"
        return None


def _of_the_store(site: Site[Reader] | Site[Host]) -> tuple[int, int, int]:
    """Mode and owner of the store's root, by the frozen manifest."""
    frozen = site.memory.frozen()
    assert frozen is not None, "nothing is unmounted before the manifest is frozen"
    root = next(iter(frozen))  # its path is empty, so that it comes first
    return root.mode, root.uid, root.gid


def _set_access(host: Host, place: str, access: tuple[int, ...]) -> None:
    mode, uid, gid = access
    host.run(Command(("chown", f"{uid}:{gid}", "--", place), Effect.WRITE))
    host.run(Command(("chmod", f"{mode:04o}", "--", place), Effect.WRITE))
    files.sync(host)


def _rewrite(host: Host, change: Callable[[str, str], str], line: str) -> None:
    """Change fstab as a whole, durably, where there is something to change."""
    present = files.read(host, FSTAB) or ""
    if (wanted := change(present, line)) != present:
        host.put(FSTAB, wanted.encode("utf-8", "surrogateescape"))
