"""Background programs: what each does at every tick of the cloud, until it is killed.

A daemon keeps nothing in memory: what it must remember stands in the world and in files, so that a tick is a function
of the machine in the simulation and in a container's process alike.
"""

from __future__ import annotations

from collections.abc import Callable

from fakes.machine import Machine
from fakes.program import UnsupportedInvocation
from fakes.programs import walrus
from fakes.programs.walrus import SERVICE, StorageError
from fakes.world import HostRow, WalrusState, World

KEYS = "/var/lib/eucalyptus/keys"
PID_FILE = "/var/run/eucalyptus/eucalyptus-cloud.pid"

# What ps prints for a daemon.
COMMAND_LINES = {SERVICE: f"{SERVICE} -h / -u eucalyptus --pidfile {PID_FILE} -f -L console-log"}

_SILENT_TICKS = 3.0  # ticks without a sign of life after which the cloud controller gives a Walrus up
_SILENT_S = 10.0  # and never before so many seconds, for a machine that is merely slow


def tick(machine: Machine) -> float:
    """Drive this host's Walrus at most one state further, and say in how many seconds to look again."""
    with machine.world() as world:  # to ask for the world over a network costs a lab more than all the rest of a tick
        now, tick_s = machine.now(), world.cloud.tick_s
        keys = world.cloud.key_deliveries.pop(machine.row(world).address, None)
        mine = walrus.registered(world, machine.row(world))
        state = "absent"
        if mine is not None:
            mine.seen_at = now
            if walrus.cloud_reachable(world, machine.name):
                settle(world, now)
                state = mine.state if _has_to_act(world, mine, now) else "at rest"
    receive_keys(machine, keys)
    try:
        _STEPS.get(state, _rest)(machine)
    except UnsupportedInvocation as unknown:
        with machine.world() as world:
            world.unsupported.append(f"{machine.name}: {SERVICE}: {unknown}")
    return tick_s


def shut_down(machine: Machine) -> None:
    """What the shutdown hooks do on SIGTERM: disable, then stop. Errors are swallowed: the state is STOPPED anyway."""
    with machine.world() as world:
        mine = walrus.registered(world, machine.row(world))
        state = mine.state if mine else "STOPPED"
    if state not in ("LOADED", "STOPPED"):
        storage = walrus.manager(machine)
        _quietly(machine, storage.disable)
        _quietly(machine, storage.stop)
    enter(machine, "STOPPED")


DAEMONS: dict[str, Callable[[Machine], float]] = {SERVICE: tick}
STOPS: dict[str, Callable[[Machine], None]] = {SERVICE: shut_down}


# States


def enter(machine: Machine, state: str, message: str = "") -> None:
    """Note the state of this host's Walrus, if it is registered."""
    with machine.world() as world:
        mine = walrus.registered(world, machine.row(world))
        if mine is not None:
            mine.manager = walrus.running_manager(machine)
            change(world, machine.row(world), mine, state, machine.now(), message)


def change(
    world: World, row: HostRow, changed: WalrusState, state: str, now: float, message: str = "", kind: str = "walrus"
) -> None:
    """Note a Walrus' new state and, when it differs, that it changed."""
    changed.message = message
    if changed.state != state:
        changed.state, changed.changed_at = state, now
        world.record(now, row.name, kind, state)


def settle(world: World, now: float) -> None:
    """What the cloud controller finds out by itself: a Walrus that does not answer is NOTREADY.

    That is what it believes of a process that may not even run, and an event of its own kind.
    """
    for found in world.cloud.walruses.values():
        row = next((row for row in world.hosts.values() if row.address == found.host), None)
        if row is None or found.state not in ("ENABLED", "DISABLED"):
            continue
        service = row.services.get(SERVICE)
        silent = found.seen_at > 0 and now - found.seen_at > _silent_s(world)
        if silent or service is None or not service.running or not walrus.cloud_reachable(world, row.name):
            change(world, row, found, "NOTREADY", now, f"Host {found.host} not yet bootstrapped", "walrus-lost")


def _silent_s(world: World) -> float:
    return max(_SILENT_TICKS * world.cloud.tick_s, _SILENT_S)


def _rest(machine: Machine) -> None:
    """A state in which nothing happens by itself."""


def _start(machine: Machine) -> None:
    """LOADED to NOTREADY, whatever the storage manager said; without a usable directory it stays where it is."""
    try:
        walrus.configure(machine)
    except StorageError as error:
        enter(machine, "LOADED", str(error))
    else:
        enter(machine, "NOTREADY")


def _check(machine: Machine) -> None:
    """A Walrus that passes goes on; one that fails is disabled as far as that works, and NOTREADY."""
    with machine.world() as world:
        mine = walrus.registered(world, machine.row(world))
        state = mine.state if mine else "STOPPED"
        due = state == "NOTREADY" or _due(world, machine.now())
    if not due:
        return
    storage = walrus.manager(machine)
    try:
        storage.check(state)
    except StorageError as error:
        if state != "NOTREADY":
            _quietly(machine, storage.disable)
        enter(machine, "NOTREADY", str(error))
        return
    if state == "NOTREADY":
        enter(machine, "DISABLED")


def _has_to_act(world: World, mine: WalrusState, now: float) -> bool:
    """It is on its way somewhere, or may be elected, or its check is due."""
    elected = any(found.state == "ENABLED" for found in world.cloud.walruses.values())
    at_rest = mine.state == "ENABLED" or (mine.state == "DISABLED" and elected)
    return not at_rest or _due(world, now)


def _due(world: World, now: float) -> bool:
    """Checks cost a real host processes, so a lab can have them less often than ticks."""
    return int(now / world.cloud.tick_s) % world.cloud.check_ticks == 0


def _enable_or_check(machine: Machine) -> None:
    """The cloud controller's elections come round more often than a host's own check, so they come first."""
    if _elected(machine):
        _enable(machine, walrus.manager(machine))
    else:
        _check(machine)


def _quietly(machine: Machine, hook: Callable[[], None]) -> None:
    """disable and stop swallow their errors: the state says DISABLED or STOPPED all the same."""
    try:
        hook()
    except StorageError as error:
        walrus.log(machine, str(error))


def _enable(machine: Machine, storage: walrus.Manager) -> None:
    try:
        storage.enable()
    except StorageError as error:
        enter(machine, "NOTREADY", str(error))
    else:
        enter(machine, "ENABLED")
    with machine.world() as world:
        world.cloud.next_enabled = ""


# Elections


def _elected(machine: Machine) -> bool:
    """The cloud controller promotes one DISABLED Walrus when none is ENABLED, whatever lies in its store.

    The real one shuffles. Here it is the one that the world names, waited for while it is coming up, or the first by
    name.
    """
    with machine.world() as world:
        mine = walrus.registered(world, machine.row(world))
        if mine is None or any(found.state == "ENABLED" for found in world.cloud.walruses.values()):
            return False
        winner = _winner(world, machine.now())
        if winner == mine.name:
            world.cloud.next_enabled = winner  # a claim: nobody else is chosen while this one is being enabled
            world.cloud.epoch += 1
        return winner == mine.name


def _winner(world: World, now: float) -> str:
    for found in world.cloud.walruses.values():
        row = next((row for row in world.hosts.values() if row.address == found.host), None)
        if world.cloud.next_enabled in (found.name, row.name if row else "") and _coming(world, found, now):
            return found.name
    return min(found.name for found in world.cloud.walruses.values() if found.state == "DISABLED")


def _coming(world: World, found: WalrusState, now: float) -> bool:
    """It is DISABLED or on its way there: started, answering, and not yet refused by a check."""
    if found.state == "DISABLED":
        return True
    answering = now - found.seen_at <= _silent_s(world)
    return answering and not found.message and found.state in ("LOADED", "NOTREADY")


# Keys


def receive_keys(machine: Machine, content: str | None) -> None:
    """Write down what euca_conf copied to this host, if it did. In the real cloud that is rsync or scp, by ssh."""
    if content is None:
        return
    files = machine.files
    path = f"{KEYS}/euca.p12"
    walrus.make_parents(files, path)
    files.replace(path, bytes.fromhex(content), 0o600)


_STEPS: dict[str, Callable[[Machine], None]] = {
    "LOADED": _start,
    "STOPPED": _start,
    "NOTREADY": _check,
    "DISABLED": _enable_or_check,
    "ENABLED": _check,
}
