"""The facts of one host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from harness.hosts.command import Command
from harness.hosts.host import Reader
from harness.migration.facts.model import (
    DeviceFacts,
    HostFacts,
    Ids,
    KindOfDevice,
    KindOfFile,
    MountFacts,
    PlaceFacts,
    RoleName,
    Where,
)
from harness.migration.preflight.drbd import listening_ports
from harness.migration.site import Site
from harness.migration.steps.boot import DRBD
from harness.migration.steps.configure import FSTAB
from harness.systems import eucalyptus, files, hashers, identity, mounts, services, volumes
from harness.systems.drbd import dialect, status
from harness.systems.printed import whole

_TOOLS = (
    *("rsync", "find", "sha256sum", "openssl", "flock", "setsid", "getfattr", "nice", "ionice", "xargs", "touch"),
    "date",
    *services.MANAGERS,
    *("drbdadm", "modinfo", "blkid", "wipefs", "lsblk", "blockdev", "mkfs.ext3", "mkfs.ext4", "mkfs.xfs", "curl"),
)
_CLOUD_TOOLS = ("euca_conf", "euca-describe-properties", "euca-modify-property", "euca-describe-services")
_RSYNC = re.compile(r"version (\d+(?:\.\d+)+)")
_DRBD_TOOLS = re.compile(r"DRBDADM_VERSION=(\S+)")
_NOT_PLAIN = re.compile(r"[^ -~]")
_DRBD_NAME = re.compile(r"/dev/drbd[0-9]{1,4}")

Found = TypeVar("Found")


class See(Protocol):
    """Looks; None where it cannot."""

    def __call__(self, what: str, look: Callable[[], Found], /) -> Found | None: ...


def host_facts(site: Site[Reader], role: RoleName, host: Reader, see: See) -> HostFacts:
    """What of a host decides how the move goes."""
    wanted = next(node for node in site.inventory.nodes() if node.role == role).uname
    uname = see(f"{role} uname", lambda: host.read(Command(("uname", "-n"))).text.strip())
    common: dict[str, Any] = {
        "uname_as_inventory": uname == wanted,
        "kernel": see(f"{role} kernel", lambda: _plain(identity.kernel(host))),
        "release": see(f"{role} release", lambda: _release(host)),
        "tools": see(f"{role} tools", lambda: _tools(host, _CLOUD_TOOLS if role == "clc" else _TOOLS)) or {},
    }
    if role == "clc":
        return HostFacts(**common)
    return HostFacts(**common, **_of_the_pair(site, role, host, see))


def _of_the_pair(site: Site[Reader], role: RoleName, host: Reader, see: See) -> dict[str, Any]:
    settings, service = site.settings, site.settings.service
    version = see(f"{role} drbd", lambda: dialect.kernel_version(host))
    loaded = see(f"{role} drbd module", lambda: status.module_loaded(host))
    fstab = see(f"{role} fstab", lambda: mounts.parse_fstab(files.read(host, FSTAB) or "")) or []
    words: dict[bool | None, str | None] = {True: "loaded", False: "not loaded", None: None}
    return {
        "eucalyptus": see(f"{role} eucalyptus", lambda: _first_line(files.read(host, eucalyptus.VERSION_FILE))),
        "user": see(f"{role} user", lambda: _ids(host)),
        "service_runs": see(f"{role} service", lambda: bool(services.processes(host, service))),
        "service_at_boot": see(f"{role} service at boot", lambda: services.starts_at_boot(host, service)),
        "drbd": ".".join(map(str, version)) if version else None,
        "drbd_module": words[loaded],
        "drbd_at_boot": see(f"{role} drbd at boot", lambda: services.at_boot(host, DRBD)),
        "drbd_conf": see(f"{role} drbd.conf", lambda: files.stat(host, settings.drbd_conf)) is not None,
        "port_in_use": bool(see(f"{role} ports", lambda: settings.port in listening_ports(host))),
        "drops_caches": see(f"{role} caches", lambda: identity.caches_can_be_dropped(host)),
        "device": see(f"{role} device", lambda: _device(site, host)),
        "places": see(f"{role} places", lambda: _places(site, host)) or {},
        "mounts": see(f"{role} mounts", lambda: _mounts(site, host)) or [],
        "fstab": [_line(site, host, one.device, one.at, one.fstype, one.options) for one in fstab],
        "fstab_lines": len(fstab),
    }


def _plain(text: str) -> str:
    return _NOT_PLAIN.sub("?", text)[:200]


def _first_line(text: str | None) -> str | None:
    return _plain(text.strip().split("\n")[0]) if text and text.strip() else None


def _release(host: Reader) -> str | None:
    if (found := _first_line(files.read(host, "/etc/redhat-release"))) is not None:
        return found
    told = re.search(r'^PRETTY_NAME="?([^"\n]*)', files.read(host, "/etc/os-release") or "", re.MULTILINE)
    return _plain(told[1]) if told else None


def _ids(host: Reader) -> Ids | None:
    printed = [host.ask(Command(("id", option, "eucalyptus"))).text.strip() for option in ("-u", "-g")]
    if "" in printed:
        return None
    uid, gid = (whole(one, f"{host.name}: id") for one in printed)
    return Ids(uid=uid, gid=gid)


def _tools(host: Reader, names: Iterable[str]) -> dict[str, str | None]:
    names = tuple(names)
    there = {line.rsplit("/", 1)[-1] for line in host.ask(Command(("which", *names))).text.splitlines()}
    found: dict[str, str | None] = {name: "present" if name in there else None for name in names}
    for name, pattern in (("rsync", _RSYNC), ("drbdadm", _DRBD_TOOLS)):
        if name in there and (told := pattern.search(host.ask(Command((name, "--version"))).text)):
            found[name] = _plain(told[1])
    if "openssl" in there and hashers.hasher_of(host) is not hashers.Hasher.OPENSSL:
        found["openssl"] = None  # of no use to the move, as if it were not there
    return found


def _device(site: Site[Reader], host: Reader) -> DeviceFacts:
    device = site.disk(host)
    if not volumes.is_block_device(host, device):
        return DeviceFacts(block_device=False)
    found = volumes.signature(host, device)
    mounted = [mount for mount in mounts.mounts(host) if mount.device == device]
    return DeviceFacts(
        block_device=True,
        bytes=volumes.size_bytes(host, device),
        signature=_plain(found.type) if found else None,
        used_by=len({*volumes.holders(host, device), *(mount.at for mount in mounted)}),
        swap=device in volumes.swap_devices(host),
    )


def _places(site: Site[Reader], host: Reader) -> dict[str, PlaceFacts]:
    settings = site.settings
    places = {"store": settings.store, "staging": settings.staging, "old-store": site.old_store}
    if host.name != site.original.name:
        places = {"store": settings.store}
    store = files.stat(host, settings.store)
    base = files.room(host, settings.store) if store is not None else None
    return {name: _place(host, path, base) for name, path in places.items()}


def _place(host: Reader, path: str, base: files.Room | None) -> PlaceFacts:
    found = files.stat(host, path)
    if found is None:
        return PlaceFacts(kind="absent")
    kinds: dict[str, KindOfFile] = {"file": "file", "directory": "directory", "symlink": "symlink"}
    room = files.room(host, path)
    types = [mount.fstype for mount in mounts.mounts(host) if mount.at == room.mounted_on]
    return PlaceFacts(
        kind=kinds.get(found.kind, "other"),
        mode=f"{found.mode:04o}",
        fstype=_plain(types[-1]) if types else None,
        free_bytes=room.free_bytes,
        free_inodes=room.free_inodes,
        with_the_store=None if base is None else base.mounted_on == room.mounted_on,
    )


def _mounts(site: Site[Reader], host: Reader) -> list[MountFacts]:
    """Those that concern the move: in or above its places, of its devices, or of any DRBD device."""
    seen = [_line(site, host, one.device, one.at, one.fstype, one.options) for one in mounts.mounts(host)]
    return [one for one in seen if one.drbd or one.at != "elsewhere" or one.device != "other"]


def _line(site: Site[Reader], host: Reader, device: str, at: str, fstype: str, options: str) -> MountFacts:
    drbd = device if _DRBD_NAME.fullmatch(device) else None
    known = _device_word(site, host, device)
    noauto = "noauto" in options.split(",")
    return MountFacts(device=known, drbd=drbd, at=_where(site, at), fstype=_plain(fstype), noauto=noauto)


def _device_word(site: Site[Reader], host: Reader, device: str) -> KindOfDevice:
    if device == site.settings.device:
        return "the move's device"
    if device == site.disk(host):
        return "the backing device"
    prefix = device.partition("=")[0]
    if prefix in ("LABEL", "UUID"):
        return "label" if prefix == "LABEL" else "uuid"
    return "path" if device.startswith("/dev/") else "other"


def _where(site: Site[Reader], at: str) -> Where:
    place = at.rstrip("/") or "/"
    if place == site.settings.store:
        return "store"
    if place.startswith(f"{site.settings.store}/"):
        return "in the store"
    if place == site.settings.staging:
        return "staging"
    return "above the store" if place != "/" and site.settings.store.startswith(f"{place}/") else "elsewhere"
