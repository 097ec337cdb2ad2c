"""systemd's view of the same services: ``systemctl`` for units, where hosts have neither ``service`` nor ``chkconfig``.

Texts and statuses of is-enabled, enable and disable are those of systemctl 252 (Debian 12), seen on units of a root
directory of its own. Both services are units that run what the init scripts run.
"""

from __future__ import annotations

from fakes.machine import Machine
from fakes.program import Call, Program, Reply, Slow, UnsupportedInvocation
from fakes.programs import services

_SUFFIX = ".service"


def systemctl(call: Call, machine: Machine) -> Reply | Slow:
    """``systemctl is-enabled|enable|disable|start|stop NAME.service``, as root."""
    match call.argv[1:]:
        case [verb, unit] if unit.endswith(_SUFFIX) and call.user == "root":
            name = unit.removesuffix(_SUFFIX)
            if verb in ("start", "stop"):
                return _operate(verb, name, machine)
            if verb == "is-enabled":
                return _is_enabled(unit, name, machine)
            if verb in ("enable", "disable"):
                return _enable(verb, unit, name, machine)
    raise UnsupportedInvocation(" ".join(call.argv))


def _is_enabled(unit: str, name: str, machine: Machine) -> Reply:
    with machine.world() as world:
        entry = machine.row(world).services.get(name)
    if entry is None:
        return Reply(1, b"", f"Failed to get unit file state for {unit}: No such file or directory\n".encode())
    return Reply(0, b"enabled\n") if entry.starts_at_boot else Reply(1, b"disabled\n")


def _enable(verb: str, unit: str, name: str, machine: Machine) -> Reply:
    link = f"/etc/systemd/system/multi-user.target.wants/{unit}"
    with machine.world() as world:
        entry = machine.row(world).services.get(name)
        if entry is None:
            said = f"Failed to {verb} unit, unit {unit} does not exist.\n".encode()
            return Reply(1 if verb == "enable" else 0, b"", said)
        changed, entry.starts_at_boot = entry.starts_at_boot != (verb == "enable"), verb == "enable"
    if not changed:
        return Reply()
    told = f"Created symlink {link} → /lib/systemd/system/{unit}." if verb == "enable" else f'Removed "{link}".'
    return Reply(0, b"", f"{told}\n".encode())


def _operate(verb: str, name: str, machine: Machine) -> Slow:
    """What the unit's script prints goes to the journal; its status is the unit's."""
    outcome = services.service(Call(("service", name, verb), user="root"), machine)
    reply = outcome if isinstance(outcome, Reply) else (yield from outcome)
    if reply.exit_status == 0:
        return Reply()
    said = f"Job for {name}{_SUFFIX} failed because the control process exited with error code.\n"
    return Reply(1, b"", said.encode())


PROGRAMS: dict[str, Program] = {"systemctl": systemctl}
