"""Unmount and demote: Walrus promotes and mounts by itself."""

from __future__ import annotations

from functools import partial

from harness.errors import StepBlocked
from harness.hosts.command import Effect
from harness.hosts.host import Host, Reader
from harness.migration import copies, whereabouts
from harness.migration.site import Site
from harness.migration.step import Pending, Satisfied, Step, StepState
from harness.migration.steps.configure import dialect_on
from harness.systems import files, mounts
from harness.systems.drbd import status


def _not_given(site: Site[Reader], host: Reader) -> str | None:
    device = site.settings.device
    if mounts.mounted_exactly(host, device, site.settings.store):
        return f"{host.name}: {device} is mounted"
    seen = status.status(host, device)
    if seen is None or (seen.role, seen.peer_role) != ("Secondary", "Secondary") or not seen.in_sync:
        return f"{host.name}: {seen or 'not up'}"
    return None


class HandOver(Step):
    """The device is unmounted and both sides are Secondary and UpToDate, as Walrus must find them.

    A device that root left mounted could not be unmounted by the service, which runs as the user eucalyptus.
    """

    name = "hand-over"
    summary = "Unmount the device and make both sides Secondary"
    until = "start-services"

    def inspect(self, site: Site[Reader]) -> StepState:
        found = site.on_pair(partial(_not_given, site))
        missing = next(filter(None, found), None)
        return Pending(missing) if missing else Satisfied()

    def apply(self, site: Site[Host]) -> None:
        host = site.original
        if mounts.mounted_exactly(host, site.settings.device, site.settings.store):
            copies.require_unchanged(site, host, site.settings.store, copied=True)
            files.sync(host)
            mounts.unmount(host, site.settings.store)
        seen = status.status(host, site.settings.device)
        if seen and seen.role == "Primary":
            host.run(dialect_on(site, host).command("secondary", site.settings.resource, Effect.WRITE))


class Commit(Step):
    """The point of no return: everything before is proven, and from the next step on undoing would lose data.

    From Walrus' first accepted write on the pair, the old store is out of date.
    """

    name = "commit"
    summary = "Commit: from here on the way is forward"
    until = "start-services"

    def __init__(self, copies: tuple[str, ...]) -> None:
        """``copies`` are the facts that name the copies which must have been proven equal to the frozen store."""
        self._copies = copies

    def inspect(self, site: Site[Reader]) -> StepState:
        return Satisfied() if site.memory.committed else Pending("not committed")

    def apply(self, site: Site[Host]) -> None:
        frozen = site.memory.fact("frozen")
        for name in self._copies:
            if frozen is None or site.memory.fact(name) != frozen:
                raise StepBlocked(
                    f"{site.original.name}: the {name} copy was never proven equal to the frozen store; "
                    "without that nothing is committed"
                )
        self._require_kept(site)
        site.memory.note("committed", self.name)

    def _require_kept(self, site: Site[Host]) -> None:
        """What is kept beside the pair is as it was frozen.

        Raises:
            StepBlocked: it is not.
        """
        copies.require_unchanged(site, site.original, site.old_store)


class CommitOnCopies(Commit):
    """Where the store's own device was used again, both staged copies are what is kept."""

    def _require_kept(self, site: Site[Host]) -> None:
        good = whereabouts.staged(site.memory)
        for place in good:
            copies.require_unchanged(site, site.original, place, copied=True)
        if not good:
            raise StepBlocked(
                f"{site.original.name}: no staged copy is whole any more; without one nothing is committed"
            )
