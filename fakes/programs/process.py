"""Processes, installed programs, kernel switches, and the shells that stand in front of other commands."""

from __future__ import annotations

import re

from fakes import programs
from fakes.machine import Machine
from fakes.program import Call, Program, Reply, Slow
from fakes.programs import drbd_overview
from fakes.programs.gnu import fails, memory, not_modelled, simulated
from fakes.programs.kernel_files import listening_ports

# Programs that only transports call on real hosts; here they are merely installed.
_INSTALLED = {"flock", "setsid", "bash"}
_SUPERUSERS = (
    *("drbd", "mkfs", "mount", "umount", "blkid", "blockdev", "lsblk", "wipefs", "modprobe", "rmmod"),
    *("service", "chkconfig", "sysctl", "euca_conf"),
)
_COMMAND_LINES = 'exec grep -a -s -H "" /proc/[0-9]*/cmdline'
_PROBE = 'exec 3<>"/dev/tcp/$0/$1"'
_SOURCE_AND_RUN = '. "$0" && exec "$@"'
_PLAIN_LINE = re.compile(r"[A-Za-z0-9_./:=-]+( [A-Za-z0-9_./:=-]+(/\*)?)+")
_UNREACHABLE_AFTER_S = 3.0


def _command_lines(machine: Machine) -> Reply:
    """What the kernel tells of init, sshd, and the services that run, in the order in which a shell expands names."""
    found = {"1": "/sbin/init", "1200": "sshd: /usr/sbin/sshd"}
    with machine.world() as world:
        services = machine.row(world).services
        found |= {str(service.pid): _arguments(name) for name, service in services.items() if service.running}
    lines = (f"/proc/{pid}/cmdline:{found[pid].replace(' ', chr(0))}\0\n" for pid in sorted(found))
    return Reply(0, "".join(lines).encode())


def _arguments(service: str) -> str:
    from fakes.programs.daemons import COMMAND_LINES

    return COMMAND_LINES.get(service, f"/usr/sbin/{service}")


def which(call: Call, machine: Machine) -> Reply:
    """``which NAME...``: every modelled program is installed unless the lab took it away."""
    names = call.argv[1:]
    if not names or any(name.startswith("-") for name in names):
        raise not_modelled(call)
    missing = set(simulated(machine).missing_programs)
    with machine.world() as world:
        if not drbd_overview.installed(world):
            missing.add("drbd-overview")
    installed = (programs.programs().keys() | _INSTALLED) - missing
    found = [name for name in names if name in installed]
    lines = (f"/usr/{'sbin' if name.startswith(_SUPERUSERS) else 'bin'}/{name}\n" for name in found)
    return Reply(0 if len(found) == len(names) else 1, "".join(lines).encode())


def sysctl(call: Call, machine: Machine) -> Reply:
    """``sysctl -w vm.drop_caches=3``: only root may; matters after a flush that failed."""
    if call.argv[1:] != ("-w", "vm.drop_caches=3"):
        raise not_modelled(call)
    if call.user != "root":
        return fails('sysctl: permission denied on key "vm.drop_caches"', 255)
    if simulated(machine).locked_settings:
        return fails('sysctl: setting key "vm.drop_caches": Read-only file system', 255)
    simulated(machine).files.drop_clean_pages()
    return Reply(0, b"vm.drop_caches = 3\n")


def sh(call: Call, machine: Machine) -> Reply | Slow:
    """``sh -c '. "$0" && exec "$@"' FILE COMMAND...``, or ``sh -c LINE`` with a line of plain words.

    The first is a command with a file of credentials sourced. In the second a word may end in ``/*``. A third line is
    known, that lists the arguments of all processes.
    """
    if call.argv[1:] == ("-c", _COMMAND_LINES):
        return _command_lines(machine)
    if len(call.argv) == 3 and call.argv[1] == "-c" and _PLAIN_LINE.fullmatch(call.argv[2]):
        words = [name for word in call.argv[2].split(" ") for name in _expanded(word, machine)]
        return programs.dispatch(Call(tuple(words), call.stdin, call.user), machine)
    if len(call.argv) < 5 or call.argv[1:3] != ("-c", _SOURCE_AND_RUN):
        raise not_modelled(call)
    sourced = call.argv[3]
    if not machine.files.exists(sourced):
        return fails(f"{sourced}: 1: .: cannot open {sourced}: No such file", 2)
    return programs.dispatch(Call(call.argv[4:], call.stdin, call.user), machine)


def _expanded(word: str, machine: Machine) -> list[str]:
    """What the shell makes of a word: names that begin with a dot do not match, and no match leaves it as it is."""
    if not word.endswith("/*"):
        return [word]
    directory, files = word[:-1], memory(machine)
    try:
        names = [name for name in files.listdir(directory.rstrip("/")) if not name.startswith(".")]
    except OSError:
        names = []
    return [directory + name for name in names] or [word]


def timeout(call: Call, machine: Machine) -> Slow:
    """``timeout 5 bash -c PROBE ADDRESS PORT``: does somebody listen there, by TCP?"""
    if len(call.argv) != 7 or call.argv[2:5] != ("bash", "-c", _PROBE) or not call.argv[1].isdigit():
        raise not_modelled(call)
    return _probe(machine, int(call.argv[1]), call.argv[5], int(call.argv[6]))


def _probe(machine: Machine, limit_s: int, address: str, port: int) -> Slow:
    """Open, refused by the machine, no such machine, or no answer at all."""
    simulation = simulated(machine).simulation
    target = simulation.at_address(address)
    if target is None or not simulation.state.hosts[target.name].powered:
        yield min(_UNREACHABLE_AFTER_S, limit_s)
        return _not_connected(address, port, "No route to host")
    foreign = target.name != machine.name
    state = simulation.state
    dropped = port in state.blocked_ports or [target.name, port] in state.silent_ports
    if foreign and (dropped or not simulation.state.linked(machine.name, target.name)):
        yield limit_s
        return Reply(124)
    if port in listening_ports(simulation.state.hosts[target.name]):
        return Reply(0)
    return _not_connected(address, port, "Connection refused")


def _not_connected(address: str, port: int, why: str) -> Reply:
    return fails(f"{address}: connect: {why}\n{address}: line 1: /dev/tcp/{address}/{port}: {why}")


PROGRAMS: dict[str, Program] = {"which": which, "sysctl": sysctl, "sh": sh, "timeout": timeout}
