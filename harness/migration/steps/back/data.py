"""The data on the way back: frozen on the pair, made whole on the old disk, proven, put in its place."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import StepBlocked
from harness.hosts.command import Command, Effect
from harness.hosts.host import Host, Reader
from harness.migration import copies, jobs, proofs
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.migration.steps.aside import make_mount_point
from harness.migration.steps.back.pair import DOWN
from harness.systems import files, mounts
from harness.systems.drbd import status

_COMMIT, _START = "commit-reverse", "start-original"


class FreezePair(Step):
    """The manifest of the store as the pair has it now is taken: what the returning store is compared with."""

    name = "freeze-pair"
    summary = "Freeze the manifest of the store as it is on the pair now"
    until = DOWN

    def inspect(self, site: Site[Reader]) -> StepState:
        if site.memory.frozen() is None:
            return Pending("the manifest of the pair is not taken yet")
        if not copies.listed_as_frozen(site, site.original, site.settings.store):
            return Blocked(f"{site.original.name}: {site.settings.device} changed after it was frozen")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        root = site.settings.store
        site.memory.freeze(copies.full_manifest(site, site.original, self.name, root))
        copies.require_unchanged(site, site.original, root)


@dataclass(frozen=True)
class PairHasIt:
    """The claim that a returning store may go: it is a plain directory, and this side of the pair has the data."""

    device: str
    goes: str

    def __str__(self) -> str:
        return f"this side of {self.device} has the store, so that {self.goes} may go"

    def denied(self, host: Reader) -> str | None:
        found = files.stat(host, self.goes)
        if found is None or found.kind != "directory":
            return f"{host.name}: {self.goes} is {found.kind if found else 'missing'} and no directory of ours"
        if inside := [mount.at for mount in mounts.mounts(host) if f"{mount.at}/".startswith(f"{self.goes}/")]:
            return f"{host.name}: something is mounted at {inside[0]}, and removing {self.goes} would empty it"
        seen = status.status(host, self.device)
        if seen is None or seen.disk not in ("UpToDate", "Consistent"):
            return f"{host.name}: {self.device} is {seen or 'not up'}: {self.goes} may be the only whole store"
        return None


class CopyBack(Step):
    """Beside the old store lies the store as the pair has it, read back from the disk equal to what was frozen.

    What did not change since the move is linked to the set-aside old store, which itself is never written to.
    """

    name = "copy-back"
    summary = "Make the store whole beside the set-aside one, from it and what was written since, and verify it"
    until = "put-store-back"
    undo_summary = "remove the returning store, the pair having its data"

    def inspect(self, site: Site[Reader]) -> StepState:
        if site.memory.fact("returned") != site.memory.fact("frozen-pair"):
            return Pending("the returning store is not verified")
        if not copies.listed_as_frozen(site, site.original, self._where(site)):
            return Pending(f"{self._where(site)} does not list as it was frozen")
        return Satisfied()

    def _where(self, site: Site[Reader]) -> str:
        """The returning store, or its place when nobody heard of the rename that brought it there."""
        put = site.memory.intended("put-store-back") and files.stat(site.original, site.returning_store) is None
        return site.settings.store if put else site.returning_store

    def apply(self, site: Site[Host]) -> None:
        host = site.original
        base = site.old_store if files.stat(host, site.old_store) else None
        self._require_own_place(site, host)
        files.make_directory(host, site.returning_store, 0o700)
        copies.copy_and_verify(site, host, self.name, site.settings.store, site.returning_store, base)
        site.memory.remember("returned", site.memory.fact("frozen-pair"))

    def _require_own_place(self, site: Site[Host], host: Host) -> None:
        """Making both sides equal deletes what is not in the store: nothing of somebody else's may lie there.

        Raises:
            StepBlocked: it does.
        """
        place = site.returning_store
        if site.memory.fact("returning-was-free") != place and files.stat(host, place) is not None:
            raise StepBlocked(f"{host.name}: {place} exists, and this reverse move did not make it")
        site.memory.remember("returning-was-free", place)

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        if site.memory.fact("returning-was-free") != site.returning_store:
            return
        jobs.end_jobs(site, host, self.name)
        if files.stat(host, site.returning_store) is None:
            return
        remove = Command(("rm", "-rf", "--", site.returning_store), Effect.DESTROY, timeout_s=3600.0)
        proofs.destroy(site, host, PairHasIt(site.settings.device, site.returning_store), remove)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        if site.memory.fact("returning-was-free") != site.returning_store:
            return None
        return f"{site.returning_store} remains" if files.stat(host, site.returning_store) else None


class PutStoreBack(Step):
    """The store is a plain directory in its place again."""

    name = "put-store-back"
    summary = "Put the verified store in its place, where the mount point was"
    until = _START
    undo_summary = "make the store's place an empty mount point again"

    def inspect(self, site: Site[Reader]) -> StepState:
        host, place = site.original, site.settings.store
        if files.stat(host, site.returning_store) is not None:
            return Pending(f"{host.name}: the store is still at {site.returning_store}")
        if not copies.listed_as_frozen(site, host, place):
            return Blocked(f"{host.name}: {place} is not as it was frozen on the pair")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        host, place = site.original, site.settings.store
        copies.require_unchanged(site, host, site.returning_store, copied=True)
        if files.stat(host, place) is not None:
            files.remove_empty_directory(host, place)
        files.rename(host, site.returning_store, place)

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        place = site.settings.store
        if files.stat(host, site.returning_store) is None and files.children(host, place):
            copies.require_unchanged(site, host, place, copied=True)
            files.rename(host, place, site.returning_store)
        was = files.stat(host, site.returning_store)
        if was is not None and files.stat(host, place) is None:
            make_mount_point(host, place, was)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        if mounts.mounted_exactly(host, site.settings.device, site.settings.store):
            return None
        return "the store's place is no empty mount point" if files.children(host, site.settings.store) else None


class CommitReverse(Step):
    """The reverse move's own point of no return: from the next step on the original accepts writes, and it alone."""

    name = _COMMIT
    summary = "Commit the reverse move: from here on the original alone has the newest store"
    until = _START

    def inspect(self, site: Site[Reader]) -> StepState:
        return Satisfied() if site.memory.committed else Pending("not committed")

    def apply(self, site: Site[Host]) -> None:
        frozen = site.memory.fact("frozen-pair")
        if frozen is None or site.memory.fact("returned") != frozen:
            raise StepBlocked(
                f"{site.original.name}: the returning store was never proven equal to the pair's; "
                "without that nothing is committed"
            )
        copies.require_unchanged(site, site.original, site.settings.store, copied=True)
        site.memory.note("committed", self.name)
