"""The hazards that preflight found on a site, planted in a lab: each finding's name, and what a lab does for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args

from harness.migration.facts.model import Facts, Hazard, HostFacts, MountFacts
from harness.systems.services import MANAGERS
from harness.trials.hazards import Signature

_NAMES = {"original": "walrus00", "additional": "walrus01"}
_ANOTHER_NAME = "another-name"
_PEER = {"original": "additional", "additional": "original"}
_GENERATIONS = ("8.3", "8.4")
_OLD_DEVICES = {
    "label": "LABEL=bukkits",
    "uuid": "UUID=0b5e55ed-0000-4000-8000-00000000b10c",
    "the backing device": "/dev/sdb",
}
_OLD_PLACE, _OTHER_PLACE = "/srv/elsewhere", "/srv/other"
_BY_ITSELF = {"store-empty", "staging-too-small", "device-too-small", "device-size-differs"}
"""They follow from sizes and counts of the twin, which harness.trials.site.twin keeps so."""

_BLIND = "not-determined"

Found = dict[str, Any] | None
Plant = Callable[[Facts, Hazard], Found]


@dataclass
class Planted:
    """Hazards by whether the lab has them, and what was planted for those that it has."""

    differs: dict[str, Any] = field(default_factory=dict)
    there: list[Hazard] = field(default_factory=list)
    missing: list[Hazard] = field(default_factory=list)


def plant(facts: Facts) -> Planted:
    """What of the site's hazards a lab can have. One that shares its field with another one is left out, and said."""
    planted = Planted()
    for hazard in dict.fromkeys(facts.hazards):
        found = {} if hazard.id in _BY_ITSELF else _plant_of(facts, hazard)
        if found is None or any(planted.differs.get(key, value) != value for key, value in found.items()):
            planted.missing.append(hazard)
            continue
        planted.differs |= found
        planted.there.append(hazard)
    blind = [one for one in planted.missing if one.id == _BLIND and one.role in {it.role for it in planted.there}]
    planted.missing = [one for one in planted.missing if one not in blind]
    planted.there += blind  # what could not be looked at there follows from what is wrong there
    return planted


def _plant_of(facts: Facts, hazard: Hazard) -> Found:
    plant_it = _PLANTS.get(hazard.id)
    return plant_it(facts, hazard) if plant_it else None


def _host(facts: Facts, hazard: Hazard) -> HostFacts:
    return facts.hosts[hazard.role]


def _signature(facts: Facts, hazard: Hazard) -> Found:
    found = {
        role: host.device.signature
        for role, host in facts.hosts.items()
        if host.device and host.device.signature in get_args(Signature)
    }
    return {"device_signature": found} if hazard.role in found else None


def _fstab(facts: Facts, hazard: Hazard) -> Found:
    settings = facts.settings
    for line in _host(facts, hazard).fstab:
        wanted = (line.device, line.at, line.fstype) == ("the move's device", "store", settings.filesystem)
        if not wanted and (line.at == "store" or line.device == "the move's device"):
            return {"fstab_line": {"host": hazard.role, "line": _line(facts, line)}}
    return None


def _line(facts: Facts, line: MountFacts) -> str:
    device = _OLD_DEVICES.get(line.device, line.drbd or "/dev/sdz1")
    device = facts.settings.device if line.device == "the move's device" else device
    at = facts.settings.store if line.at == "store" else _OLD_PLACE
    return f"{device} {at} {line.fstype} {'noauto' if line.noauto else 'defaults'} 0 0"


def _uname(facts: Facts, hazard: Hazard) -> Found:
    wrong = [role for role, host in facts.hosts.items() if not host.uname_as_inventory]
    if any(one.id == "same-host-twice" for one in facts.hazards):
        return {"uname": {"additional": _NAMES["original"]}} if wrong == ["additional"] else None
    return {"uname": {role: f"{_ANOTHER_NAME}-{role}" for role in wrong}} if hazard.role in wrong else None


def _release(facts: Facts, hazard: Hazard) -> Found:
    found = {role: facts.hosts[role].release for role in _PEER if role in facts.hosts and facts.hosts[role].release}
    return {"os_release": found} if len(set(found.values())) == 2 else None


def _eucalyptus(facts: Facts, hazard: Hazard) -> Found:
    found = {role: facts.hosts[role].eucalyptus or "" for role in _PEER if role in facts.hosts}
    numbers = all(version.replace(".", "").isdigit() for version in found.values())
    return {"eucalyptus_version": found} if numbers and len(set(found.values())) == 2 else None


def _blocked(facts: Facts, hazard: Hazard) -> Found:
    roles = {one.role for one in facts.hazards if one.id == "peer-port-blocked"}
    return {"drbd_port_blocked": True if len(roles) == 2 else _PEER[hazard.role]}


def _drbd(facts: Facts, hazard: Hazard) -> Found:
    found = {role: (facts.hosts[role].drbd or "").rpartition(".")[0] for role in _PEER if role in facts.hosts}
    if len(set(found.values())) != 2 or not set(found.values()) <= set(_GENERATIONS):
        return None
    return {"drbd_version": {"additional": found["additional"]}}


def _tool(facts: Facts, hazard: Hazard) -> Found:
    only = {"rsync-missing": "rsync", "getfattr-missing": "getfattr"}
    tools = _host(facts, hazard).tools
    others = [f"mkfs.{one}" for one in ("ext3", "ext4", "xfs") if one != facts.settings.filesystem]
    managers = set(MANAGERS) if any(tools.get(name) for name in MANAGERS) else set()  # one of them is enough
    unneeded = {"getfattr", "openssl", "curl", *others, *managers} | (
        {"nice", "ionice", "xargs", "touch", "date"} if facts.settings.strategy == "staged" else set()
    )
    missing = [name for name, found in tools.items() if found is None and name not in unneeded]
    program = only.get(hazard.id) or (missing[0] if missing else "")
    return {"missing_program": {"host": hazard.role, "program": program}} if program else None


def _other_drbd(facts: Facts, hazard: Hazard) -> Found:
    device = facts.settings.device
    for mount in _host(facts, hazard).mounts:
        if mount.drbd and mount.drbd != device and device in mount.drbd:
            return {"other_drbd_mount": {"host": hazard.role, "device": mount.drbd, "at": _OTHER_PLACE}}
    return None


def _storagedir(facts: Facts, hazard: Hazard) -> Found:
    return {"storagedir": facts.cloud.storagedir} if facts.cloud.storagedir else None


def _drbd_conf(facts: Facts, hazard: Hazard) -> Found:
    return {"file": {"host": hazard.role, "path": facts.settings.drbd_conf, "line": "# it was there before"}}


_PLANTS: dict[str, Plant] = {
    "store-is-symlink": lambda facts, hazard: {"store_is_symlink": True},
    "uid-differs": lambda facts, hazard: {"uid_differs": True},
    "device-not-blank": _signature,
    "fstab-contradicts": _fstab,
    "uname-differs": _uname,
    "same-host-twice": _uname,
    "os-differs": _release,
    "eucalyptus-version-differs": _eucalyptus,
    "peer-port-blocked": _blocked,
    "port-in-use": lambda facts, hazard: {"listening_port": {"host": hazard.role, "port": facts.settings.port}},
    "storagedir-differs": _storagedir,
    "drbd-conf-exists": _drbd_conf,
    "drbd-versions-differ": _drbd,
    "tool-missing": _tool,
    "rsync-missing": _tool,
    "getfattr-missing": _tool,
    "drbd-init-script-missing": lambda facts, hazard: {"missing_init_script": hazard.role},
    "device-name-ambiguous": _other_drbd,
}
