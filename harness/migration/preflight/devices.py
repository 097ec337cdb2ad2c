"""The backing devices: there, equal, blank, large enough."""

from __future__ import annotations

from collections.abc import Iterator

from harness.hosts.host import Reader
from harness.migration.preflight.finding import Finding, error
from harness.migration.site import Site
from harness.systems import files, mounts, store, volumes

# What a file system itself takes: inode tables, journal, reserved blocks.
_FILESYSTEM_SHARE = 0.08
_SMALLEST_XFS_BYTES = 300 * 1024**2  # of xfsprogs 5.19 and later; older ones take less, and nobody wants it


def _present(site: Site[Reader]) -> dict[str, int]:
    """Size by host name of the backing devices that are there."""
    return {
        host.name: volumes.size_bytes(host, site.disk(host))
        for host in site.pair
        if volumes.is_block_device(host, site.disk(host))
    }


def present_and_equal(site: Site[Reader]) -> Iterator[Finding]:
    sizes = _present(site)
    for host in site.pair:
        if host.name not in sizes:
            what = f"{site.disk(host)} is not a block device"
            yield error("device-missing", host.name, what, "Set `backing_device` under the host's `migrate:`.")
    if len(sizes) == 2 and len(set(sizes.values())) != 1:
        one, other = sizes[site.original.name], sizes[site.additional.name]
        what = f"{site.disk(site.additional)} has {other} bytes, on {site.original.name} {one}"
        yield error("device-size-differs", site.additional.name, what, "Make both devices the same size.")


def blank(site: Site[Reader]) -> Iterator[Finding]:
    """Nothing lies on either device and nothing uses it; whatever does would be destroyed."""
    present = _present(site)
    for host in site.pair:
        own = site.settings.reuse_device and host.name == site.original.name  # preflight.reuse looks at that one
        if host.name in present and not own and (reason := volumes.occupied_by(host, site.disk(host))):
            what = f"{site.disk(host)} {reason}"
            yield error("device-not-blank", host.name, what, "Choose another device, or clear this one yourself.")
        elif host.name in present and not own and not volumes.begins_with_zeros(host, site.disk(host)):
            what = f"{site.disk(host)} begins with data of which no probe knows what it is, or what is left of some"
            zeros = f"dd if=/dev/zero of={site.disk(host)} bs=65536 count=2 conv=fsync"
            mend = f"Choose another device, or, when you know that nobody misses it, zero its beginning: {zeros}."
            yield error("device-not-blank", host.name, what, mend)
        areas = [*([] if own else [site.settings.store]), site.settings.staging]
        areas = areas if host.name == site.original.name else []
        for area in areas:
            if files.stat(host, area) and files.room(host, area).device == site.disk(host):
                what = f"{site.disk(host)} holds {area}"
                yield error("device-holds-store", host.name, what, "Choose a device of its own.")


def told_apart(site: Site[Reader]) -> Iterator[Finding]:
    """Walrus takes its device for mounted wherever /proc/mounts has the name, be it in another one (``isMounted``)."""
    device = site.settings.device
    for host in site.pair:
        for mount in mounts.mounts(host):
            if mount.device != device and device in f"{mount.device} {mount.at} {mount.options}":
                what = f"{mount.device} on {mount.at} has {device} in it: Walrus would take its own device for mounted"
                yield error("device-name-ambiguous", host.name, what, "Set `device` to a name that no mount contains.")


def large_enough(site: Site[Reader]) -> Iterator[Finding]:
    if files.stat(site.original, site.settings.store) is None:
        return
    needed = max(
        store.total_bytes(store.listing(site.original, site.settings.store)),
        files.used_kib(site.original, site.settings.store) * 1024,
    )
    for name, size in _present(site).items():
        if site.settings.filesystem == "xfs" and size - volumes.drbd_metadata_bytes(size) < _SMALLEST_XFS_BYTES:
            yield error(
                "device-too-small", name, "mkfs.xfs makes none below 300 MB", "Choose a larger device, or ext4."
            )
            continue
        usable = int((size - volumes.drbd_metadata_bytes(size)) * (1 - _FILESYSTEM_SHARE))
        if usable < needed:
            what = (
                f"the device has room for about {usable} bytes after metadata and file system, the store needs {needed}"
            )
            yield error("device-too-small", name, what, "Choose a larger device.")
