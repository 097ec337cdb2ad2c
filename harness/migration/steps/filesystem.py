"""Make the file system on the replicated device."""

from __future__ import annotations

from harness.errors import StepBlocked
from harness.hosts.host import Host, Reader
from harness.migration import jobs
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.systems import volumes
from harness.systems.drbd import status


class MakeFilesystem(Step):
    """The replicated device carries the file system that this run made, and no other."""

    name = "make-filesystem"
    summary = "Make the file system on the replicated device, once"
    until = "hand-over"
    undo_summary = "wipe the file system that this run made"

    def inspect(self, site: Site[Reader]) -> StepState:
        device, wanted = site.settings.device, site.memory.fact("filesystem")
        found = volumes.signature(site.original, device)
        if wanted is None:
            if found and not site.memory.intended(self.name):
                return Blocked(f"{site.original.name}: {device} already holds {found.type} ({found.uuid})")
            return Pending(f"{device} has no file system of this run")
        if found is None or found.uuid != wanted:
            return Blocked(f"{site.original.name}: {device} should hold file system {wanted}, found {found}")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        host, device = site.original, site.settings.device
        mounted = any(site.memory.intended(step) for step in ("mount-aside", "mount-device"))
        if not mounted and not self._job_is_open(site):
            self._clear_own_remains(site, host)
            volumes.require_blank(host, device)
            site.memory.remember("made-on-blank", device)
        command = volumes.make_filesystem_command(device, site.settings.filesystem)
        result = jobs.run_job(site, host, self.name, "make", command)
        jobs.succeed(host, command, result, f"{host.name}: no file system was made on {device}")
        found = volumes.signature(host, device)
        if found is None or found.type != site.settings.filesystem:
            raise StepBlocked(f"{host.name}: mkfs said that it was done, but {device} holds {found}")
        site.memory.remember("filesystem", found.uuid)

    def _job_is_open(self, site: Site[Host]) -> bool:
        last = site.memory.fact(f"job:{self.name}:make")
        return bool(last and not last["collected"])

    def _clear_own_remains(self, site: Site[Host], host: Host) -> None:
        """A file system half made by this run, on a device that this run had proven blank."""
        found = volumes.signature(host, site.settings.device)
        if found and site.memory.fact("made-on-blank") == site.settings.device and not site.memory.done(self.name):
            volumes.wipe(host, site.settings.device)

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        jobs.end_jobs(site, host, self.name)
        device = site.settings.device
        seen = status.status(host, device)
        if site.memory.fact("made-on-blank") != device or seen is None or seen.role != "Primary":
            return
        wanted = site.memory.fact("filesystem")
        found = volumes.signature(host, device)
        if found and (wanted is None or found.uuid == wanted):
            volumes.wipe(host, device)
