"""Restore the staged copy onto the replicated device."""

from __future__ import annotations

from harness.hosts.host import Host, Reader
from harness.migration import copies, jobs
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.migration.steps.mounting import MountDevice


class RestoreStore(Step):
    """The replicated device holds the store, read back from the disk equal to the frozen manifest."""

    name = "restore-store"
    summary = "Copy the staged store onto the replicated device and verify it on stable storage"
    until = "hand-over"
    undo_summary = "end the copy; what it wrote goes with the file system"

    def inspect(self, site: Site[Reader]) -> StepState:
        if not isinstance(MountDevice().inspect(site), Satisfied):
            return Blocked(f"{site.settings.device} is not mounted on {site.settings.store}")
        if site.memory.fact("restored") != site.memory.fact("frozen"):
            return Pending("the restored store is not verified")
        if not copies.known_as_frozen(site, site.original, site.settings.store):
            return Pending(f"{site.settings.store} does not list as it was frozen")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        copies.copy_and_verify(site, site.original, self.name, site.staged_copy, site.settings.store)
        site.memory.remember("restored", site.memory.fact("frozen"))

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        jobs.end_jobs(site, host, self.name)


class RestoreFromCopies(RestoreStore):
    """The store may come from either staged copy: it is nowhere else any more."""

    summary = "Copy a staged store onto the replicated device and verify it on stable storage"

    def apply(self, site: Site[Host]) -> None:
        copies.copy_from_any(site, site.original, self.name, site.staged_copies, site.settings.store)
        site.memory.remember("restored", site.memory.fact("frozen"))
