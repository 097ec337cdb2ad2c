"""The administrator's tools on the cloud controller, as Eucalyptus 3.2 ships them.

Formats and messages are those of clc/eucadmin and clc/modules at tag 3.2.2 of github.com/eucalyptus/eucalyptus. Only
Walrus' own services and properties are listed. The HTTP words in front of a refused property are a guess.
"""

from __future__ import annotations

from fakes.machine import Machine
from fakes.program import Call, Program, Reply, Slow, UnsupportedInvocation
from fakes.programs import daemons, walrus
from fakes.programs.daemons import KEYS
from fakes.programs.walrus import SERVICE, UNKNOWN_DEVICE
from fakes.world import HostRow, WalrusState, World

_UNSET = "<unset>"
_KEY = f"{KEYS}/euca.p12"
_KEY_PATIENCE_TICKS = 6
_REFUSED = b"ERROR [Errno 111] Connection refused\n"

# What describe-properties lists. The DRBD ones have a row in the database only after a start with the DRBD manager.
_DEFAULTS = {
    "walrus.storagedir": "//var/lib/eucalyptus/bukkits",
    "walrus.storagemaxbucketsizeinmb": "5120",
    "walrus.storagemaxbucketsperaccount": "100",
    "walrus.storagemaxcachesizeinmb": "30720",
    "walrus.storagemaxtotalsnapshotsizeingb": "50",
}
_DRBD_DEFAULTS = {"walrus.blockdevice": UNKNOWN_DEVICE, "walrus.resource": _UNSET}


def _text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _cloud_answers(world: World, machine: Machine) -> bool:
    """The tools speak to the cloud controller that runs beside them.

    Raises:
        UnsupportedInvocation: on a host that is no cloud controller.
    """
    if not machine.row(world).runs_cloud:
        raise UnsupportedInvocation("the cloud's tools are modelled on the cloud controller only")
    service = machine.row(world).services.get(SERVICE)
    return service is None or service.running


# Services


def describe_services(call: Call, machine: Machine) -> Reply:
    """``euca-describe-services [-E]``."""
    if call.argv[1:] not in ((), ("-E",), ("--events",)):
        raise UnsupportedInvocation(" ".join(call.argv))
    with machine.world() as world:
        if not _cloud_answers(world, machine):
            return Reply(1, _REFUSED)
        daemons.settle(world, machine.now())
        lines = []
        for found in sorted(world.cloud.walruses.values(), key=lambda found: found.name):
            lines.append(_service_line(world, found))
            if call.argv[1:] and found.message:
                lines.extend(_event_lines(found))
    return Reply(0, _text(*lines))


def _arn(found: WalrusState) -> str:
    return f"arn:euca:bootstrap:{found.partition}:walrus:{found.name}/"


def _service_line(world: World, found: WalrusState) -> str:
    uri = f"http://{found.host}:{walrus.HTTP_PORT}/services/Walrus"
    epoch = str(world.cloud.epoch)
    named = f"{'walrus':<15}\t{found.partition:<15}\t{found.name:<15}"
    return f"SERVICE\t{named}\t{found.state:<10}\t{epoch:<4}\t{uri:<40}\t{_arn(found)}"


def _event_lines(found: WalrusState) -> list[str]:
    """Four lines a fault: whose, how bad, when, what; then an empty one."""
    identity = f"{sum(map(ord, found.name)):08x}-0000-4000-8000-{round(found.changed_at):012x}"
    told = (_arn(found), "ERROR", f"{found.changed_at:.0f}", found.message)
    return [*(f"SERVICEEVENT\t{identity:<36.36}\t{text}" for text in told), ""]


def _list_walruses(machine: Machine) -> Reply:
    with machine.world() as world:
        if not _cloud_answers(world, machine):
            return Reply(1, _REFUSED)
        daemons.settle(world, machine.now())
        found = sorted(world.cloud.walruses.values(), key=lambda found: found.name)
    partition = max([15, *(len(one.partition) for one in found)])
    name = max([15, *(len(one.name) for one in found)])
    host = max([25, *(len(one.host) for one in found)])
    lines = (
        f"WALRUS\t{one.partition:<{partition}}\t{one.name:<{name}}\t{one.host:<{host}}\t{one.state}\t{{}}"
        for one in found
    )
    return Reply(0, _text(*lines))


# Registration


def euca_conf(call: Call, machine: Machine) -> Reply | Slow:
    """``--list-walruses``, ``--register-walrus`` and ``--deregister-walrus``."""
    action, *rest = call.argv[1:] or ("",)
    if action == "--list-walruses" and not rest:
        return _list_walruses(machine)
    if action not in ("--register-walrus", "--deregister-walrus"):
        raise UnsupportedInvocation(" ".join(call.argv))
    options = _registration_options(call.argv, rest)
    if action == "--deregister-walrus":
        return _deregister(machine, options["component"])
    return _register(machine, options["partition"], options["host"], options["component"])


def _registration_options(argv: tuple[str, ...], rest: list[str]) -> dict[str, str]:
    """Named options, or one host: then the partition is ``walrus`` and the name ``walrus-HOST``."""
    if len(rest) == 1 and not rest[0].startswith("-"):
        return {"partition": "walrus", "host": rest[0], "component": f"walrus-{rest[0]}"}
    letters = {"-P": "partition", "-H": "host", "-C": "component"}
    pairs = zip(rest[::2], rest[1::2], strict=False)
    options = {letters.get(key, key.removeprefix("--")): value for key, value in pairs}
    if len(rest) % 2 or set(options) != {"partition", "host", "component"}:
        raise UnsupportedInvocation(" ".join(argv))
    return options


def _register(machine: Machine, partition: str, address: str, name: str) -> Reply | Slow:
    with machine.world() as world:
        if not _cloud_answers(world, machine):
            return Reply(1, _REFUSED)
        if refusal := _registration_refused(world.cloud.walruses, partition, address, name):
            return Reply(1, _text(f"error: {refusal}"))
        row = next((row for row in world.hosts.values() if row.address == address), None)
        if row is None:
            raise UnsupportedInvocation(f"registering {address}, where no machine is")
        is_new = partition not in {found.partition for found in world.cloud.walruses.values()}
        added = WalrusState(name, partition, address, changed_at=machine.now())
        world.cloud.walruses[name] = added
        world.record(machine.now(), row.name, "walrus", added.state)
        said = _text(_service_line(world, added))
        told = _text(f"Created new partition '{partition}'") if is_new else b""
    return _sync_keys(machine, row, Reply(0, said, told))


def _registration_refused(known: dict[str, WalrusState], partition: str, address: str, name: str) -> str:
    at_address = next((found for found in known.values() if found.host == address), None)
    named = known.get(name)
    if len(known) >= 2:
        return "Unable to register more than two services in a partition for component type: walrus"
    if named is not None and named is at_address and named.partition == partition:
        return "registration failed"
    if named is not None:
        return f"Component with name={name} already exists with host={named.host}"
    if at_address is not None:
        return f"Component with host={address} already exists with name={at_address.name}"
    return ""


def _sync_keys(machine: Machine, target: HostRow, registered: Reply) -> Slow:
    """rsync, then scp, of the cloud's key file; when both fail it is said and the exit status stays 0."""
    if not machine.files.exists(_KEY):
        why = "because it does not exist; services may have trouble communicating"
        missing = _text(f"warning: unable to sync file {_KEY} {why}")
        return Reply(0, registered.stdout, registered.stderr + missing)
    content = machine.files.read(_KEY).hex()
    with machine.world() as world:
        tick_s = world.cloud.tick_s
        service = target.services.get(SERVICE)
        reached = machine.name == target.name or world.linked(machine.name, target.name)
        if reached and (service is None or not service.running):
            raise UnsupportedInvocation(f"registering {target.address}, where {SERVICE} does not run")
        arrives = reached and not world.cloud.key_sync_fails
        if arrives:
            world.cloud.key_deliveries[target.address] = content
    for _ in range(_KEY_PATIENCE_TICKS * 4 if arrives else 0):
        yield tick_s / 4
        with machine.world() as world:
            if target.address not in world.cloud.key_deliveries:
                return registered
    with machine.world() as world:
        world.cloud.key_deliveries.pop(target.address, None)
    return Reply(0, registered.stdout, registered.stderr + _failed_key_sync(target.address))


def _failed_key_sync(address: str) -> bytes:
    destination = f"root@{address}:{KEYS}"
    rsync, scp = ["rsync", "-az", _KEY, destination], ["scp", _KEY, destination]
    lines = (
        f"error: key sync using rsync failed: Command '{rsync}' returned non-zero exit status 255",
        f"error: key sync using scp failed: Command '{scp}' returned non-zero exit status 1",
    )
    return _text(*lines)


def _deregister(machine: Machine, name: str) -> Reply:
    with machine.world() as world:
        if not _cloud_answers(world, machine):
            return Reply(1, _REFUSED)
        found = world.cloud.walruses.get(name)
        if found is None:
            return Reply(1, _text(f"error: no component with name={name}"))
        active = found.state not in ("STOPPED", "LOADED") and _runs_at(world, found.host)
        if found.manager == walrus.DRBD_MANAGER and active:
            raise UnsupportedInvocation("deregistering a Walrus that runs on DRBD")
        del world.cloud.walruses[name]
    return Reply()


def _runs_at(world: World, address: str) -> bool:
    """A Walrus process that would have to be told that it is none any more."""
    row = next((row for row in world.hosts.values() if row.address == address), None)
    service = row.services.get(SERVICE) if row is not None else None
    return row is not None and row.powered and service is not None and service.running


# Properties


def _values(world: World) -> dict[str, str]:
    drbd = _DRBD_DEFAULTS if world.cloud.drbd_row else dict.fromkeys(_DRBD_DEFAULTS, _UNSET)
    return {name: world.cloud.properties.get(name, value) for name, value in sorted({**_DEFAULTS, **drbd}.items())}


def describe_properties(call: Call, machine: Machine) -> Reply:
    """``euca-describe-properties``."""
    if call.argv[1:]:
        raise UnsupportedInvocation(" ".join(call.argv))
    with machine.world() as world:
        if not _cloud_answers(world, machine):
            return Reply(1, _REFUSED)
        values = _values(world)
    return Reply(0, _text(*(f"PROPERTY\t{name}\t{value}" for name, value in values.items())))


def modify_property(call: Call, machine: Machine) -> Reply:
    """``euca-modify-property -p NAME=VALUE``. Without a row in the database nothing changes, and nothing complains."""
    match call.argv[1:]:
        case ["-p" | "--property", assignment]:
            name, separator, value = assignment.partition("=")
        case _:
            raise UnsupportedInvocation(" ".join(call.argv))
    if not separator:
        return Reply(1, _text(f"Options must be of the form KEY=VALUE: {assignment}"))
    with machine.world() as world:
        if not _cloud_answers(world, machine):
            return Reply(1, _REFUSED)
        before = _values(world).get(name)
        if before is None:
            return Reply(1, _text(f"ERROR 400 Bad Request : Failed to set property: No such property: {name}"))
        if name not in _DRBD_DEFAULTS or world.cloud.drbd_row:
            world.cloud.properties[name] = value
        after = _values(world)[name]
    return Reply(0, _text(f"PROPERTY\t{name}\t{after} was {before}"))


PROGRAMS: dict[str, Program] = {
    "euca_conf": euca_conf,
    "euca-describe-services": describe_services,
    "euca-describe-properties": describe_properties,
    "euca-modify-property": modify_property,
}
