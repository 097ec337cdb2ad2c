"""init's view of services: ``service`` and ``chkconfig`` of the period, and eucalyptus-cloud's init script of 3.2.

Texts and statuses are those of tools/eucalyptus-cloud.in at tag 3.2.2 of github.com/eucalyptus/eucalyptus. The script
asks its pid file who runs, believes the launch, and exits 0 when there is nothing to stop.
"""

from __future__ import annotations

from collections.abc import Mapping

from fakes.machine import Machine
from fakes.program import Call, Program, Reply, Slow, UnsupportedInvocation
from fakes.programs import daemons, drbd_init, walrus
from fakes.programs.daemons import PID_FILE
from fakes.programs.gnu import fails
from fakes.programs.walrus import SERVICE
from fakes.world import Service

_TITLE = "Eucalyptus services"
_STARTING = f"Starting {_TITLE}: ".encode()
_STOPPING = f"Stopping {_TITLE}: ".encode()
_RESTARTING = f"Restarting {_TITLE}: ".encode()
_LEVELS = "0123456"
_START_LEVELS = "2345"
STARTS_AT = {drbd_init.SERVICE: 70, SERVICE: 80}  # the order at boot, as the scripts' own lines for chkconfig have it
WAITING = frozenset({drbd_init.SERVICE})  # their scripts wait for another host
STOPS_AT = {drbd_init.SERVICE: 8, SERVICE: 20}


def starting_at_boot(services: Mapping[str, Service]) -> list[str]:
    """Those that a boot of their host starts, one after the other."""
    return sorted((name for name, one in services.items() if one.starts_at_boot), key=STARTS_AT.__getitem__)


def service(call: Call, machine: Machine) -> Reply | Slow:
    """``service NAME start|stop|restart|status`` for eucalyptus-cloud, and all but restart for drbd."""
    match call.argv[1:]:
        case [name, "start" | "stop" | "restart" | "status" as verb] if name == SERVICE:
            if call.user != "root":
                return Reply(1, b"Eucalyptus init scripts must be run as root.\n")
            if not machine.files.exists(walrus.CONFIGURATION) and verb != "stop":
                return Reply(1, b"Cannot find eucalyptus configuration file!\n")
            return {"start": _start, "stop": _stop, "restart": _restart, "status": _status}[verb](machine)
        case [drbd_init.SERVICE, "start" | "stop" | "status" as verb] if call.user == "root":
            if not _installed(drbd_init.SERVICE, machine):
                return Reply(1, b"", b"drbd: unrecognized service\n")
            return drbd_init.run(verb, machine)
    raise UnsupportedInvocation(" ".join(call.argv))


def _installed(name: str, machine: Machine) -> bool:
    with machine.world() as world:
        return name in machine.row(world).services


def _pid(machine: Machine) -> int | None:
    """The process that the pid file names, if it lives. Without the file nothing runs, as the script sees it."""
    if not machine.files.exists(PID_FILE):
        return None
    text = machine.files.read(PID_FILE).strip()
    return int(text) if text.isdigit() and machine.alive(int(text)) else None


def _status(machine: Machine) -> Reply:
    return Reply(0, f"{_TITLE} are running\n".encode()) if _pid(machine) else Reply(3)


def _start(machine: Machine) -> Reply:
    """Says "done." and exits 0 also when the launch failed: its status is that of touching the lock file."""
    if _pid(machine):
        return Reply(0, _STARTING + f"\n{_TITLE} are already running!\n".encode())
    _launch(machine)
    return Reply(0, _STARTING + b"done.\n")


def _restart(machine: Machine) -> Slow:
    """Stop what runs, if anything does, and start; of both only the last word is said."""
    if _pid(machine) is not None:
        yield from _terminate(machine)
    _launch(machine)
    return Reply(0, _RESTARTING + b"done.\n")


def _launch(machine: Machine) -> None:
    """Start the Java process, unless its options are no shell words or another one holds its port."""
    try:
        options = walrus.cloud_opts(machine.files.read(walrus.CONFIGURATION).decode("utf-8", "surrogateescape"))
    except ValueError as error:
        walrus.log(machine, f"{walrus.CONFIGURATION}: {error}")
        return
    with machine.world() as world:
        known = machine.row(world).services.get(SERVICE)
    if known and known.running and machine.alive(known.pid):
        walrus.log(machine, f"Address already in use: {walrus.HTTP_PORT}")
        return
    walrus.remember_options(machine, options)
    daemons.enter(machine, "LOADED")
    pid = machine.spawn(SERVICE)
    walrus.make_parents(machine.files, PID_FILE)
    machine.files.write(PID_FILE, f"{pid}\n".encode())
    with machine.world() as world:
        entry = machine.row(world).services.setdefault(SERVICE, Service())
        entry.running, entry.pid = True, pid


def _stop(machine: Machine) -> Reply | Slow:
    if _pid(machine) is None:
        return Reply(0, _STOPPING + f"\nNo {_TITLE} are running!\n".encode())
    return _terminate(machine)


def _terminate(machine: Machine) -> Slow:
    """SIGTERM and a look once a second: Walrus disables and stops itself, and what fails in that is not told."""
    pid = _pid(machine)
    with machine.world() as world:
        pause_s = world.cloud.tick_s / 10
    if pid is not None:
        machine.kill(pid)
        daemons.shut_down(machine)
    yield pause_s
    if machine.files.exists(PID_FILE):
        machine.files.unlink(PID_FILE)
    with machine.world() as world:
        entry = machine.row(world).services.setdefault(SERVICE, Service())
        entry.running, entry.pid = False, 0
    return Reply(0, _STOPPING + b"done.\n")


def chkconfig(call: Call, machine: Machine) -> Reply:
    """``chkconfig --list NAME``, ``chkconfig NAME on|off``."""
    match call.argv[1:]:
        case ["--list", name]:
            return _listed(name, machine)
        case [name, "on" | "off" as wanted]:
            with machine.world() as world:
                entry = machine.row(world).services.get(name)
                if entry is not None:
                    entry.starts_at_boot = wanted == "on"
            return Reply() if entry is not None else _unknown(name)
    raise UnsupportedInvocation(" ".join(call.argv))


def _listed(name: str, machine: Machine) -> Reply:
    with machine.world() as world:
        entry = machine.row(world).services.get(name)
    if entry is None:
        return _unknown(name)
    on = _START_LEVELS if entry.starts_at_boot else ""
    levels = "\t".join(f"{level}:{'on' if level in on else 'off'}" for level in _LEVELS)
    return Reply(0, f"{name:<15}\t{levels}\n".encode())


def _unknown(name: str) -> Reply:
    return fails(f"error reading information on service {name}: No such file or directory")


PROGRAMS: dict[str, Program] = {"service": service, "chkconfig": chkconfig}
