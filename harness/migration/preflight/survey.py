"""All of preflight in its order; each part says all it finds, and a part that cannot look says that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from harness.clock import Clock
from harness.errors import AccessDenied, HostError, StepBlocked, UnexpectedOutput, Unreachable
from harness.hosts.command import Command, Result
from harness.hosts.host import Reader
from harness.hosts.transport import Transport
from harness.migration.preflight import cloud, devices, drbd, hosts, store
from harness.migration.preflight.finding import Finding, error
from harness.migration.site import Site

Part = Callable[[Site[Reader]], Iterator[Finding]]

PARTS: tuple[Part, ...] = (
    hosts.tools,
    hosts.same_system,
    hosts.same_user,
    hosts.names,
    hosts.services_ready,
    store.in_place,
    store.staging,
    store.additional_is_empty,
    store.fstab,
    devices.present_and_equal,
    devices.blank,
    devices.large_enough,
    drbd.dialects,
    drbd.nothing_foreign,
    drbd.peers_reach_each_other,
    cloud.registered,
    cloud.storage_directory,
)


def preflight(site: Site[Reader]) -> list[Finding]:
    """Everything that stands in the way of the move, all at once. READ commands only."""
    found = list(_reachable(site))
    if found:
        return found
    looking = site_of_one_look(site)
    for part in PARTS:
        found.extend(_tolerant(part, looking))
    return found


class OneLook(Reader):
    """A host that answers each question once: within one preflight the same question has the same answer."""

    def __init__(self, name: str, transport: Transport, clock: Clock) -> None:
        super().__init__(name, transport, clock)
        self._answers: dict[Command, Result] = {}

    def ask(self, command: Command) -> Result:
        if command not in self._answers:
            self._answers[command] = super().ask(command)
        return self._answers[command]


def site_of_one_look(site: Site[Reader]) -> Site[Reader]:
    """The same site through hosts that are asked nothing twice."""
    original, additional, clc = (OneLook(host.name, host.transport, host.clock) for host in site.hosts)
    return replace(site, original=original, additional=additional, clc=clc)


def _reachable(site: Site[Reader]) -> Iterator[Finding]:
    for host in site.hosts:
        try:
            host.read(Command(("uname", "-n")))
        except AccessDenied as refused:
            yield error(
                "access-denied",
                host.name,
                str(refused),
                "Mend the login, host key or sudo rule; see docs/how-to/production.md.",
            )
        except (Unreachable, HostError) as away:
            yield error("unreachable", host.name, str(away), "Bring the host up, or mend its address in the inventory.")


def _tolerant(part: Part, site: Site[Reader]) -> Iterator[Finding]:
    """A part that cannot look is a finding: not knowing is not passing."""
    try:
        yield from part(site)
    except (HostError, UnexpectedOutput, StepBlocked, ValueError) as failure:
        host = failure.host if isinstance(failure, HostError) else site.original.name
        name = f"{part.__module__.rsplit('.', 1)[-1]}.{part.__name__}".replace("_", "-")
        yield error("not-determined", host, f"{name} could not be looked at: {failure}", "Mend that and check again.")
