"""A store on the very device that is to be replicated: it lies there alone, and two copies have room apart."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import StepBlocked
from harness.hosts.host import Reader
from harness.migration import apart, old_device
from harness.migration.preflight.finding import Finding, error
from harness.migration.preflight.store import free_area
from harness.migration.site import Site
from harness.systems import files, mounts, volumes

_TYPES = ("ext3", "ext4", "xfs")


def on_the_device(site: Site[Reader]) -> Iterator[Finding]:
    """The store is a mount of exactly the original's backing device, which carries one file system and nothing else."""
    if not site.settings.reuse_device:
        return
    host, disk, place = site.original, site.disk(site.original), site.settings.store
    if not volumes.is_block_device(host, disk):
        return  # said already
    try:
        mounted, seen = old_device.is_mounted(site), "it is a directory of another file system"
    except StepBlocked as other:
        mounted, seen = False, str(other)
    if not mounted:
        what = f"{place} is no mount of {disk}: {seen}"
        mend = "Set `backing_device` to the device that the store is mounted from, or leave `reuse_device` out."
        yield error("store-not-on-device", host.name, what, mend)
        return
    found = volumes.signature(host, disk)
    if found is None or found.type not in _TYPES:
        what = f"{disk} carries {found}, which could not be made again if the move were taken back"
        yield error("device-filesystem-unknown", host.name, what, f"Only {', '.join(_TYPES)} can be.")
        return
    yield from _carries_more(site, host, disk, found)


def _carries_more(site: Site[Reader], host: Reader, disk: str, found: volumes.Signature) -> Iterator[Finding]:
    """Anything beside the store's file system would be erased along with it."""
    kinds = volumes.signature_types(host, disk)
    used = [one for one in volumes.holders(host, disk) if one != f"mounted on {site.settings.store}"]
    if kinds != [found.type] or used:
        what = f"{disk} carries {', '.join([*kinds, *used])}"
        yield error("device-holds-more", host.name, what, "Only the store may be on it: it will be erased.")


def boots_with_it(site: Site[Reader]) -> Iterator[Finding]:
    """fstab brings the store back after a power cut, and the staging areas, which hold the only copies for a time."""
    if not site.settings.reuse_device:
        return
    host, disk, place = site.original, site.disk(site.original), site.settings.store
    if old_device.fstab_line(host, place, disk) is None:
        what = f"{old_device.FSTAB} has no one line that mounts {disk} on {place} at boot"
        mend = f"Write one, by {disk}, UUID= or LABEL=, and without noauto."
        yield error("store-not-in-fstab", host.name, what, mend)
    mend = "Add it: after a power cut the copies must be there again."
    if missing := _left_out_at_boot(host, site.settings.staging):
        yield error("staging-not-in-fstab", host.name, missing, mend)
    if missing := _left_out_at_boot(host, site.settings.second_staging or ""):
        yield error("second-staging-not-in-fstab", host.name, missing, mend)


def _left_out_at_boot(host: Reader, area: str) -> str | None:
    """Why the file system of a staging area would not be there after a boot, None when it would be."""
    if files.stat(host, area) is None:
        return None  # said already
    at = files.room(host, area).mounted_on
    lines = mounts.parse_fstab(files.read(host, old_device.FSTAB) or "")
    if at == "/" or any(line.at == at and "noauto" not in line.options.split(",") for line in lines):
        return None
    return f"{old_device.FSTAB} does not mount {at}, which holds {area}"


def second_staging(site: Site[Reader]) -> Iterator[Finding]:
    """The second staging area exists, is free, and has room."""
    if not site.settings.reuse_device:
        return
    for found in free_area(site, "second_staging", site.settings.second_staging or "", site.second_copy):
        said = (found.host, found.message, found.remedy)
        match found.id:
            case "staging-missing":
                yield error("second-staging-missing", *said)
            case "staging-occupied":
                yield error("second-staging-occupied", *said)
            case "staging-too-small":
                yield error("second-staging-too-small", *said)
            case _:
                yield error("second-staging-few-inodes", *said)


def apart_from_each_other(site: Site[Reader]) -> Iterator[Finding]:
    """The device and both copies lie on three disks: one that fails, or is erased, takes one of them along."""
    host = site.original
    if not site.settings.reuse_device or files.stat(host, site.settings.second_staging or "") is None:
        return
    found = apart.places(site)
    for one in found:
        if not one.on:
            what = f"lsblk knows no disk under {one.path}"
            yield error("disk-not-known", host.name, what, f"Set `{one.what}` to a local disk.")
    for one, other in apart.sharing(found):
        what, mend = f"{one} shares a disk with {other}", f"Set `{one.what}` to a directory on another disk."
        if one.what == "staging":
            yield error("staging-on-the-device", host.name, what, mend)
        else:
            yield error("second-staging-on-one-disk", host.name, what, mend)
