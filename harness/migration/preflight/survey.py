"""All of preflight in its order; each part says all it finds, and a part that cannot look says that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from harness.clock import Clock
from harness.errors import AccessDenied, HostError, StepBlocked, UnexpectedOutput
from harness.hosts.command import Command, Result
from harness.hosts.host import Reader
from harness.hosts.transport import Transport
from harness.migration.preflight import cloud, devices, drbd, hosts, reuse, store, window
from harness.migration.preflight.finding import Finding, error
from harness.migration.site import Site

Part = Callable[[Site[Reader]], Iterator[Finding]]

PARTS: tuple[Part, ...] = (
    hosts.ways,
    hosts.tools,
    hosts.same_system,
    hosts.same_user,
    hosts.names,
    hosts.services_ready,
    hosts.options,
    store.in_place,
    store.staging,
    store.additional_is_empty,
    store.fstab,
    devices.present_and_equal,
    devices.blank,
    devices.large_enough,
    devices.told_apart,
    reuse.on_the_device,
    reuse.boots_with_it,
    reuse.second_staging,
    reuse.apart_from_each_other,
    drbd.dialects,
    drbd.comes_up_at_boot,
    drbd.nothing_foreign,
    drbd.peers_reach_each_other,
    cloud.registered,
    cloud.storage_directory,
    window.still_open,
    window.long_enough,
)
_MEASURING = (window.long_enough,)  # nobody else is asked meanwhile


def preflight(site: Site[Reader], parts: tuple[Part, ...] = PARTS) -> list[Finding]:
    """Everything that stands in the way of the move, or of the way back, all at once. READ commands only."""
    absent = [finding for finding in site.clock.together([partial(_away, host) for host in site.hosts]) if finding]
    if absent:
        return absent
    looking = site_of_one_look(site)
    said = site.clock.together([partial(_tolerant, part, looking) for part in parts if part not in _MEASURING])
    said += [_tolerant(part, looking) for part in parts if part in _MEASURING]
    return [finding for findings in said for finding in findings]


class OneLook(Reader):
    """A host that answers each question once: within one preflight the same question has the same answer.

    Several parts may ask it at the same time; it is asked one thing after the other.
    """

    def __init__(self, name: str, transport: Transport, clock: Clock) -> None:
        super().__init__(name, transport, clock)
        self._answers: dict[Command, Result] = {}
        self._asking = threading.Lock()

    def ask(self, command: Command) -> Result:
        with self._asking:
            if command not in self._answers:
                self._answers[command] = super().ask(command)
            return self._answers[command]


def site_of_one_look(site: Site[Reader]) -> Site[Reader]:
    """The same site through hosts that are asked nothing twice."""
    looks = {host.name: OneLook(host.name, host.transport, host.clock) for host in site.hosts}
    original, additional, clc = (looks[host.name] for host in (site.original, site.additional, site.clc))
    return replace(site, original=original, additional=additional, clc=clc)


def _away(host: Reader) -> Finding | None:
    """Why the host cannot be looked at, None when it can."""
    try:
        host.read(Command(("uname", "-n")))
    except AccessDenied as refused:
        mend = "Mend the login, host key or sudo rule; see docs/how-to/production.md."
        return error("access-denied", host.name, str(refused), mend)
    except HostError as away:
        return error("unreachable", host.name, str(away), "Bring the host up, or mend its address in the inventory.")
    return None


def _tolerant(part: Part, site: Site[Reader]) -> list[Finding]:
    """What a part finds. One that cannot look is a finding: not knowing is not passing."""
    found: list[Finding] = []
    try:
        for finding in part(site):
            found.append(finding)
    except (HostError, UnexpectedOutput, StepBlocked, ValueError) as failure:
        host = failure.host if isinstance(failure, HostError) else site.original.name
        name = f"{part.__module__.rsplit('.', 1)[-1]}.{part.__name__}".replace("_", "-")
        found.append(
            error("not-determined", host, f"{name} could not be looked at: {failure}", "Mend that and check again.")
        )
    return found
