"""Files below /proc that DRBD, mounts and swap space show in. None: there is no such file now."""

from __future__ import annotations

from collections.abc import Callable

from fakes.machine import Machine
from fakes.programs.drbd_model import settle
from fakes.programs.drbd_printing import proc_drbd
from fakes.world import HostRow, World

_ROOT_DEVICE = "/dev/sda1"
_SIZES = {"drbd": {"8.3": 318209, "8.4": 297072}, "lru_cache": {"8.4": 6737}}


def _drbd(machine: Machine) -> bytes | None:
    now = machine.now()
    with machine.world() as world:
        settle(world, now)
        row = machine.row(world)
        return proc_drbd(world, row, now).encode() if "drbd" in row.modules else None


def _mounts(machine: Machine) -> bytes:
    """The root and what else is fixed, then what was mounted since."""
    fixed = getattr(machine.files, "fixed_mounts", lambda: [(_ROOT_DEVICE, "/")])()
    with machine.world() as world:
        settle(world, machine.now())
        mounts = [(one.device, one.at, one.fstype, one.options) for one in machine.row(world).mounts]
    planted = {at for _, at, _, _ in mounts}
    lines = [(source, at, "ext4", "rw,relatime") for source, at in fixed if at not in planted]
    text = "".join(f"{_escaped(source)} {_escaped(at)} {kind} {how} 0 0\n" for source, at, kind, how in lines + mounts)
    return text.encode("utf-8", "surrogateescape")


def _escaped(name: str) -> str:
    """The kernel writes space, tab, newline and backslash as three octal digits."""
    return "".join(f"\\{ord(sign):03o}" if sign in " \t\n\\" else sign for sign in name)


def _swaps(machine: Machine) -> bytes:
    with machine.world() as world:
        disks = [disk for disk in machine.row(world).disks.values() if disk.swap]
        lines = [f"{disk.device:<40}partition\t{disk.size_bytes // 1024 - 4}\t\t0\t\t-2\n" for disk in disks]
    return ("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" + "".join(lines)).encode()


def _modules(machine: Machine) -> bytes:
    with machine.world() as world:
        settle(world, machine.now())
        row = machine.row(world)
        return "".join(_module_line(world, row, name) for name in reversed(row.modules)).encode()


def _module_line(world: World, row: HostRow, name: str) -> str:
    size = _SIZES.get(name, {}).get(world.version, 16384)
    users, count = "-", 0
    if name == "drbd":
        count = 2 * sum(side.configured for side in row.sides.values())
    elif name == "lru_cache" and "drbd" in row.modules:
        users, count = "drbd,", 1
    return f"{name} {size} {count} {users} Live 0x0000000000000000\n"


PROC: dict[str, Callable[[Machine], bytes | None]] = {
    "/proc/drbd": _drbd,
    "/proc/mounts": _mounts,
    "/proc/swaps": _swaps,
    "/proc/modules": _modules,
}
