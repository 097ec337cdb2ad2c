"""All of preflight in its order; each part says all it finds, and a part that cannot look says that."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.errors import AccessDenied, HostError, StepBlocked, UnexpectedOutput, Unreachable
from harness.hosts.command import Command
from harness.hosts.host import Reader
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
    for part in PARTS:
        found.extend(_tolerant(part, site))
    return found


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
