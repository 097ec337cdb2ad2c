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
        host, place = site.original, site.settings.store
        before, made = files.stats(host, (site.old_store, place))
        if before is None and site.memory.retired(site.old_store):
            return Satisfied()
        if before is None:
            return Pending(f"{host.name}: the store is still at {place}")
        if made is None:
            return Pending(f"{host.name}: there is no mount point at {place}")
        if any(mount.at == place for mount in mounts.mounts(host)):
            return Satisfied()
        if found := files.children(host, place):
            return Blocked(f"{host.name}: {place} was to be an empty mount point and holds {len(found)} entries")
        if _access(made) != _access(before):
            return Pending(f"{host.name}: {place} does not have the old store's owner and mode")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        host, place, old = site.original, site.settings.store, site.old_store
        if files.stat(host, old) is None:
            copies.require_unchanged(site, host, place)
            site.memory.remember("aside", old)
            files.rename(host, place, old, flush=False)  # what follows is flushed with it
        before, made = files.stats(host, (old, place))
        if before is None:
            raise StepBlocked(f"{host.name}: neither {place} nor {old} exists")
        if made is None or _access(made) != _access(before):
            make_mount_point(host, place, before)

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


def make_mount_point(host: Host, place: str, like: files.FileStat) -> None:
    """An empty directory with the owner and mode of another.

    Walrus looks at the bare directory before it mounts: one that it cannot write in keeps it from starting.
    """
    files.make_directory(host, place, like.mode)
    host.run(Command(("chown", f"{like.uid}:{like.gid}", "--", place), Effect.WRITE))
    host.run(Command(("chmod", f"{like.mode:04o}", "--", place), Effect.WRITE))
    files.sync(host)


def _access(found: files.FileStat) -> tuple[int, int, int]:
    return found.mode, found.uid, found.gid
