"""System services, judged by their processes and not by what init says of them."""

from __future__ import annotations

from harness.errors import UnexpectedOutput
from harness.hosts.command import Command, Effect
from harness.hosts.host import Host, Reader
from harness.systems.printed import lines, whole


def processes(host: Reader, service: str) -> list[int]:
    """Process ids whose program is the service; an init script's own status is not believed.

    Eucalyptus' init script calls a service stopped when its pid file is missing, though Java lives
    (tools/eucalyptus-cloud.in, 3.2).
    """
    found = []
    for line in lines(host.read(Command(("ps", "axww", "-o", "pid=,args="))).text):
        pid, _, arguments = line.strip().partition(" ")
        program = arguments.split(" ")[0].rsplit("/", 1)[-1]
        if program == service or f"{service}.pid" in arguments:
            found.append(whole(pid, f"{host.name}: ps"))
    return found


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
    """True when any run level starts it, None when init knows no such service."""
    result = host.ask(Command(("chkconfig", "--list", service)))
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


def set_starts_at_boot(host: Host, service: str, wanted: bool) -> None:
    host.run(Command(("chkconfig", service, "on" if wanted else "off"), Effect.WRITE))


def stop(host: Host, service: str, timeout_s: float) -> None:
    """Ask the service to stop; whether it did is for ``processes`` to say.

    Releases differ in the exit status of stopping what does not run (0 until 3.2, 2 from 3.3).
    """
    host.attempt(Command(("service", service, "stop"), Effect.WRITE, timeout_s=timeout_s))


def start(host: Host, service: str, timeout_s: float) -> None:
    """Ask the service to start. Its exit status is no evidence: init prints "done." even when the launch failed."""
    host.attempt(Command(("service", service, "start"), Effect.WRITE, timeout_s=timeout_s))
