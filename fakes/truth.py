"""What is really there, read past the programs that the engine uses. Works on any machine; everything fits into JSON.

Names are bytes: here they stand as text in which each character is one byte (latin-1).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from fakes.filesystem import Filesystem, Stat
from fakes.machine import Machine
from fakes.world import Disk

# Below these a mutation of the move could show; the rest of a host is the system's.
_LOOKED_AT = ("/etc", "/var", "/newlocation", "/secondlocation")
# What changes by itself: logs, process ids, caches of a package manager, what the tool and the fakes remember.
_NOISE = (
    *("/var/log", "/var/run", "/var/cache", "/var/tmp", "/var/lib/apt", "/var/lib/dpkg"),
    *("/var/lib/walrus-ha", "/var/lib/walrus-fakes"),
)
_BACKUP_SUFFIXES = (
    *(".before-walrus-ha", ".before-walrus-ha.new", ".walrus-ha"),
    *(".before-ha", ".after-ha", ".on-device"),
)


def walk(files: Filesystem, root: str) -> list[dict[str, Any]]:
    """Everything from ``root`` down, sorted by path; the root itself is ``.``.

    An empty ``lost+found`` at the top belongs to the file system and is left out.

    Raises:
        OSError: something is not there or cannot be read.
    """
    start = len(root.rstrip("/")) + 1
    entries = [_entry(files, path, path[start:]) for path in files.walk(root)]
    inside = {entry["path"] for entry in entries}
    if not any(path.startswith("lost+found/") for path in inside):
        entries = [entry for entry in entries if (entry["path"], entry["kind"]) != ("lost+found", "directory")]
    entries.sort(key=lambda entry: str(entry["path"]))
    _name_hard_links(entries)
    return entries


def _entry(files: Filesystem, path: str, below: str) -> dict[str, Any]:
    status = files.stat(path)
    return {
        "path": bytes_as_text(below) or ".",
        "kind": status.kind,
        "size": status.size if status.kind == "file" else 0,
        "mode": status.mode,
        "uid": status.uid,
        "gid": status.gid,
        "mtime_ns": status.mtime_ns,
        "sha256": files.sha256(path) if status.kind == "file" else None,
        "target": bytes_as_text(files.readlink(path)) if status.kind == "symlink" else None,
        "same_as": _identity(status) if status.kind == "file" and status.links > 1 else None,
        "xattrs": {name: value.hex() for name, value in sorted(files.xattrs(path).items())},
    }


def _identity(status: Stat) -> tuple[int, int]:
    return status.device, status.inode


def _name_hard_links(entries: list[dict[str, Any]]) -> None:
    """Replace the identity of linked files by the first path of each set; one that is alone here has none."""
    sets: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for entry in entries:
        if entry["same_as"] is not None:
            sets.setdefault(entry["same_as"], []).append(entry)
    for members in sets.values():
        first = members[0]["path"] if len(members) > 1 else None
        for member in members:
            member["same_as"] = first


def bytes_as_text(name: str) -> str:
    """A name with surrogate escapes as one character a byte."""
    return os.fsencode(name).decode("latin-1")


def manifest(files: Filesystem, root: str) -> dict[str, Any]:
    """``walk`` as ``entries``, or no entries and the ``error`` that stood in the way."""
    try:
        return {"entries": walk(files, root), "error": None}
    except OSError as error:
        return {"entries": [], "error": f"{error.filename or root}: {error.strerror}"}


def snapshot(machine: Machine, watched: Iterable[str], store: str, staging: str) -> dict[str, Any]:
    """The host as an uninvolved observer sees it; ``watched`` are configuration files."""
    with machine.world() as world:
        row = machine.row(world)
        services = {
            name: {"running": service.running, "starts at boot": service.starts_at_boot}
            for name, service in sorted(row.services.items())
        }
        disks = {device: _first_look(disk) for device, disk in sorted(row.disks.items())}
        mounts = [[mount.device, mount.at] for mount in row.mounts]
    return {
        "host": machine.name,
        "reachable": True,
        "files": {path: _text(machine.files, path) for path in watched},
        "services": services,
        "disks": disks,
        "mounts": mounts,
        "leftovers": leftovers(machine.files, store, staging),
    }


def _first_look(disk: Disk) -> str:
    return "drbd" if disk.metadata else disk.signature or "blank"


def _text(files: Filesystem, path: str) -> str | None:
    return files.read(path).decode("utf-8", "backslashreplace") if files.exists(path) else None


def leftovers(files: Filesystem, store: str, staging: str) -> list[str]:
    """Paths that only a move makes: the staged copy, stores renamed aside, backups and half-written files."""
    beside = store.rpartition("/")[0]
    places = [f"{beside}/{name}" for name in _names(files, beside)]
    places += [f"{staging}/{name}" for name in _names(files, staging)]
    places += list(files.walk("/etc")) if files.exists("/etc") else []
    staged = f"{staging}/{store.rpartition('/')[2]}"
    return sorted({bytes_as_text(path) for path in places if path == staged or path.endswith(_BACKUP_SUFFIXES)})


def _names(files: Filesystem, directory: str) -> list[str]:
    return files.listdir(directory) if files.exists(directory) else []


def listing(machine: Machine) -> dict[str, str]:
    """Every path that a mutation of the move could touch, with type, size, mode, owner and time."""
    return {bytes_as_text(path): _one_line(machine.files, path) for path in _looked_at(machine.files)}


def _looked_at(files: Filesystem) -> Iterator[str]:
    for top in _LOOKED_AT:
        if files.exists(top):
            yield from _without_noise(files, top)


def _without_noise(files: Filesystem, path: str) -> Iterator[str]:
    """From ``path`` down. What is noise is not gone through: it may be most of a disk."""
    if path in _NOISE:
        return
    if not any(noise.startswith(f"{path}/") for noise in _NOISE):
        yield from files.walk(path)
        return
    yield path
    for name in files.listdir(path) if files.stat(path).kind == "directory" else ():
        yield from _without_noise(files, f"{path}/{name}")


def _one_line(files: Filesystem, path: str) -> str:
    status = files.stat(path)
    size = status.size if status.kind == "file" else 0
    target = f" -> {bytes_as_text(files.readlink(path))}" if status.kind == "symlink" else ""
    return f"{status.kind} {size} {status.mode:04o} {status.uid}:{status.gid} {status.mtime_ns}{target}"
