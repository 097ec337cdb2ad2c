"""System services, judged by their processes and not by what init says of them.

``chkconfig`` and ``service`` are asked first, as the hosts of the period have them; where there is no such program
systemd's ``systemctl`` is.
"""

from __future__ import annotations

from harness.errors import CommandFailed, UnexpectedOutput
from harness.hosts.command import Command, Effect
from harness.hosts.host import Host, Reader
from harness.systems.printed import lines, whole

NO_PROGRAM = 127  # a shell's exit status for a program that it does not find (POSIX, Shell Command Language 2.8.2)
MANAGERS = ("chkconfig", "systemctl")  # what tells, and sets, what starts at boot; the first that is there
# Every process with its arguments, as ``/proc/PID/cmdline:ARGUMENT<NUL>...``; a thread of the kernel has none. ps would
# open three files of each process, on hosts that are asked this before every step.
_COMMAND_LINES = 'exec grep -a -s -H "" /proc/[0-9]*/cmdline'
_SOME_ENDED = 2  # grep's exit status when a process was gone before it was read
_NO_UNIT, _NO_FILE = "unit file state", ": No such file or directory"  # of one that cannot reach systemd it is the bus
_STATES = {"enabled": True, "disabled": False, "masked": False, "enabled-runtime": False}


def processes(host: Reader, service: str) -> list[int]:
    """Process ids whose program is the service; an init script's own status is not believed.

    Eucalyptus' init script calls a service stopped when its pid file is missing, though Java lives
    (tools/eucalyptus-cloud.in, 3.2).
    """
    command = Command(("sh", "-c", _COMMAND_LINES))
    result = host.ask(command)
    if result.exit_status not in (0, _SOME_ENDED):
        raise CommandFailed(host.name, str(command), result)
    told: dict[str, str] = {}
    for file, _, arguments in (line.partition(":") for line in lines(result.text)):
        told[file] = told.get(file, "") + arguments  # an argument may hold a newline, and is still no program
    if not told:
        raise UnexpectedOutput(f"{host.name}: no process is listed, not even the one that lists them")
    running = [file for file, arguments in told.items() if _is(service, arguments)]
    return [whole(file.removeprefix("/proc/").removesuffix("/cmdline"), f"{host.name}: grep") for file in running]


def _is(service: str, arguments: str) -> bool:
    program = arguments.split("\0")[0].split(" ")[0].rsplit("/", 1)[-1]
    return program == service or f"{service}.pid" in arguments


def starts_at_boot(host: Reader, service: str) -> bool:
    """True when any run level starts it.

    Raises:
        UnexpectedOutput: init knows no such service.
    """
    starts = at_boot(host, service)
    if starts is None:
        raise UnexpectedOutput(f"{host.name}: chkconfig knows no service {service}")
    return starts


def at_boot(host: Reader, service: str) -> bool | None:
    """True when a boot starts it, in any run level; None when init knows no such service."""
    result = host.ask(Command(("chkconfig", "--list", service)))
    if result.exit_status == NO_PROGRAM:
        return _enabled(host, service)
    if not result.ok:
        return _refused(host, service, result.stderr.decode("utf-8", "backslashreplace"))
    levels = result.text.split()
    if not levels or levels[0] != service:
        raise UnexpectedOutput(f"{host.name}: chkconfig --list {service} printed {result.text!r}")
    return any(level.endswith(":on") for level in levels[1:])


def _refused(host: Reader, service: str, complaint: str) -> bool | None:
    """What a chkconfig that lists no levels means by it: the script is there, never added, or it is not there."""
    if "not referenced in any runlevel" in complaint:
        return False
    if "No such file or directory" in complaint:
        return None
    raise UnexpectedOutput(f"{host.name}: chkconfig --list {service} failed: {complaint.strip()!r}")


def _enabled(host: Reader, service: str) -> bool | None:
    """What systemd says of the unit.

    A masked unit and one that is enabled until the next boot only are started by no boot. Of all the other states
    systemctl(1) does not say whether a boot starts the unit, and ``enable`` would not make it so.
    """
    result = host.ask(Command(("systemctl", "is-enabled", f"{service}.service")))
    state, complaint = result.text.strip(), result.stderr.decode("utf-8", "backslashreplace").strip()
    if state in _STATES:
        return _STATES[state]
    if state == "not-found" or (not state and _NO_UNIT in complaint and complaint.endswith(_NO_FILE)):
        return None
    said = f"{state!r}, {complaint!r}" if complaint else repr(state)
    raise UnexpectedOutput(f"{host.name}: systemctl is-enabled {service}.service printed {said}")


def set_starts_at_boot(host: Host, service: str, wanted: bool) -> None:
    """Have a boot start it or not, by chkconfig or, where there is none, by systemctl.

    Raises:
        CommandFailed: it cannot be set.
    """
    command = Command(("chkconfig", service, "on" if wanted else "off"), Effect.WRITE)
    result = host.attempt(command)
    if result.exit_status == NO_PROGRAM:
        host.run(Command(("systemctl", "enable" if wanted else "disable", f"{service}.service"), Effect.WRITE))
    elif not result.ok:
        raise CommandFailed(host.name, str(command), result)


def stop(host: Host, service: str, timeout_s: float) -> None:
    """Ask the service to stop; whether it did is for ``processes`` to say.

    Releases differ in the exit status of stopping what does not run (0 until 3.2, 2 from 3.3).
    """
    _operate(host, "stop", service, timeout_s)


def start(host: Host, service: str, timeout_s: float) -> None:
    """Ask the service to start. Its exit status is no evidence: init prints "done." even when the launch failed."""
    _operate(host, "start", service, timeout_s)


def _operate(host: Host, verb: str, service: str, timeout_s: float) -> None:
    result = host.attempt(Command(("service", service, verb), Effect.WRITE, timeout_s=timeout_s))
    if result.exit_status == NO_PROGRAM:
        host.attempt(Command(("systemctl", verb, f"{service}.service"), Effect.WRITE, timeout_s=timeout_s))
