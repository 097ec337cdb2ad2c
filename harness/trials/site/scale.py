"""How much smaller a site's twin is: so many of its entries, so much of each file's size, so much of its devices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.errors import InvalidInput
from harness.layout import Layout

_MIB = 1024**2
_ENTRIES = 500
_STORE_BYTES = 48 * _MIB
_FILE_BYTES = 4 * _MIB  # of the largest files in a scaled store, on average
_LARGEST_FILE_BYTES = 16 * _MIB  # that labs with real disks make
_DEVICE_BYTES = 256 * _MIB
_XFS_DEVICE_BYTES = 384 * _MIB  # mkfs.xfs makes none below 300 MB
_LEAST_DEVICE_BYTES = 64 * _MIB


@dataclass(frozen=True)
class Scale:
    """Factors of at most 1; that of each file's size is more where fewer files have all the bytes."""

    entries: float
    size: float
    device: float

    def __str__(self) -> str:
        if (self.entries, self.size, self.device) == (1.0, 1.0, 1.0):
            return "at full size"
        if self.size > 1:
            return f"scaled: {self.entries:.3g} of the entries, with all the bytes, all of the devices"
        parts = [("of the entries", self.entries), ("of each file's size", self.size), ("of the devices", self.device)]
        return "scaled: " + ", ".join(f"{factor:.3g} {what}" if factor < 1 else f"all {what}" for what, factor in parts)


def fitting(layout: Layout, device_bytes: int, filesystem: str) -> Scale:
    """The largest twin that any lab moves in a minute or so."""
    entries = min(1.0, _ENTRIES / max(1, layout.entries))
    averages = [one.bytes / one.files for one in layout.sizes]
    size = min(1.0, _FILE_BYTES / max(1.0, *averages, 0.0), _STORE_BYTES / max(1.0, layout.bytes * entries))
    return Scale(_plain(entries), _plain(size), _device(device_bytes, filesystem))


def with_all_bytes(layout: Layout) -> Scale:
    """So few entries that a lab without disks moves them in a minute; as many bytes, on devices as large."""
    entries = _plain(min(1.0, _ENTRIES / max(1, layout.entries)))
    fewer = layout.scaled(entries, 1.0).bytes
    return Scale(entries, layout.bytes / fewer if fewer else 1.0, 1.0)


def by(factor: float, layout: Layout, device_bytes: int, labs: Iterable[str]) -> Scale:
    """Entries and devices by one factor, each file as large as on the site.

    Raises:
        InvalidInput: a lab with real disks would have to make files that it cannot.
    """
    largest = max((one.bytes // one.files for one in layout.sizes), default=0)
    if largest > _LARGEST_FILE_BYTES and (real := [lab for lab in labs if lab != "simulated"]):
        message = f"the site has files of {largest} bytes, and the lab {real[0]} makes {_LARGEST_FILE_BYTES} at most"
        raise InvalidInput(f"{message}; leave --scale out, which makes files smaller too, or take --lab simulated")
    return Scale(factor, 1.0, max(factor, min(1.0, _LEAST_DEVICE_BYTES / max(1, device_bytes))))


def _device(device_bytes: int, filesystem: str) -> float:
    most = _XFS_DEVICE_BYTES if filesystem == "xfs" else _DEVICE_BYTES
    return min(1.0, most / max(1, device_bytes))


def _plain(factor: float) -> float:
    """Two digits are as good, and can be read out."""
    return float(f"{factor:.2g}") if factor < 1 else 1.0
