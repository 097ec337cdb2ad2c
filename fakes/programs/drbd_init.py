"""DRBD's init script, as drbd-utils has it in scripts/drbd (9.22; of 8.3 and 8.4 the same order).

Starting loads the module, brings up what the configuration tells, and waits for the peers before what comes after it
at boot may start: by default for as long as it takes. It promotes nothing without ``become-primary-on``. What it says
of its progress is not modelled.
"""

from __future__ import annotations

from collections.abc import Callable

from fakes import programs
from fakes.machine import Machine
from fakes.program import Call, Reply, Slow

SERVICE = "drbd"
_LOOKS_AGAIN_S = 1.0
_NOT_INSTALLED, _NOT_CONFIGURED, _NOT_STARTED = 5, 6, 20
_COMING = ("Unconnected", "WFConnection", "WFReportParams", "NetworkFailure", "BrokenPipe", "Timeout")


def run(verb: str, machine: Machine) -> Reply | Slow:
    """``service drbd start|stop|status``."""
    return _VERBS[verb](machine)


def _start(machine: Machine) -> Slow:
    if not _loaded(machine) and programs.run(Call(("modprobe", SERVICE)), machine).exit_status != 0:
        return Reply(_NOT_INSTALLED, b"Can not load the drbd module.\n\n")
    configured = _drbdadm(machine, "sh-nop")
    if configured.exit_status != 0:
        return Reply(_NOT_CONFIGURED, b"Starting DRBD resources: .\n", configured.stdout + configured.stderr)
    if _drbdadm(machine, "adjust", "all").exit_status > 1:
        return Reply(_NOT_STARTED, b"Starting DRBD resources: ")
    while _waits_for_peer(machine):
        yield _LOOKS_AGAIN_S
    return Reply(0, b"Starting DRBD resources: .\n")


def _waits_for_peer(machine: Machine) -> bool:
    """``drbdadm wait-con-int``: a peer that refuses is not waited for."""
    from fakes.programs.drbd_model import settle

    with machine.world() as world:
        settle(world, machine.now())
        return any(side.connection in _COMING for side in machine.row(world).sides.values())


def _stop(machine: Machine) -> Reply:
    failed = b""
    if _loaded(machine):
        for argv in (("drbdadm", "down", "all"), ("rmmod", SERVICE)):
            failed += programs.run(Call(argv), machine).stderr
    return Reply(0, b"Stopping all DRBD resources: .\n", failed)


def _status(machine: Machine) -> Reply:
    if not _loaded(machine):
        return Reply(3, b"", b"drbd not loaded\n")
    return Reply(0, b"drbd driver loaded OK; device status:\n")


def _drbdadm(machine: Machine, *words: str) -> Reply:
    return programs.run(Call(("drbdadm", *words)), machine)


def _loaded(machine: Machine) -> bool:
    with machine.world() as world:
        return SERVICE in machine.row(world).modules


_VERBS: dict[str, Callable[[Machine], Reply | Slow]] = {"start": _start, "stop": _stop, "status": _status}
