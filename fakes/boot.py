"""What happens to a container's machine when it gets power."""

from __future__ import annotations

import os
import stat as modes
import sys

from fakes import programs
from fakes.container import PYTHON_OPTIONS, RUN, ContainerMachine
from fakes.program import Call
from fakes.programs.drbd_model import settle
from fakes.programs.services import WAITING, starting_at_boot
from fakes.world import HostRow, World

_DRBD_MAJOR = 147
_DEFAULT_DRBD = ("/dev/drbd1", 1)


def boot(machine: ContainerMachine) -> None:
    """Leftovers of the last life go, the kernel's memory with them; then the services start that start at boot."""
    machine.files.unmount_all()
    with machine.world() as world:
        settle(world, machine.now())
        row = machine.row(world)
        if not row.powered:
            row.powered, row.listening = True, []
            world.record(machine.now(), machine.name, "power", "on")
        _forget(row)
        world.counter += 1
        row.boot_id = f"{world.counter:08x}-0000-4000-8000-000000000000"
        nodes = _device_nodes(world, row)
        starting = starting_at_boot(row.services)
    for path, device in nodes.items():
        _make_node(machine.files.real(path), device)
    if not WAITING.isdisjoint(starting):  # sshd comes up before a script that waits for another host
        command = [sys.executable, *PYTHON_OPTIONS, RUN, "start", *starting]
        os.posix_spawn(sys.executable, command, os.environ, setsid=True)
        return
    for name in starting:
        programs.run(Call(("service", name, "start")), machine)


def _forget(row: HostRow) -> None:
    row.modules, row.mounts, row.sides = [], [], {}
    row.frozen = False
    for service in row.services.values():
        service.running, service.pid = False, 0


def _device_nodes(world: World, row: HostRow) -> dict[str, int]:
    """Path to device number: the host's disks, and the replicated devices that it may have."""
    found = {}
    for disk in row.disks.values():
        major, _, minor = disk.number.partition(":")
        found[disk.device] = os.makedev(int(major), int(minor))
    drbd = [(resource.device, resource.minor) for resource in world.resources.values()] or [_DEFAULT_DRBD]
    if row.disks:
        found.update({device: os.makedev(_DRBD_MAJOR, minor) for device, minor in drbd})
    return found


def _make_node(path: str, device: int) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.exists(path):
        os.mknod(path, 0o660 | modes.S_IFBLK, device)
