"""The pair on the way back: settled, read and taken down; its data stays where it is."""

from __future__ import annotations

from typing import ClassVar

from harness.errors import StepBlocked
from harness.hosts.command import Effect
from harness.hosts.host import Host, Reader
from harness.migration.site import Site
from harness.migration.step import Pending, Satisfied, Step, StepState
from harness.migration.steps.configure import dialect_on
from harness.migration.steps.connect import ConnectPeers
from harness.migration.steps.mounting import MountDevice
from harness.migration.steps.primary import BecomePrimary
from harness.migration.steps.sync import WaitForSync
from harness.systems import files, mounts
from harness.systems.drbd import status

DOWN = "take-pair-down"


class ConnectPair(ConnectPeers):
    """The resource is up on both hosts and the peers talk: a host that rebooted meanwhile has lost it."""

    name = "connect-pair"
    summary = "See that the pair is up and connected"
    until = DOWN
    undo_summary: ClassVar[str | None] = None


class ReleasePair(Step):
    """No side has the device mounted or is Primary: a Walrus that was killed leaves both behind."""

    name = "release-pair"
    summary = "Unmount and demote what Walrus left behind on either side"
    until = "promote-original"

    def inspect(self, site: Site[Reader]) -> StepState:
        for host in site.pair:
            if mounts.mounted_exactly(host, site.settings.device, site.settings.store):
                return Pending(f"{host.name}: {site.settings.device} is still mounted")
            seen = status.status(host, site.settings.device)
            if seen and seen.role == "Primary":
                return Pending(f"{host.name}: still Primary")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        for host in site.pair:
            release(site, host)


def release(site: Site[Host], host: Host) -> None:
    """Unmount the device and demote one side."""
    if mounts.mounted_exactly(host, site.settings.device, site.settings.store):
        files.sync(host)
        mounts.unmount(host, site.settings.store)
    seen = status.status(host, site.settings.device)
    if seen and seen.role == "Primary":
        host.run(dialect_on(site, host).command("secondary", site.settings.resource, Effect.WRITE))


class SyncPair(WaitForSync):
    """Both sides hold the same: only then it does not matter which of them is read, and two copies are kept."""

    name = "sync-pair"
    summary = "Wait until both sides of the pair are UpToDate: each keeps a copy of what is read now"
    until = DOWN


class PromoteOriginal(BecomePrimary):
    """The original can read its side of the pair."""

    name = "promote-original"
    summary = "Make the original host Primary, so that its side can be read"
    until = DOWN

    def apply(self, site: Site[Host]) -> None:
        seen = status.status(site.original, site.settings.device)
        if seen is None or seen.disk != "UpToDate":  # nothing is ever forced on a pair that holds the only store
            raise StepBlocked(f"{site.original.name}: {seen or 'not up'}; only a side that is UpToDate is read")
        words = dialect_on(site, site.original)
        site.original.run(words.command("primary", site.settings.resource, Effect.WRITE))


class MountPair(MountDevice):
    """The store's place shows the pair's data, and nothing can write to it."""

    name = "mount-pair"
    summary = "Mount the pair's data read-only in the store's place"
    until = DOWN
    undo_summary = "unmount the pair's data"
    options = "ro"


class TakePairDown(Step):
    """The resource is down on both hosts. Metadata and data stay on both disks: they are the safe copies."""

    name = DOWN
    summary = "Take DRBD down on both hosts; nothing on the disks is wiped"
    undo_summary = "bring DRBD up again"

    def inspect(self, site: Site[Reader]) -> StepState:
        for host in site.pair:
            if mounts.mounted_exactly(host, site.settings.device, site.settings.store):
                return Pending(f"{host.name}: {site.settings.device} is mounted")
            if seen := status.status(host, site.settings.device):
                return Pending(f"{host.name}: {site.settings.resource} is up ({seen})")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        for host in site.pair:
            release(site, host)
            if status.status(host, site.settings.device) is not None:
                host.run(dialect_on(site, host).command("down", site.settings.resource, Effect.WRITE))

    def undo(self, site: Site[Host], host: Host) -> None:
        ConnectPeers().bring_up(site, host)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        return None if status.status(host, site.settings.device) else f"{site.settings.resource} is not up again"
