"""Erase the old store's file system from the device that is to be replicated: the one place where the store goes.

Two verified copies on disks of their own are read once more right before. Taking this back makes the file system again
under its old name and restores the store onto it from a copy.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import CommandFailed, StepBlocked, TimedOut
from harness.hosts.host import Host, Reader
from harness.hosts.proof import Proof
from harness.migration import copies, jobs, old_device, proofs
from harness.migration.apart import not_apart, places
from harness.migration.old_device import OldDevice
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.migration.steps.metadata import CreateMetadata
from harness.systems import mounts, volumes

_NEXT = "create-metadata"
_READ, _BEGAN, _DONE = "copies-read-again", "clearing", "cleared"
_MAKING, _MADE, _BACK = "making-again", "made-again", "given-back"


@dataclass(frozen=True)
class TwoCopies:
    """The claim that the store may go from its device: two copies of it lie on other disks, and nobody uses it."""

    site: Site[Host]
    old: OldDevice

    def __str__(self) -> str:
        first, second = self.site.staged_copies
        digest = self.site.memory.fact("frozen")
        lie = "; ".join(map(str, places(self.site)))
        return (
            f"{first} and {second} hold the store {digest}, read again just now, and lie apart ({lie}); {self._carries}"
        )

    @property
    def _carries(self) -> volumes.Carries:
        return volumes.Carries(self.old.device, self.old.signature)

    def denied(self, host: Reader) -> str | None:
        memory = self.site.memory
        digest = memory.fact("frozen")
        if digest is None or {memory.fact("staged"), memory.fact("second-staged")} != {digest}:
            return f"{host.name}: there are no two verified copies of the store"
        if memory.fact(_READ) != [digest, memory.epoch]:
            return f"{host.name}: the copies were not read again since this engine began"
        for place in self.site.staged_copies:
            if not copies.listed_as_frozen(self.site, host, place):
                return f"{host.name}: {place} does not list as it was frozen"
        return not_apart(self.site) or self._carries.denied(host)


class ClearDevice(Step):
    """Nothing is left of the old store's file system on its device: DRBD takes no other."""

    name = "clear-device"
    summary = "Read both staged copies once more, then erase the old store's file system from its device"
    until = _NEXT
    undo_summary = "make the old file system on the device again and restore the store onto it from a verified copy"

    def inspect(self, site: Site[Reader]) -> StepState:
        host, disk = site.original, site.disk(site.original)
        if site.memory.fact(_DONE) != disk:
            return Pending(f"{host.name}: {disk} still carries the old store")
        if site.memory.intended(_NEXT):
            return Satisfied()  # what lies on it now is for that step to say
        found = volumes.occupied_by(host, disk)
        return Blocked(f"{host.name}: {disk} was cleared, and {found}") if found else Satisfied()

    def apply(self, site: Site[Host]) -> None:
        host, old = site.original, old_device.required(site)
        if volumes.signature(host, old.device) is not None:
            self._erase(site, host, old)
        proofs.destroy(site, host, volumes.Blank(old.device), volumes.zero_start_command(old.device))
        site.memory.remember(_DONE, old.device)

    def _erase(self, site: Site[Host], host: Host, old: OldDevice) -> None:
        for number, place in enumerate(site.staged_copies, 1):
            copies.require_read_back(site, host, self.name, place, f"read-copy-{number}")
        site.memory.remember(_READ, [site.memory.fact("frozen"), site.memory.epoch])
        command = volumes.wipe_command(old.device)
        proof = proofs.proven(site, host, TwoCopies(site, old), command)
        site.memory.remember(_BEGAN, old.device)
        host.run(command, proof)

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        """Afterwards the device carries the store again and is unmounted, as the step before left it."""
        if site.memory.fact(_BEGAN) is None:
            jobs.end_jobs(site, host, self.name)
            return
        old, place = old_device.required(site), site.settings.store
        if site.memory.fact(_BACK) != site.memory.fact("frozen"):
            self._make_again(site, host, old)
            old_device.mount_again(site)
            self._restore(site, host, place)
            site.memory.remember(_BACK, site.memory.fact("frozen"))
        if old_device.is_mounted(site):
            mounts.unmount(host, place)

    def _restore(self, site: Site[Host], host: Host, place: str) -> None:
        """The store is whole on its device, read back; copied only where it is not: it may never have been erased."""
        try:
            copies.require_read_back(site, host, self.name, place, "read-store")
        except (StepBlocked, CommandFailed, TimedOut):
            copies.copy_from_any(site, host, self.name, site.staged_copies, place)

    def _make_again(self, site: Site[Host], host: Host, old: OldDevice) -> None:
        """The old file system's type, UUID and label; left alone where it was never erased, or is made already."""
        found, making = volumes.signature(host, old.device), site.memory.fact(_MAKING)
        if site.memory.fact(_MADE) or (found == old.signature and not making):
            return
        command = volumes.make_named_filesystem_command(old.device, old.signature, old.label)

        def prove() -> Proof:
            if found and making and found.type == old.fstype:  # half made, on a device that was proven blank
                proofs.destroy(site, host, volumes.Carries(old.device, found), volumes.wipe_command(old.device))
            proof = proofs.proven(site, host, volumes.Blank(old.device), command)
            site.memory.remember(_MAKING, old.device)
            return proof

        result = jobs.run_job(site, host, self.name, "make", command, prove=prove)
        jobs.succeed(host, command, result, f"{host.name}: no file system was made on {old.device}")
        if naming := volumes.give_identity_command(old.device, old.signature):
            host.run(naming)
        if (made := volumes.signature(host, old.device)) != old.signature:
            raise StepBlocked(f"{host.name}: {old.device} holds {made}, expected {old.signature}")
        site.memory.remember(_MADE, old.uuid)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        if site.memory.fact(_BEGAN) is None:
            return None
        if site.memory.fact(_BACK) != site.memory.fact("frozen"):
            return f"the store is not back on {site.disk(host)}"
        found = volumes.signature(host, site.disk(host))
        return None if found == old_device.required(site).signature else f"{site.disk(host)} holds {found}"


class CreateMetadataOnCleared(CreateMetadata):
    """As on any blank device, until the old file system is being made again there: from then on it is not ours.

    A rollback that waits for an absent additional host asks again for what it took back on the original before.
    """

    def undo(self, site: Site[Host], host: Host) -> None:
        if not _given_back(site, host):
            super().undo(site, host)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        return None if _given_back(site, host) else super().still_there(site, host)


def _given_back(site: Site[Reader] | Site[Host], host: Reader) -> bool:
    """The device was blank again, and the old store is on its way back to it."""
    return host.name == site.original.name and site.memory.fact(_MAKING) is not None
