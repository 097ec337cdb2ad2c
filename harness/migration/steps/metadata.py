"""Create DRBD metadata on both backing devices."""

from __future__ import annotations

from dataclasses import dataclass

from harness.hosts.command import Effect
from harness.hosts.host import Host, Reader
from harness.migration import proofs
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.migration.steps.configure import dialect_on
from harness.systems import volumes
from harness.systems.drbd import status


@dataclass(frozen=True)
class _OursAndDown:
    """The claim that a device carries this run's metadata and that no resource is up on it."""

    carries: volumes.Carries
    device: str

    def __str__(self) -> str:
        return f"{self.carries}, and {self.device} is down"

    def denied(self, host: Reader) -> str | None:
        if seen := status.status(host, self.device):
            return f"{host.name}: {self.device} is up ({seen})"
        return self.carries.denied(host)


class CreateMetadata(Step):
    """Both backing devices carry fresh DRBD metadata of this run, written where nothing was."""

    name = "create-metadata"
    summary = "Create DRBD metadata on both backing devices, each proven blank and idle"
    undo_summary = "wipe the metadata that this run made, leaving the devices blank as they were"

    def inspect(self, site: Site[Reader]) -> StepState:
        missing = []
        for host in site.pair:
            disk = site.disk(host)
            found = volumes.signature(host, disk)
            if found is None:
                missing.append(f"{host.name}: {disk} has no DRBD metadata")
            elif found.type != "drbd":
                return Blocked(f"{host.name}: {disk} holds {found.type}; it was expected to be blank")
            elif not self._ours(site, host, found):
                return Blocked(f"{host.name}: {disk} carries DRBD metadata that this run did not make ({found.uuid})")
        if missing and site.memory.done(self.name):
            return Blocked("; ".join(missing) + ", although this run had made it")
        return Pending(missing[0]) if missing else Satisfied()

    def _ours(self, site: Site[Reader], host: Reader, found: volumes.Signature) -> bool:
        """Ours by its identity, or by the intent that followed the proof that the device was blank."""
        known = site.memory.fact(f"metadata:{host.name}")
        return known == found.uuid if known else bool(site.memory.fact(f"blank:{host.name}"))

    def _made_here(self, site: Site[Reader], found: volumes.Signature) -> bool:
        """A file system under the metadata is the one that this run made on the replicated device, or began to."""
        known = site.memory.fact("filesystem")
        return known == found.uuid if known else bool(site.memory.fact("made-on-blank"))

    def apply(self, site: Site[Host]) -> None:
        for host in site.pair:
            disk = site.disk(host)
            if volumes.signature(host, disk) is None:
                # Without --force and with no terminal drbdmeta answers its own question with "no": a second guard.
                command = dialect_on(site, host).command("create-md", site.settings.resource, Effect.DESTROY)
                proof = proofs.proven(site, host, volumes.Blank(disk), command)
                site.memory.remember(f"blank:{host.name}", disk)
                host.run(command, proof)
            made = volumes.signature(host, disk)
            if made and made.type == "drbd":
                site.memory.remember(f"metadata:{host.name}", made.uuid)

    def undo(self, site: Site[Host], host: Host) -> None:
        """Only what this run put on a device that it had proven blank."""
        disk = site.disk(host)
        if site.memory.fact(f"blank:{host.name}") != disk or status.status(host, site.settings.device):
            return
        found = volumes.signature(host, disk)
        if found and found.type == "drbd" and self._ours(site, host, found):
            command = dialect_on(site, host).wipe_metadata(site.settings.resource)
            proofs.destroy(
                site, host, _OursAndDown(volumes.Carries(disk, found, alone=False), site.settings.device), command
            )
            found = volumes.signature(host, disk)
        if found and found.type == site.settings.filesystem and self._made_here(site, found):
            proofs.destroy(site, host, volumes.Carries(disk, found), volumes.wipe_command(disk))
        if volumes.occupied_by(host, disk) is None:
            proofs.destroy(site, host, volumes.Blank(disk), volumes.zero_start_command(disk))

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        if site.memory.fact(f"blank:{host.name}") is None:
            return None
        occupied = volumes.occupied_by(host, site.disk(host))
        return f"{site.disk(host)} {occupied}" if occupied else None
