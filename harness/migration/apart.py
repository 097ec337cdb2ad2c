"""Whether the two staged copies and the store's own device share a disk: what dies together is one copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from harness.hosts.host import Host, Reader
from harness.migration.site import Site
from harness.systems import disks


@dataclass(frozen=True)
class Lies:
    """A place of the move and the whole disks under it; none where they cannot be told."""

    what: str  # the setting that names the place
    path: str
    on: frozenset[str]

    def __str__(self) -> str:
        return f"{self.path} on {', '.join(sorted(self.on)) or 'a disk that cannot be told'}"


def places(site: Site[Reader] | Site[Host]) -> tuple[Lies, Lies, Lies]:
    """The device and both staging areas."""
    host, settings, disk = site.original, site.settings, site.disk(site.original)
    second = settings.second_staging or ""
    return (
        Lies("backing_device", disk, disks.under_device(host, disk)),
        Lies("staging", settings.staging, disks.under_path(host, settings.staging)),
        Lies("second_staging", second, disks.under_path(host, second)),
    )


def sharing(found: tuple[Lies, ...]) -> Iterator[tuple[Lies, Lies]]:
    """Pairs that are known to share a disk, the later named first."""
    for one, other in combinations(found, 2):
        if one.on & other.on:
            yield other, one


def not_apart(site: Site[Reader] | Site[Host]) -> str | None:
    """Why the copies and the device are not known to lie on disks of their own, None when they are."""
    found = places(site)
    for one in found:
        if not one.on:
            return f"{site.original.name}: which disk holds {one.path} cannot be told"
    for one, other in sharing(found):
        return f"{site.original.name}: {one} shares a disk with {other}"
    return None
