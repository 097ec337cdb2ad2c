"""All that a plan is made for, as seen on the hosts: identities, devices, versions, configuration, settings.

``facts`` are what the plan is bound to: one that is not as it was makes another plan. The store itself is not among
them, as clients go on writing until the window; see ``StoreSeen``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import harness
from harness.errors import HostError, StepBlocked, UnexpectedOutput
from harness.hosts.command import Command
from harness.hosts.host import Reader
from harness.migration.estimate import Estimate, estimate
from harness.migration.old_device import OldDevice, seen_now
from harness.migration.preflight.survey import site_of_one_look
from harness.migration.site import Site
from harness.migration.steps.boot import DRBD
from harness.migration.steps.configure import FSTAB, MAIN_CONFIGURATION
from harness.systems import (
    copying,
    eucalyptus,
    files,
    hashers,
    identity,
    mounts,
    programs,
    saved,
    services,
    store,
    volumes,
)
from harness.systems.drbd import dialect, status

Fact = tuple[str, str]
_VERSIONS = {
    "release": ("cat", "/etc/redhat-release"),
    "eucalyptus": ("cat", eucalyptus.VERSION_FILE),
    "rsync": ("rsync", "--version"),
    "drbd tools": ("drbdadm", "--version"),
}
_REPLACEABLE = ("rsync", "service", *services.MANAGERS)
_OF_THE_MOVE = ("walrus.blockdevice", "walrus.resource", "walrus.storagedir")


@dataclass(frozen=True)
class StoreSeen:
    """The store as it was listed: its root hash, how many entries and bytes. Clients may change all three."""

    root: str
    entries: int
    bytes: int


@dataclass(frozen=True)
class HostSeen:
    """What decides which commands a host of the pair will be sent."""

    name: str
    drbd: tuple[int, int, int]
    module_loaded: bool
    running: bool
    at_boot: bool
    drbd_at_boot: bool | None  # None: init knows no such service
    drops_caches: bool
    lacks: frozenset[str]  # of the programs, and words of programs, that are done without where they are not
    texts: dict[str, str | None]  # configuration files by path; never saved
    old: OldDevice | None = None  # the store's own device, where it is to be used again
    areas: tuple[str, ...] = ()  # the mount points that hold the staging areas then


@dataclass(frozen=True)
class Survey:
    """The facts, the store, and what a twin of the site is built from."""

    facts: dict[str, str]
    store: StoreSeen
    window: Estimate
    pair: tuple[HostSeen, HostSeen]
    walruses: tuple[eucalyptus.Registered, ...]
    properties: dict[str, str]
    place: files.FileStat


def survey(site: Site[Reader]) -> Survey:
    """Look at everything once. READ commands only.

    Raises:
        HostError, StepBlocked, UnexpectedOutput: something cannot be seen; preflight says the same in better words.
    """
    site = site_of_one_look(site)
    place = files.stat(site.original, site.settings.store)
    if place is None:
        raise StepBlocked(f"{site.original.name}: {site.settings.store} does not exist")
    pair = tuple(_host_seen(site, host) for host in site.pair)
    listed = store.listing(site.original, site.settings.store)
    facts = dict(_facts(site, {one.name: one for one in pair}))
    walruses = tuple(sorted(site.cloud.walruses(site.clc), key=lambda one: one.name))
    properties = {name: value for name, value in site.cloud.properties(site.clc).items() if name in _OF_THE_MOVE}
    for one in walruses:
        facts[f"{site.clc.name}: Walrus {one.name}"] = f"{one.address} in {one.partition}, {one.state}"
    facts |= {f"{site.clc.name}: {name}": value for name, value in properties.items()}
    seen = StoreSeen(saved.digest(listed), len(listed), store.total_bytes(listed))
    return Survey(facts, seen, estimate(site), (pair[0], pair[1]), walruses, properties, place)


def _host_seen(site: Site[Reader], host: Reader) -> HostSeen:
    settings = site.settings
    paths = (settings.drbd_conf, MAIN_CONFIGURATION, FSTAB, eucalyptus.CONFIGURATION)
    return HostSeen(
        host.name,
        dialect.kernel_version(host),
        status.module_loaded(host),
        bool(services.processes(host, settings.service)),
        services.starts_at_boot(host, settings.service),
        services.at_boot(host, DRBD),
        identity.caches_can_be_dropped(host),
        frozenset(_lacking(host)),
        {path: files.read(host, path) for path in paths},
        *(_reused(site, host) if settings.reuse_device and host.name == site.original.name else ()),
    )


def _lacking(host: Reader) -> Iterator[str]:
    yield from programs.missing(host, _REPLACEABLE)
    if copying.has_old_cp(host):
        yield copying.OWN_BLOCKS
    if hashers.hasher_of(host) is not hashers.Hasher.OPENSSL:
        yield hashers.AS_SHA256SUM


def _reused(site: Site[Reader], host: Reader) -> tuple[OldDevice, tuple[str, ...]]:
    """The device that the store will be taken from, and where the two copies will lie."""
    areas = (site.settings.staging, site.settings.second_staging or "")
    return seen_now(site), tuple(files.room(host, area).mounted_on for area in areas)


# Facts


def _facts(site: Site[Reader], seen: dict[str, HostSeen]) -> Iterator[Fact]:
    yield "engine", engine_identity()
    yield from _inventory(site)
    for host in {host.name: host for host in site.hosts}.values():
        yield from ((f"{host.name}: {what}", value) for what, value in _of_any_host(host))
    for host in site.pair:
        found = seen[host.name]
        for part in (_of_a_walrus(host, found), _of_the_disk(site, host), _of_places(site, host)):
            yield from ((f"{host.name}: {what}", value) for what, value in part)


@cache
def engine_identity() -> str:
    """The version, and the hash of the text that makes the commands: engines that share a version may differ."""
    package = Path(harness.__file__).parent
    summed = hashlib.sha256()
    for part in ("migration", "systems", "hosts"):
        for path in sorted((package / part).rglob("*.py")):
            summed.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
    return f"{harness.__version__} {summed.hexdigest()[:16]}"


def _inventory(site: Site[Reader]) -> Iterator[Fact]:
    send_nothing = {"window_s", "cutover_window"}
    for name, value in site.settings.model_dump(mode="json", exclude=send_nothing).items():
        yield f"setting {name}", str(value)
    for node in site.inventory.nodes():
        yield f"{node.role}", f"{node.name} at {node.address}, reached as {node.connection.describe()}"
        yield f"{node.role} replicates at", str(node.replication_address or node.address)
        yield f"{node.role} uname", node.uname
        yield f"{node.role} backing device", str(node.backing_device)


def _of_any_host(host: Reader) -> Iterator[Fact]:
    yield "uname", host.read(Command(("uname", "-n"))).text.strip()
    yield "kernel", identity.kernel(host)
    yield "machine id", identity.machine_id(host)
    yield "hardware id", identity.hardware_id(host)
    keys = identity.host_keys(host)
    for kind in ("rsa", "dsa", "ecdsa", "ed25519"):
        yield f"host key {kind}", keys.get(kind, identity.NOT_TOLD)
    holder = host.holder()
    yield "last run", f"{'nobody' if holder.run_id == '-' else holder.run_id}, epoch {holder.epoch}"


def _of_a_walrus(host: Reader, seen: HostSeen) -> Iterator[Fact]:
    for what, argv in _VERSIONS.items():
        answer = host.ask(Command(argv))
        yield what, _first_lines(answer.text) if answer.ok else identity.NOT_TOLD
    yield "drbd", ".".join(map(str, seen.drbd))
    yield "drbd module", "loaded" if seen.module_loaded else "not loaded"
    yield "service", f"{'runs' if seen.running else 'is down'}, {'' if seen.at_boot else 'not '}started at boot"
    known = {None: "has no init script", True: "started at boot", False: "not started at boot"}
    yield "drbd service", known[seen.drbd_at_boot]
    yield "without", ", ".join(sorted(seen.lacks)) or "nothing that has a substitute"
    yield "caches", "can be dropped" if seen.drops_caches else "cannot be dropped"
    for path, text in seen.texts.items():
        yield (
            path,
            "absent" if text is None else f"sha256 {hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}",
        )


def _first_lines(text: str) -> str:
    """A version as one line; what follows the first few lines is licences and features."""
    return " ".join(text.split("\n", 8)[:8]).strip()


def _of_the_disk(site: Site[Reader], host: Reader) -> Iterator[Fact]:
    device = site.disk(host)
    yield f"{device} names", identity.disk_names(host, device)
    yield f"{device} numbers", identity.disk_numbers(host, device)
    yield f"{device} bytes", str(volumes.size_bytes(host, device))
    found = volumes.signature(host, device)
    yield f"{device} holds", f"{found.type} {found.uuid}".strip() if found else "nothing"
    yield f"{device} signatures", " ".join(volumes.all_signatures(host, device).split()) or "none"
    yield f"{device} holders", " ".join(volumes.holders(host, device)) or "none"
    yield f"{device} swap", "yes" if device in volumes.swap_devices(host) else "no"


def _of_places(site: Site[Reader], host: Reader) -> Iterator[Fact]:
    """The directories of the move, and what is mounted in, at or above none of their business."""
    settings = site.settings
    second = (settings.second_staging, site.second_copy) if settings.second_staging else ()
    for path in (settings.store, site.old_store, settings.staging, site.staged_copy, *second):
        found = files.stat(host, path)
        said = f"{found.kind}, mode {found.mode:04o}, owner {found.uid}:{found.gid}" if found else "absent"
        yield path, f"{said}, on {_under(host, path)}" if found else said
    concerned = (settings.store, settings.staging, *second[:1], settings.device, site.disk(host))
    mounted = [one for one in mounts.mounts(host) if _concerns(one, concerned)]
    yield "mounts", "; ".join(f"{one.device} on {one.at} as {one.fstype}" for one in mounted) or "none"
    yield "drbd minors", " ".join(map(str, sorted(status.all_minors(host)))) or "none"


def _under(host: Reader, path: str) -> str:
    room = files.room(host, path)
    return f"{room.device} at {room.mounted_on}"


def _concerns(mount: mounts.Mount, places: tuple[str, ...]) -> bool:
    return mount.device in places or any(f"{mount.at}/".startswith(f"{place}/") for place in places)


CANNOT_SEE = (HostError, StepBlocked, UnexpectedOutput)
