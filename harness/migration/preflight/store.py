"""The store, its staging area, and what fstab says of its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.hosts.host import Reader
from harness.migration import old_device
from harness.migration.preflight.finding import Finding, error, warning
from harness.migration.site import Site
from harness.systems import files, mounts, store

# Subdirectories of one directory: ext3's link limit; ext4 without dir_nlink. Each EBS snapshot is a bucket directory.
_MOST_SUBDIRECTORIES = {"ext3": 31_998, "ext4": 64_998}
_SPARE = 0.05


def in_place(site: Site[Reader]) -> Iterator[Finding]:
    """The store is a plain directory of its own, with nothing in the way."""
    host, place = site.original, site.settings.store
    found = files.stat(host, place)
    if found is None:
        yield error("store-missing", host.name, f"{place} does not exist", "Set `store` to where the objects are.")
        return
    if found.kind == "symlink":
        what = f"{place} is a symbolic link: copying and mounting over it would move the link and not the data"
        yield error("store-is-symlink", host.name, what, "Set `store` to the directory that it points to, or move it.")
        return
    if found.kind != "directory":
        yield error("store-not-directory", host.name, f"{place} is a {found.kind}", "Set `store` to the directory.")
        return
    yield from _mounts_in(site)
    if files.stat(host, site.old_store) is not None:
        what = f"{site.old_store} exists, where the old store is to be set aside"
        yield error("old-store-in-the-way", host.name, what, "Find out what it is and move it away.")
    if site.settings.strategy == "online" and files.stat(host, site.ahead) is not None:
        what = f"{site.ahead} exists, where the device is to be mounted beside the store"
        yield error("mount-aside-in-the-way", host.name, what, "Find out what it is and move it away.")
    listed = store.listing(host, place)
    if len(listed) == 1:
        yield warning("store-empty", host.name, f"{place} is empty", "Make sure that this is the store.")
    yield from _directories(site, listed)


def _mounts_in(site: Site[Reader]) -> Iterator[Finding]:
    host, place = site.original, site.settings.store
    for mount in mounts.mounts(host):
        if mount.at == place and not site.settings.reuse_device:
            what = f"{place} is itself a mount point ({mount.device}); it cannot be renamed aside"
            yield error("store-is-mount-point", host.name, what, "Move the data into a plain directory first.")
        elif mount.at.startswith(place + "/"):
            what = f"{mount.device} is mounted inside the store at {mount.at}"
            yield error("mount-inside-store", host.name, what, "Unmount it; one file system is copied.")


def _directories(site: Site[Reader], listed: store.Manifest) -> Iterator[Finding]:
    most = _MOST_SUBDIRECTORIES.get(site.settings.filesystem)
    parents = Counter(entry.path.rpartition(b"/")[0] for entry in listed if entry.kind == "directory" and entry.path)
    for parent, count in parents.most_common(1):
        if most is not None and count > most:
            what = f"{store.shown(parent)} has {count} subdirectories, {site.settings.filesystem} holds {most}"
            yield error("too-many-subdirectories", site.original.name, what, "Choose `filesystem: xfs`.")


def staging(site: Site[Reader]) -> Iterator[Finding]:
    """The staging area exists, is free, and has room in bytes and inodes."""
    if site.settings.strategy != "online":  # which copies to the device itself
        yield from free_area(site, "staging", site.settings.staging, site.staged_copy)


def free_area(site: Site[Reader], setting: str, area: str, copy: str) -> Iterator[Finding]:
    """One staging area, named by its setting; findings have the ids of the first one."""
    host = site.original
    found = files.stat(host, area)
    if found is None or found.kind != "directory":
        what = f"{area} is {'missing' if found is None else 'a ' + found.kind}"
        yield error("staging-missing", host.name, what, f"Make the directory {area} on a file system with room.")
        return
    if files.stat(host, copy) is not None:
        what = f"{copy} exists already"
        yield error("staging-occupied", host.name, what, "Find out what it is and move it away.")
    if files.stat(host, site.settings.store) is None:
        return
    listed = store.listing(host, site.settings.store)
    room = files.room(host, area)
    needed = int(max(store.total_bytes(listed), files.used_kib(host, site.settings.store) * 1024) * (1 + _SPARE))
    if room.free_bytes < needed:
        what = f"{area} has {room.free_bytes} bytes free, the store needs {needed}"
        yield error("staging-too-small", host.name, what, f"Set `{setting}` to a file system with more room.")
    if room.free_inodes is not None and room.free_inodes < len(listed) * (1 + _SPARE):
        what = f"{area} has {room.free_inodes} inodes free, the store has {len(listed)} entries"
        yield error("staging-few-inodes", host.name, what, f"Set `{setting}` to a file system with more inodes.")


def additional_is_empty(site: Site[Reader]) -> Iterator[Finding]:
    """Mounting over the additional host's own store would hide whatever is in it."""
    host, place = site.additional, site.settings.store
    found = files.stat(host, place)
    if found is not None and found.kind != "directory":
        yield error(
            "additional-store-not-directory", host.name, f"{place} is a {found.kind}", "Make it an empty directory."
        )
    elif found is not None and (names := files.children(host, place)):
        what = f"{place} holds {len(names)} entries, which the mounted device would hide"
        yield error("additional-store-not-empty", host.name, what, "Find out what they are and move them away.")


def fstab(site: Site[Reader]) -> Iterator[Finding]:
    """A line of another mind would mount the old data, or the wrong type, at the next boot."""
    settings, disk = site.settings, site.disk(site.original)
    own = old_device.fstab_line(site.original, settings.store, disk) if settings.reuse_device else None
    for host in site.pair:
        for line in mounts.parse_fstab(files.read(host, "/etc/fstab") or ""):
            if settings.store not in (line.at.rstrip("/"), line.at) and line.device != settings.device:
                continue
            if own and host.name == site.original.name and line.line == own.line:
                continue
            if (line.device, line.at, line.fstype) != (settings.device, settings.store, settings.filesystem):
                what = f"/etc/fstab:{line.line} mounts {line.device} on {line.at} as {line.fstype}"
                yield error("fstab-contradicts", host.name, what, "Remove the line.")
