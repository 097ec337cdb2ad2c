"""How long the window will be: an interval from the sizes that are there and the rates that are given."""

from __future__ import annotations

from dataclasses import dataclass

from harness.hosts.host import Reader
from harness.inventory import bytes_per_s
from harness.migration.site import Site
from harness.systems import files, store, volumes

_COPIES, _COPIES_REUSING = 2, 3  # to each staging area, and from one onto the device
_READINGS, _READINGS_REUSING = 3, 6  # to freeze, after each copy, and of both once more before the device is erased
_SLACK = 1.5  # disks that serve others too, seeks, file systems that fill up
_SERVICES_S = 600.0  # to stop and start services and to be elected
_LOOKS, _ENTRY_S = 12, 0.0005  # passes of find over the store and its copy, and what each takes for an entry
_SPARE = 0.9  # nothing is faster than its rate, but rates are round numbers


@dataclass(frozen=True)
class Estimate:
    """The time from stopping the services to serving again, at best and at worst."""

    store_bytes: int
    device_bytes: int
    least_s: float
    most_s: float
    copy_s: float = 0.0  # of one copy at the given rates
    read_s: float = 0.0  # of one pass that hashes
    sync_s: float = 0.0  # of the first synchronisation

    def __str__(self) -> str:
        return f"between {spoken(self.least_s)} and {spoken(self.most_s)}"


def spoken(seconds: float) -> str:
    """A duration for people."""
    return f"{seconds / 3600:.1f} h" if seconds >= 7200 else f"{max(1.0, seconds / 60):.0f} min"


def estimate(site: Site[Reader]) -> Estimate:
    """The window's length. At best the first sync runs beside restoring the store, at worst after it."""
    settings = site.settings
    if settings.strategy == "online":
        return _of_the_last_difference(site)
    whole = store.total_bytes(store.listing(site.original, settings.store))
    whole = max(whole, files.used_kib(site.original, settings.store) * 1024)
    device = volumes.size_bytes(site.original, site.disk(site.original))
    disk = float(bytes_per_s(settings.disk_rate))
    limited = min(disk, settings.copy_limit_kib_s * 1024.0) if settings.copy_limit_kib_s else disk
    copy_s, read_s = whole / limited, whole / disk
    sync_s = device / bytes_per_s(settings.sync_rate) if settings.first_sync == "full" else 0.0
    reuses = settings.reuse_device
    copies, readings = (_COPIES_REUSING, _READINGS_REUSING) if reuses else (_COPIES, _READINGS)
    least = _SPARE * ((copies - 1) * copy_s + max(copy_s, sync_s))
    most = _SLACK * (copies * copy_s + readings * read_s + sync_s) + _SERVICES_S
    return Estimate(whole, device, least, most, copy_s, read_s, sync_s)


def _of_the_last_difference(site: Site[Reader]) -> Estimate:
    """Online only what changed last is copied in the window; the rest of it is listed, or read where all is to be."""
    settings = site.settings
    listed = store.listing(site.original, settings.store)
    whole, device = store.total_bytes(listed), volumes.size_bytes(site.original, site.disk(site.original))
    read_s = 2 * whole / bytes_per_s(settings.disk_rate) if settings.rehash == "all" else 0.0
    looks_s = _LOOKS * len(listed) * _ENTRY_S
    most = _SLACK * (2 * settings.cutover_within_s + read_s + looks_s) + _SERVICES_S
    return Estimate(whole, device, _SPARE * read_s, most, 0.0, read_s / 2, 0.0)
