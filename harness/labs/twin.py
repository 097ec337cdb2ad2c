"""A simulated pair built like the one in an inventory, to watch the engine on before it touches the real one.

What decides which commands the engine sends is as it was seen on the hosts: names, addresses, configuration files,
versions, services, registrations, the store's owner and mode. What does not is as a lab has it: the store is empty, the
devices are small, and the speeds are those of the simulation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from fakes import programs
from fakes.program import Call
from fakes.programs import drbd_content
from fakes.simulated import SimulatedMachine, SimulatedWorld
from fakes.world import Disk, Service, WalrusState
from harness.clock import Clock
from harness.hosts.function import FunctionConnection
from harness.inventory import Inventory, Node
from harness.labs.premises import CLOUD_KEY, CLOUD_SECRET, DRBD_SERVICE, EUCALYPTUS_ID, FILES, KEYS
from harness.labs.simulated import VirtualClock
from harness.labs.simulated_door import Door

_DIRECTORIES = ("/dev", "/etc", "/var", "/var/lib", "/var/lib/eucalyptus", "/var/run", "/tmp", "/root", KEYS)
_DEVICE_BYTES = 64 * 1024**2
_SYNC_BYTES_PER_S = 200 * 1024**2
_INCLUDE = re.compile(r'^\s*include\s+"?([^"*;]+)"?\s*;', re.MULTILINE)
_PATIENCE_TICKS = 30


@dataclass(frozen=True)
class TwinHost:
    """One of the pair as it was seen."""

    drbd: str  # 8.3 or 8.4
    module_loaded: bool
    at_boot: bool
    drbd_at_boot: bool | None
    drops_caches: bool
    lacks: frozenset[str]  # programs that it does not have
    texts: Mapping[str, str | None]  # configuration files by path, None where there is none
    old: tuple[str, str, str] | None = None  # type, UUID and label of what lies on the device, which holds the store
    areas: tuple[str, ...] = ()  # mount points of file systems of their own, which hold the staging areas


@dataclass(frozen=True)
class TwinCloud:
    """What the cloud controller was seen to know: name, partition and address of each Walrus, and the properties."""

    walruses: Sequence[tuple[str, str, str]]
    properties: Mapping[str, str]


@dataclass(frozen=True)
class Twin:
    """All of it."""

    inventory: Inventory
    original: TwinHost
    additional: TwinHost
    cloud: TwinCloud
    store_mode: int
    store_owner: tuple[int, int]

    @contextmanager
    def open(self) -> Iterator[tuple[Inventory, Clock, list[str]]]:
        """The twin's hosts under the names of the real ones, their clock, and the calls that no fake models."""
        world = SimulatedWorld(self.original.drbd)
        for node in self.inventory.hosts():
            self._furnish(world.add_host(node.name, node.address, node.role), node)
            world.state.hosts[node.name].replication_address = node.replication_address or ""
        world.state.hosts[self.inventory.clc.name].has_cloud = True
        self._open_cloud(world)
        door = Door(world)

        def reached(node: Node) -> Node:
            return replace(node, connection=FunctionConnection(door.send, "twin"))

        original, additional, clc = map(reached, self.inventory.nodes())
        twin = replace(self.inventory, original=original, additional=additional, clc=clc)
        yield twin, VirtualClock(world), world.state.unsupported

    def _furnish(self, machine: SimulatedMachine, node: Node) -> None:
        files = machine.files
        for directory in _DIRECTORIES:
            _make(machine, directory)
        for path, text in FILES.items():
            _write(machine, path, text)
        uid, gid = self.store_owner if self.store_owner[0] else (EUCALYPTUS_ID, EUCALYPTUS_ID)
        files.write("/etc/passwd", f"root:x:0:0::/root:/bin/sh\neucalyptus:x:{uid}:{gid}::/:/bin/sh\n".encode())
        files.write("/etc/group", f"root:x:0:\neucalyptus:x:{gid}:\n".encode())
        machine.node_name = node.uname
        if node.name == self.inventory.clc.name:
            files.write(CLOUD_KEY, CLOUD_SECRET, 0o600)
            if self.inventory.settings.eucarc:
                _write(machine, self.inventory.settings.eucarc, "")
        if node.role != "clc":
            self._make_walrus(machine, node, self.original if node.role == "original" else self.additional)

    def _make_walrus(self, machine: SimulatedMachine, node: Node, seen: TwinHost) -> None:
        settings, files, row = self.inventory.settings, machine.files, machine.simulation.state.hosts[machine.name]
        for path, text in seen.texts.items():
            if text is not None:
                _write(machine, path, text)
            elif files.exists(path):
                files.unlink(path)
            for included in _INCLUDE.findall(text or ""):
                included = included if included.startswith("/") else f"{path.rpartition('/')[0]}/{included}"
                if not files.exists(included) and included not in seen.texts:
                    _write(machine, included, "")
        assert node.backing_device is not None
        row.disks[node.backing_device] = Disk(node.backing_device, _DEVICE_BYTES)
        row.services[settings.service] = Service(starts_at_boot=seen.at_boot)
        if seen.drbd_at_boot is not None:
            row.services[DRBD_SERVICE] = Service(starts_at_boot=seen.drbd_at_boot)
        row.modules += ["drbd"] if seen.module_loaded else []
        row.drbd_version = seen.drbd
        machine.locked_settings = not seen.drops_caches
        machine.missing_programs |= seen.lacks
        for path in (node.backing_device, settings.device):
            _make(machine, path.rpartition("/")[0])
            files.make_node(path)
        _make(machine, settings.store)
        files.chown(settings.store, *self.store_owner)
        files.chmod(settings.store, self.store_mode)
        if node.role == "original":
            for number, at in enumerate(dict.fromkeys(seen.areas)):
                if at != "/":
                    _make(machine, at)
                    files.add_volume(at, _DEVICE_BYTES, source=f"/dev/sd{'zyx'[number]}1")
            for area in (settings.staging, settings.second_staging):
                _make(machine, area or "/")
        if seen.old:
            self._mount_old_device(machine, node.backing_device, seen.old)

    def _mount_old_device(self, machine: SimulatedMachine, device: str, old: tuple[str, str, str]) -> None:
        """The store on the very device that is to be replicated, mounted as fstab has it."""
        with machine.world() as world:
            disk = world.hosts[machine.name].disks[device]
            drbd_content.make_filesystem(machine, world, disk, old[0], _DEVICE_BYTES // 1024)
            disk.uuid, disk.label = old[1:]
        place = self.inventory.settings.store
        programs.run(Call(("mount", place)), machine)
        machine.files.chown(place, *self.store_owner)
        machine.files.chmod(place, self.store_mode)

    def _open_cloud(self, world: SimulatedWorld) -> None:
        world.state.sync_bytes_per_s = _SYNC_BYTES_PER_S
        cloud = world.state.cloud
        for node in self.inventory.pair:
            programs.run(Call(("service", self.inventory.settings.service, "start")), world.machines[node.name])
        for name, partition, address in self.cloud.walruses:
            cloud.walruses[name] = WalrusState(name, partition, address)
            cloud.key_deliveries[address] = CLOUD_SECRET.hex()
        cloud.properties.update(self.cloud.properties)
        for _ in range(_PATIENCE_TICKS):
            if any(one.state == "ENABLED" for one in cloud.walruses.values()):
                break
            world.advance(cloud.tick_s)
        for machine in world.machines.values():
            machine.files.sync()


def _make(machine: SimulatedMachine, directory: str) -> None:
    parts = directory.strip("/").split("/")
    for depth in range(1, len(parts) + 1):
        path = "/" + "/".join(parts[:depth])
        if not machine.files.exists(path):
            machine.files.mkdir(path)


def _write(machine: SimulatedMachine, path: str, text: str) -> None:
    _make(machine, path.rpartition("/")[0] or "/")
    machine.files.write(path, text.encode("utf-8", "surrogateescape"))
