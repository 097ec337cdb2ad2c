"""Kernel modules: modprobe and rmmod. The hosts have drbd, and nothing else that anybody loads."""

from __future__ import annotations

from fakes.machine import Machine
from fakes.program import Call, Program, Reply, UnsupportedInvocation
from fakes.programs.drbd_kernel import unconfigured
from fakes.programs.drbd_model import settle
from fakes.programs.drbd_replica import replica
from fakes.world import HostRow, World, played

KERNEL_84 = "6.1.176"
_VERSIONS = {"8.3": "8.3.12", "8.4": "8.4.11"}
_ALONG = {"8.3": ("drbd",), "8.4": ("lru_cache", "drbd")}


def modprobe(call: Call, machine: Machine) -> Reply:
    """``modprobe [-n] MODULE``."""
    words = [word for word in call.argv[1:] if word not in ("-n", "--dry-run")]
    if len(words) != 1 or call.user != "root":
        raise UnsupportedInvocation(" ".join(call.argv))
    with machine.world() as world:
        if words[0] not in _ALONG[world.version]:
            return _not_found(world, words[0])
        loaded = machine.row(world).modules
        if len(words) == len(call.argv) - 1:
            loaded += [name for name in _ALONG[world.version] if name not in loaded]
        return Reply()


def _not_found(world: World, name: str) -> Reply:
    where = "." if world.version == "8.3" else f" in directory /lib/modules/{KERNEL_84}"
    who = "" if world.version == "8.3" else "modprobe: "
    return Reply(1, b"", f"{who}FATAL: Module {name} not found{where}\n".encode())


def modinfo(call: Call, machine: Machine) -> Reply:
    """``modinfo -F version drbd``: of the module on disk, loaded or not."""
    if call.argv[1:] != ("-F", "version", "drbd"):
        raise UnsupportedInvocation(" ".join(call.argv))
    with machine.world() as world:
        return Reply(0, f"{_VERSIONS[played(machine.row(world), world)]}\n".encode())


def rmmod(call: Call, machine: Machine) -> Reply:
    """``rmmod drbd``."""
    if call.argv[1:] != ("drbd",) or call.user != "root":
        raise UnsupportedInvocation(" ".join(call.argv))
    with machine.world() as world:
        settle(world, machine.now())
        row, who = machine.row(world), "" if world.version == "8.3" else "rmmod: "
        if "drbd" not in row.modules:
            old = "ERROR: Module drbd does not exist in /proc/modules\n"
            new = "rmmod: ERROR: Module drbd is not currently loaded\n"
            return Reply(1, b"", (old if world.version == "8.3" else new).encode())
        if in_use(world, row):
            return Reply(1, b"", f"{who}ERROR: Module drbd is in use\n".encode())
        row.modules.remove("drbd")
        row.sides = {}
        return Reply()


def in_use(world: World, row: HostRow) -> bool:
    """A device of the module is configured; 8.4 counts one that is only known too."""
    sides = [replica(world, row, name) for name in row.sides]
    return any(one is not None and not (world.version == "8.3" and unconfigured(one)) for one in sides)


PROGRAMS: dict[str, Program] = {"modinfo": modinfo, "modprobe": modprobe, "rmmod": rmmod}
