"""How the simulated world looks before the move: a healthy pair, and the hazards that a scenario plants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fakes import layouts, programs, seeding
from fakes.pace import Pace
from fakes.program import Call
from fakes.programs import hashing
from fakes.simulated import SimulatedMachine, SimulatedWorld
from fakes.world import Disk, Mount, Service
from harness.inventory import Settings
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, Start
from harness.labs.premises import (
    BACKING_DEVICE,
    CLOUD_KEY,
    CLOUD_SECRET,
    DRBD_SERVICE,
    EUCALYPTUS_ID,
    FILES,
    FIRST_WALRUS,
    KEYS,
    NAMELESS,
    NAMES,
    NOT_BESIDE,
    SERVICE,
    SIGNATURE_UUID,
    STORE_UUID,
    role_in_cloud,
)

ADDRESSES = {ORIGINAL: "10.99.0.10", ADDITIONAL: "10.99.0.11", CLC: "10.99.0.5"}
_DIRECTORIES = ("/dev", "/etc", "/var", "/var/lib", "/var/lib/eucalyptus", "/var/run", "/tmp", "/root", KEYS)
_PATIENCE_TICKS = 20
_PIECE_S = 1.0  # of a copy whose rate is given: it may last for days
_TIMES_THE_STORE = 4  # room on the root disk for the store, its staged copy and what the system needs
_STAGING_INODES = 200_000
_SECOND_STAGING = "/dev/sdy1"
_STORE_OPTIONS = "noatime"


def build(start: Start) -> SimulatedWorld:
    """A world with the store seeded and the original Walrus ENABLED; the same start gives the same world."""
    world = SimulatedWorld(start.drbd)
    sync_bytes_per_s = start.sync_bytes_per_s
    if (told := start.rates) is not None:
        world.pace = Pace(told.read_bytes_per_s, told.copy_bytes_per_s, told.command_s, told.entry_s, _PIECE_S)
        sync_bytes_per_s = told.sync_bytes_per_s or sync_bytes_per_s
    settings = Settings.model_validate(dict(start.settings))
    for role, name in NAMES.items():
        _furnish(world.add_host(name, ADDRESSES[role], role_in_cloud(role, start)), role)
    world.state.hosts[NAMES[ORIGINAL]].has_cloud = start.clc == "original"
    for role in (ORIGINAL, ADDITIONAL):
        machine = world.machines[NAMES[role]]
        size = start.device_bytes
        if role == ADDITIONAL:
            size = start.differs.get("additional_device_bytes", size)
        _walrus_host(machine, settings, size, sync_bytes_per_s, world)
        machine.missing_programs |= NOT_BESIDE[start.init]
    _seed(world, settings, start)
    if start.clc == "original":
        world.machines[NAMES[ORIGINAL]].files.write(CLOUD_KEY, CLOUD_SECRET, 0o600)
    _plant(world, settings, start.differs)
    _open_cloud(world, start.differs)
    world.state.events.clear()
    return world


def _furnish(machine: SimulatedMachine, role: str) -> None:
    for directory in _DIRECTORIES:
        _make(machine, directory)
    for path, text in FILES.items():
        _make(machine, path.rpartition("/")[0])
        machine.files.write(path, text.encode())
    _add_user(machine, EUCALYPTUS_ID)
    for path, text in _identity(machine.name).items():
        _make(machine, path.rpartition("/")[0])
        machine.files.write(path, text.encode())
    if role == CLC:
        machine.files.write(CLOUD_KEY, CLOUD_SECRET, 0o600)


def _identity(name: str) -> dict[str, str]:
    """What a machine is told from others by, the same in each world."""
    number = sum(map(ord, name))
    return {
        "/etc/machine-id": f"{number:032x}\n",
        "/etc/ssh/ssh_host_rsa_key.pub": f"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ{number:016x} root@{name}\n",
        "/sys/class/dmi/id/product_uuid": f"4C4C4544-0000-1000-8000-{number:012X}\n",
    }


def _add_user(machine: SimulatedMachine, number: int) -> None:
    machine.files.write(
        "/etc/passwd", f"root:x:0:0::/root:/bin/sh\neucalyptus:x:{number}:{number}::/:/bin/sh\n".encode()
    )
    machine.files.write("/etc/group", f"root:x:0:\neucalyptus:x:{number}:\n".encode())


def _make(machine: SimulatedMachine, directory: str) -> None:
    parts = directory.strip("/").split("/")
    for depth in range(1, len(parts) + 1):
        path = "/" + "/".join(parts[:depth])
        if not machine.files.exists(path):
            machine.files.mkdir(path)


def _walrus_host(machine: SimulatedMachine, settings: Settings, size: int, rate: int, world: SimulatedWorld) -> None:
    files, row = machine.files, world.state.hosts[machine.name]
    row.disks[BACKING_DEVICE] = Disk(BACKING_DEVICE, size)
    row.services = {SERVICE: Service(), DRBD_SERVICE: Service(starts_at_boot=False)}
    world.state.sync_bytes_per_s = rate
    for node in (BACKING_DEVICE, settings.device):
        files.make_node(node)
    _make(machine, "/dev/disk/by-id")
    files.symlink(f"../../{BACKING_DEVICE.rsplit('/', 1)[-1]}", f"/dev/disk/by-id/ata-LAB_{machine.name}_0001")
    _make(machine, settings.store)
    files.chown(settings.store, EUCALYPTUS_ID, EUCALYPTUS_ID)
    files.chmod(settings.store, 0o700)


def _seed(world: SimulatedWorld, settings: Settings, start: Start) -> None:
    original = world.machines[NAMES[ORIGINAL]]
    original.files.grow_root(_TIMES_THE_STORE * start.store.bytes)
    _make(original, settings.staging)
    if start.staging_bytes is not None:
        original.files.add_volume(settings.staging, start.staging_bytes, _STAGING_INODES)
        original.files.utime(settings.staging, world.now_ns())  # somebody made that directory once
    if start.second_staging_bytes is not None:
        _make(original, settings.second_staging or "")
    if start.second_staging_bytes:
        second = settings.second_staging or ""
        original.files.add_volume(second, start.second_staging_bytes, _STAGING_INODES, _SECOND_STAGING)
        original.files.utime(second, world.now_ns())
    if start.store_on == "device":
        _put_store_on_device(original, settings)
    items = layouts.planned(start.store.as_json())
    seeding.materialise(original.files, settings.store, items, EUCALYPTUS_ID, EUCALYPTUS_ID)


def _put_store_on_device(original: SimulatedMachine, settings: Settings) -> None:
    """A host that was given a disk for its store when it was installed, with all of its disks in fstab."""
    files, place = original.files, settings.store
    fixed = [f"{source} {at} ext4 defaults 1 2" for source, at in files.fixed_mounts() if at != "/"]
    own = f"UUID={STORE_UUID} {place} ext4 {_STORE_OPTIONS} 1 2"
    files.write("/etc/fstab", files.read("/etc/fstab") + "".join(f"{line}\n" for line in [*fixed, own]).encode())
    files.chown(place, 0, 0)  # the bare mount point, as mkdir made it
    files.chmod(place, 0o755)
    for argv in (("mkfs.ext4", "-q", "-U", STORE_UUID, "-L", "bukkits", BACKING_DEVICE), ("mount", place)):
        reply = programs.run(Call(argv), original)
        assert reply.exit_status == 0, reply.stderr
    files.chown(place, EUCALYPTUS_ID, EUCALYPTUS_ID)
    files.chmod(place, 0o700)


def _open_cloud(world: SimulatedWorld, differs: Mapping[str, Any]) -> None:
    """Register the original Walrus and let the cloud come to rest."""
    clc = next(world.machines[row.name] for row in world.state.hosts.values() if row.runs_cloud)
    for role in (ORIGINAL, ADDITIONAL):
        programs.run(Call(("service", SERVICE, "start")), world.machines[NAMES[role]])
    address = ADDRESSES[ORIGINAL]
    options = ("--partition", "walrus", "--host", address, "--component", FIRST_WALRUS)
    clc.execute(Call(("euca_conf", "--register-walrus", *options)))
    for _ in range(_PATIENCE_TICKS):
        if world.state.cloud.walruses[FIRST_WALRUS].state == "ENABLED":
            break
        world.advance(world.state.cloud.tick_s)
    world.state.cloud.key_sync_fails = bool(differs.get("key_sync_fails"))
    world.state.cloud.next_enabled = differs.get("next_enabled", "")
    if "storagedir" in differs:
        world.state.cloud.properties["walrus.storagedir"] = differs["storagedir"]
    for machine in world.machines.values():
        machine.files.sync()


# Hazards


def _plant(world: SimulatedWorld, settings: Settings, differs: Mapping[str, Any]) -> None:
    for name, value in differs.items():
        if hazard := _HAZARDS.get(name):
            hazard(world, settings, value)


def _at(world: SimulatedWorld, role: str) -> SimulatedMachine:
    return world.machines[NAMES[role]]


def _store_is_symlink(world: SimulatedWorld, settings: Settings, value: object) -> None:
    files = _at(world, ORIGINAL).files
    files.rename(settings.store, f"{settings.store}.real")
    files.symlink(f"{settings.store}.real", settings.store)


def _uid_differs(world: SimulatedWorld, settings: Settings, value: object) -> None:
    machine = _at(world, ADDITIONAL)
    _add_user(machine, EUCALYPTUS_ID + 1)
    machine.files.chown(settings.store, EUCALYPTUS_ID + 1, EUCALYPTUS_ID + 1)


def _device_signature(world: SimulatedWorld, settings: Settings, value: Mapping[str, str]) -> None:
    for role, kind in value.items():
        disk = world.state.hosts[NAMES[role]].disks[BACKING_DEVICE]
        if kind == NAMELESS:
            disk.residue = True
        else:
            disk.signature, disk.uuid = kind, SIGNATURE_UUID


def _fstab_line(world: SimulatedWorld, settings: Settings, value: Mapping[str, str]) -> None:
    files = _at(world, value["host"]).files
    files.write("/etc/fstab", files.read("/etc/fstab") + value["line"].encode() + b"\n")


def _uname(world: SimulatedWorld, settings: Settings, value: Mapping[str, str]) -> None:
    for role, name in value.items():
        _at(world, role).node_name = name


def _os_release(world: SimulatedWorld, settings: Settings, value: Mapping[str, str]) -> None:
    for role, text in value.items():
        _at(world, role).files.write("/etc/redhat-release", text.encode() + b"\n")


def _eucalyptus_version(world: SimulatedWorld, settings: Settings, value: Mapping[str, str]) -> None:
    for role, text in value.items():
        _at(world, role).files.write("/etc/eucalyptus/eucalyptus-version", text.encode() + b"\n")


def _port_blocked(world: SimulatedWorld, settings: Settings, value: object) -> None:
    if value is True:
        world.state.blocked_ports.append(settings.port)
    else:
        world.state.silent_ports.append([NAMES[str(value)], settings.port])


def _listening_port(world: SimulatedWorld, settings: Settings, value: Mapping[str, Any]) -> None:
    world.state.hosts[NAMES[value["host"]]].listening.append(value["port"])


def _file(world: SimulatedWorld, settings: Settings, value: Mapping[str, str]) -> None:
    _at(world, value["host"]).files.write(value["path"], value["line"].encode() + b"\n")


def _drbd_version(world: SimulatedWorld, settings: Settings, value: Mapping[str, str]) -> None:
    for role, version in value.items():
        world.state.hosts[NAMES[role]].drbd_version = version


def _missing_program(world: SimulatedWorld, settings: Settings, value: Mapping[str, str]) -> None:
    _at(world, value["host"]).missing_programs.add(value["program"])


def _openssl(world: SimulatedWorld, settings: Settings, value: Mapping[str, str]) -> None:
    for role, kind in value.items():
        machine = _at(world, role)
        if kind == "wrong":
            machine.wrong_programs.add("openssl")
        else:
            machine.missing_programs.add({"absent": "openssl", "old": hashing.YOUNGER}[kind])


def _missing_init_script(world: SimulatedWorld, settings: Settings, value: str) -> None:
    del world.state.hosts[NAMES[value]].services[DRBD_SERVICE]


def _other_drbd_mount(world: SimulatedWorld, settings: Settings, value: Mapping[str, str]) -> None:
    machine = _at(world, value["host"])
    machine.files.make_node(value["device"])
    _make(machine, value["at"])
    world.state.hosts[machine.name].mounts.append(Mount(value["device"], value["at"], "ext4"))


_HAZARDS: dict[str, Callable[[SimulatedWorld, Settings, Any], None]] = {
    "store_is_symlink": _store_is_symlink,
    "uid_differs": _uid_differs,
    "device_signature": _device_signature,
    "fstab_line": _fstab_line,
    "uname": _uname,
    "os_release": _os_release,
    "eucalyptus_version": _eucalyptus_version,
    "drbd_port_blocked": _port_blocked,
    "listening_port": _listening_port,
    "file": _file,
    "drbd_version": _drbd_version,
    "missing_program": _missing_program,
    "openssl": _openssl,
    "missing_init_script": _missing_init_script,
    "other_drbd_mount": _other_drbd_mount,
}
