"""All that one run of the machines lab starts, from the first key to the last kernel, and its end."""

from __future__ import annotations

import itertools
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import LabError, LabUnavailable
from harness.evidence import Event
from harness.hosts.ssh import SshConnection
from harness.inventory import Inventory, Node, Role, Settings
from harness.labs import machine_backend, machine_cleanup, machine_image
from harness.labs import machine_furnish as furnish
from harness.labs.container_furnish import uname_of
from harness.labs.container_keys import LabKeys, make_keys
from harness.labs.hostfiles import File
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, ROLES, Start
from harness.labs.machine_door import Door
from harness.labs.machine_furnish import BACKING_DEVICE
from harness.labs.machine_host import FURNISHING, MachineHost, Plan
from harness.labs.machine_kernel import Cable, Machine
from harness.labs.machine_network import PAIR, MachineNetwork
from harness.labs.premises import NAMES

_MKFS_S = 60.0
_TURNS = itertools.count(os.getpid())

T = TypeVar("T")


@dataclass
class MachineRack:
    """The hosts, disks, network and keys of one run, all below ``directory``."""

    run_id: str
    start: Start
    settings: Settings
    directory: Path
    network: MachineNetwork = field(init=False)
    keys: LabKeys = field(init=False)
    hosts: dict[str, MachineHost] = field(default_factory=dict)
    happened: list[Event] = field(default_factory=list)  # what the lab did to its hosts
    _turn: int = field(default_factory=lambda: next(_TURNS), init=False)

    def __post_init__(self) -> None:
        self.network = MachineNetwork(self.run_id)

    def bring_up(self) -> None:
        """Start, furnish and boot the three hosts, seed the store and wait until the original Walrus is ENABLED.

        Raises:
            LabUnavailable: this machine, or any machine, cannot offer what the start asks for.
            LabError: a host did not come up.
        """
        furnish.require_possible(self.start)
        image = machine_image.ensure(tell)
        self.hosts = {role: self._host(role, image) for role in ROLES}
        at_once(lambda work: work(), [self._make_keys, self.network.create, *map(self._disk_maker, ROLES)])
        at_once(self._boot, self.hosts.values())
        furnish.open_cloud(self)

    def _host(self, role: str, image: Path) -> MachineHost:
        plan = self._plan(role)
        disks = (
            self.data_disk(role) if plan.replicates else None,
            self.staging_disk(role) if plan.staging else None,
            self.directory / f"{plan.name}-{FURNISHING}",
        )
        cables = tuple(
            Cable(self.network.tap(role, one), self.network.mac(role, one)) for one in self.network.cables(role)
        )
        machine = Machine(plan.name, self.network.namespace, self.directory, image, disks, cables, self._cpu(role))
        kernel = machine_backend.chosen().make(machine)
        address, token = self.network.address(role), secrets.token_hex(16)
        door = Door(plan.name, self.network, address, token, kernel.slowness)
        return MachineHost(plan, kernel, self.network, door, self.directory / f"{plan.name}-{FURNISHING}")

    def _cpu(self, role: str) -> int:
        """The original works about as much as the two others together, and sits apart from them.

        Of two runs that begin one after the other it sits in different places.
        """
        allowed = sorted(os.sched_getaffinity(0))
        return allowed[(self._turn + (role != ORIGINAL)) % len(allowed)]

    def _plan(self, role: str) -> Plan:
        start = self.start
        size = start.differs.get("additional_device_bytes") if role == ADDITIONAL else None
        device_bytes = int(size or start.device_bytes) if role in PAIR else None
        bounded = start.staging_bytes is not None and role == ORIGINAL
        return Plan(
            role,
            NAMES[role],
            uname_of(role, start),
            device_bytes,
            self.settings.staging if bounded else None,
            start.staging_bytes if bounded else None,
        )

    def _make_keys(self) -> None:
        self.keys = make_keys(self.directory, tuple(NAMES.values()))
        self.keys.pin({host.plan.name: host.ssh for host in self.hosts.values()})

    def _disk_maker(self, role: str) -> Callable[[], None]:
        def make() -> None:
            plan = self.hosts[role].plan
            if plan.device_bytes is not None:
                _make_sparse(self.data_disk(role), plan.device_bytes)
            if plan.staging_bytes is not None:
                _make_sparse(self.staging_disk(role), plan.staging_bytes)
                _make_file_system(self.staging_disk(role))

        return make

    def data_disk(self, role: str) -> Path:
        """The file that holds the disk under DRBD."""
        return self.directory / f"{NAMES[role]}-data.img"

    def disk_below(self, role: str) -> str:
        """What the host calls that disk itself, below the device-mapper target that DRBD holds."""
        return self.hosts[role].backing_disk

    def staging_disk(self, role: str) -> Path:
        """The file that holds a bounded staging area."""
        return self.directory / f"{NAMES[role]}-staging.img"

    def _boot(self, host: MachineHost) -> None:
        """Files go in before the power comes; the rest once the lab's door is open."""
        host.put(furnish.files_for(host.plan, self) | self._own_files(host))
        host.start()
        host.wait_for_door()
        furnish.prepare(host, self)
        host.wait_for_ssh()

    def _own_files(self, host: MachineHost) -> dict[str, File]:
        return {
            "/etc/lab/token": File(host.door.token.encode(), 0o600),
            "/etc/lab/network": File(self.network.host_batch(host.plan.role, host.kernel.cards).encode()),
            "/etc/ssh/ssh_host_ed25519_key": File(self.keys.private(host.plan.name), 0o600),
            "/root/.ssh/authorized_keys": File(self.keys.authorized(), 0o600),
        }

    # The world that the fakes share

    def fakes(self, role: str, *arguments: str, stdin: str | None = None) -> str:
        """Run one of the fakes' own commands on a host and return what it printed."""
        return furnish.call_fakes(self.hosts[role], *arguments, stdin=stdin)

    def observer(self, avoiding: str | None = None) -> str:
        """The role of a host that runs.

        Raises:
            LabError: when there is none.
        """
        for role in (CLC, *PAIR):
            if role != avoiding and self.hosts[role].status() == "running":
                return role
        raise LabError("no host of the lab runs, so its world cannot be seen")

    def world(self) -> dict[str, Any]:
        """The cloud's world as it is now."""
        return furnish.world(self)

    def patch_world(self, patch: dict[str, Any]) -> None:
        """Merge a JSON merge patch into the world."""
        furnish.patch_world(self, patch)

    # Towards the engine

    def inventory(self) -> Inventory:
        """The hosts as the engine is to reach them: by ssh, with the run's keys, strictly."""

        def node(role: Role) -> Node:
            host = self.hosts[role]
            address, port = host.ssh
            way = SshConnection(
                address,
                port,
                "root",
                identity_file=self.keys.identity,
                known_hosts=self.keys.known_hosts,
                common_args=self.network.ssh_arguments(),
            )
            disk = BACKING_DEVICE if host.plan.replicates else None
            return Node(host.plan.name, role, way, host.address, host.plan.name, disk, host.replication_address)

        return Inventory(node("original"), node("additional"), node("clc"), self.settings, f"machines {self.run_id}")

    # The end

    def tear_down(self) -> None:
        """End every kernel and remove the namespace, the disks and the keys."""
        for host in self.hosts.values():
            host.cut_power()
        machine_cleanup.sweep(self.run_id)

    def let_go(self) -> None:
        """Leave everything running after this process; a sweep ends it."""
        for host in self.hosts.values():
            host.kernel.let_go()


def rack(run_id: str, start: Start) -> MachineRack:
    """What a run will start, its files in a directory of its own that a sweep finds by the run's name."""
    directory = machine_cleanup.run_directory(run_id)
    directory.mkdir(mode=0o700, parents=True)
    return MachineRack(run_id, start, Settings.model_validate(dict(start.settings)), directory)


def _make_sparse(path: Path, size: int) -> None:
    """A disk full of zeros that takes no room yet."""
    with path.open("wb") as disk:
        os.truncate(disk.fileno(), size)


def _make_file_system(path: Path) -> None:
    command = ["mke2fs", "-q", "-t", "ext4", "-m", "0", "-F", str(path)]
    environment = {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"}
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_MKFS_S, env=environment)
    except (OSError, subprocess.SubprocessError) as error:
        raise LabUnavailable(f"no file system for the staging area ({error}): make labs") from error


def at_once(work: Callable[[Any], T], items: Iterable[Any]) -> list[T]:
    """Do the work for all items at the same time; the first error is raised when all have ended."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        return [future.result() for future in [pool.submit(work, item) for item in items]]


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
