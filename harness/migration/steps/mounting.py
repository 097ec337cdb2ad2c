"""Mount the replicated device where the store was."""

from __future__ import annotations

from typing import ClassVar

from harness.errors import StepBlocked
from harness.hosts.host import Host, Reader
from harness.migration import proofs
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.systems import mounts, volumes


def holds_our_filesystem(site: Site[Reader], host: Reader) -> bool:
    """The file system on the replicated device is the one that this run made."""
    found = volumes.signature(host, site.settings.device)
    return found is not None and found.uuid == site.memory.fact("filesystem")


class MountDevice(Step):
    """The store's place shows the replicated device: exactly this device, once, and nothing else."""

    name = "mount-device"
    summary = "Mount the replicated device in the store's place and prove that it is the device"
    until = "hand-over"
    undo_summary = "unmount the replicated device"
    options: ClassVar[str] = "defaults"

    def inspect(self, site: Site[Reader]) -> StepState:
        host, device, place = site.original, site.settings.device, site.settings.store
        try:
            mounted = mounts.mounted_exactly(host, device, place)
        except StepBlocked as found:
            return Blocked(str(found))
        if not mounted:
            return Pending(f"{device} is not mounted on {place}")
        if not holds_our_filesystem(site, host):
            return Blocked(f"{host.name}: {device} holds another file system")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        place = site.settings.store
        command = mounts.mount_command(site.settings.device, place, site.settings.filesystem, self.options)
        proofs.destroy(site, site.original, mounts.NothingHidden(place), command)

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        if mounts.mounted_exactly(host, site.settings.device, site.settings.store):
            mounts.unmount(host, site.settings.store)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        mounted = mounts.mounted_exactly(host, site.settings.device, site.settings.store)
        return f"{site.settings.device} is still mounted" if mounted else None
