"""The device that held the store before the move and is to be replicated: what it was, and mounting it again."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from harness.errors import StepBlocked
from harness.hosts.host import Host, Reader
from harness.migration import proofs
from harness.migration.memory import Memory
from harness.migration.site import Site
from harness.systems import files, mounts, volumes

FSTAB = "/etc/fstab"
_FACT = "old-device"


@dataclass(frozen=True)
class OldDevice:
    """The backing device of the original as it was when the store was frozen, with its line of fstab."""

    device: str
    fstype: str
    uuid: str
    label: str
    options: str
    line: str

    @property
    def signature(self) -> volumes.Signature:
        return volumes.Signature(self.fstype, self.uuid)


def seen_now(site: Site[Reader] | Site[Host]) -> OldDevice:
    """The device as it is now, with the store on it.

    Raises:
        StepBlocked: it is not what preflight saw.
    """
    host, disk = site.original, site.disk(site.original)
    found = volumes.signature(host, disk)
    line = fstab_line(host, site.settings.store, disk)
    if found is None or line is None:
        raise StepBlocked(f"{host.name}: {disk} holds {found}, and {FSTAB} mounts it by {line}")
    return OldDevice(disk, found.type, found.uuid, volumes.label(host, disk), line.options, line.text)


def fstab_line(host: Reader, place: str, disk: str) -> mounts.FstabLine | None:
    """The one line that mounts the disk at the place at boot, by its name, UUID or label; None when there is no such.

    A second line that mounts something there at boot is none of ours.
    """
    lines = [line for line in mounts.parse_fstab(files.read(host, FSTAB) or "") if line.at.rstrip("/") == place]
    lines = [line for line in lines if "noauto" not in line.options.split(",")]
    if len(lines) != 1:
        return None
    found = volumes.signature(host, disk)
    names = {disk, *([f"UUID={found.uuid}"] if found else []), f"LABEL={volumes.label(host, disk)}"}
    return lines[0] if lines[0].device.replace('"', "") in names else None


def remembered(memory: Memory) -> OldDevice | None:
    """What was noted when the store was frozen, None before that."""
    noted = memory.fact(_FACT)
    return OldDevice(**noted) if noted else None


def remember(site: Site[Host]) -> None:
    """Note the device once, while the store is mounted from it."""
    if site.memory.fact(_FACT) is None:
        site.memory.remember(_FACT, asdict(seen_now(site)))


def required(site: Site[Host] | Site[Reader]) -> OldDevice:
    """The noted device.

    Raises:
        StepBlocked: nothing was noted, so nothing may be done to it.
    """
    old = remembered(site.memory)
    if old is None:
        raise StepBlocked(f"{site.original.name}: what {site.disk(site.original)} held was never noted")
    return old


def is_mounted(site: Site[Host] | Site[Reader]) -> bool:
    """The store's place shows the device, and nothing else.

    Raises:
        StepBlocked: the device is mounted elsewhere, or something else is mounted there.
    """
    return mounts.mounted_exactly(site.original, site.disk(site.original), site.settings.store)


def mount_again(site: Site[Host]) -> None:
    """Mount the old store's device in its place as fstab had it, unless it is there.

    Raises:
        StepBlocked: the place is no empty directory, or the device does not carry what it carried.
    """
    if is_mounted(site):
        return
    host, old, place = site.original, required(site), site.settings.store
    if (found := volumes.signature(host, old.device)) != old.signature:
        raise StepBlocked(f"{host.name}: {old.device} holds {found}, expected {old.signature}")
    command = mounts.mount_command(old.device, place, old.fstype, old.options)
    proofs.destroy(site, host, mounts.NothingHidden(place), command)
