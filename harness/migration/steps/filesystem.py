"""Make the file system on the replicated device."""

from __future__ import annotations

from harness.errors import StepBlocked
from harness.hosts.host import Host, Reader
from harness.hosts.proof import Proof
from harness.migration import jobs, proofs
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
        command = volumes.make_filesystem_command(device, site.settings.filesystem)

        def prove() -> Proof:
            self._clear_own_remains(site, host)
            proof = proofs.proven(site, host, volumes.Blank(device), command)
            site.memory.remember("made-on-blank", device)
            return proof

        result = jobs.run_job(site, host, self.name, "make", command, prove=prove)
        jobs.succeed(host, command, result, f"{host.name}: no file system was made on {device}")
        found = volumes.signature(host, device)
        if found is None or found.type != site.settings.filesystem:
            raise StepBlocked(f"{host.name}: mkfs said that it was done, but {device} holds {found}")
        site.memory.remember("filesystem", found.uuid)

    def _clear_own_remains(self, site: Site[Host], host: Host) -> None:
        """A file system half made by this run, on a device that this run had proven blank."""
        found = volumes.signature(host, site.settings.device)
        if found and site.memory.fact("made-on-blank") == site.settings.device and not site.memory.done(self.name):
            self._wipe(site, host, found)

    def _wipe(self, site: Site[Host], host: Host, found: volumes.Signature) -> None:
        device = site.settings.device
        proofs.destroy(site, host, volumes.Carries(device, found), volumes.wipe_command(device))

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
            self._wipe(site, host, found)
