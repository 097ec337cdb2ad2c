"""Rename the old store aside; it is never deleted here."""

from __future__ import annotations

from harness.errors import StepBlocked
from harness.hosts.command import Command, Effect
from harness.hosts.host import Host, Reader
from harness.migration import copies
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.systems import files, mounts


class SetStoreAside(Step):
    """The old store lies beside its place under another name, and its place is an empty directory to mount over."""

    name = "set-store-aside"
    summary = "Rename the old store aside and leave an empty mount point in its place"
    undo_summary = "rename the old store back into its place"

    def inspect(self, site: Site[Reader]) -> StepState:
        host, place, old = site.original, site.settings.store, site.old_store
        if files.stat(host, old) is None:
            return Pending(f"{host.name}: the store is still at {place}")
        if files.stat(host, place) is None:
            return Pending(f"{host.name}: there is no mount point at {place}")
        if any(mount.at == place for mount in mounts.mounts(host)):
            return Satisfied()
        if found := files.children(host, place):
            return Blocked(f"{host.name}: {place} was to be an empty mount point and holds {len(found)} entries")
        if not self._alike(host, place, old):
            return Pending(f"{host.name}: the mount point {place} lacks the owner and mode of {old}")
        return Satisfied()

    def _alike(self, host: Reader, place: str, old: str) -> bool:
        """The mount point belongs to whom the store belongs: while nothing is mounted there, Walrus needs it too."""
        seen = [(found.mode, found.uid, found.gid) for path in (place, old) if (found := files.stat(host, path))]
        return len(seen) == 2 and seen[0] == seen[1]

    def apply(self, site: Site[Host]) -> None:
        host, place, old = site.original, site.settings.store, site.old_store
        if files.stat(host, old) is None:
            copies.require_unchanged(site, host, place)
            files.rename(host, place, old)
        if files.stat(host, place) is None or not self._alike(host, place, old):
            self._make_mount_point(host, place, old)

    def _make_mount_point(self, host: Host, place: str, old: str) -> None:
        before = files.stat(host, old)
        if before is None:
            raise StepBlocked(f"{host.name}: neither {place} nor {old} exists")
        files.make_directory(host, place, before.mode)
        # It may be there from an attempt that a power cut ended between making it and giving it away.
        host.run(Command(("chown", f"{before.uid}:{before.gid}", "--", place), Effect.WRITE))
        host.run(Command(("chmod", f"{before.mode:04o}", "--", place), Effect.WRITE))
        files.sync(host)

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        place, old = site.settings.store, site.old_store
        if files.stat(host, old) is None:
            return
        copies.require_unchanged(site, host, old)
        if files.stat(host, place) is not None:
            files.remove_empty_directory(host, place)
        files.rename(host, old, place)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        return f"{site.old_store} is still there" if files.stat(host, site.old_store) else None
