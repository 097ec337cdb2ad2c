"""The services on the way back: stopped on the pair, started on the original alone."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

from harness.errors import HostError, StepBlocked, TimedOut
from harness.hosts.host import Host, Reader
from harness.migration.site import Progress, Site
from harness.migration.step import Pending, Satisfied, Step, StepState
from harness.migration.steps.connect import ConnectPeers
from harness.migration.steps.register import RegisterAdditional
from harness.migration.steps.start import ConfirmService
from harness.migration.steps.stop import StopServices
from harness.systems import files, mounts, services
from harness.systems.drbd import status

H = TypeVar("H", bound=Reader)
_UNKNOWN_DEVICE = "/dev/unknown"  # what the property says where no device was ever named


class StopPair(StopServices):
    """No Walrus process runs on either side, and none will start at boot.

    The side that does not serve stops first: otherwise the cloud would let it take over.
    """

    name = "stop-pair"
    summary = "Stop eucalyptus-cloud on both sides, the one that does not serve first, and keep it down"
    until = "start-original"
    undo_summary = "start eucalyptus-cloud on the pair again and wait until it serves"
    remembered = "pair-service"

    def _stopped(self, site: Site[H]) -> tuple[H, ...]:
        serves = [host for host in site.pair if mounts.mounted_exactly(host, site.settings.device, site.settings.store)]
        if serves and serves[0].name == site.additional.name:
            return site.original, site.additional
        return site.additional, site.original

    def undo(self, site: Site[Host], host: Host) -> None:
        if site.memory.fact(f"{self.remembered}:{host.name}") is not None:
            ConnectPeers().bring_up(site, host)  # a host that rebooted meanwhile has lost it
            self._until_connected(site, host)
        StopServices.undo(self, site, host)

    def _until_connected(self, site: Site[Host], host: Host) -> None:
        """Two sides that do not see each other could both be made Primary."""
        peer = site.peer(host)
        try:
            if peer.fence is None or status.status(peer, site.settings.device) is None:
                return
        except HostError:
            return  # it is away, and its service with it
        found = partial(_talks, host, site.settings.device)
        host.wait_until(found, site.settings.waits.connect, f"{site.settings.resource} to connect again")

    def until_in_place(self, site: Site[Host], host: Host) -> None:
        """One of them serves; both have their place where both run. Nobody waits for a side that cannot serve yet."""
        peer = site.peer(host)
        runs, holds = _seen_of(peer, site)
        if holds and not runs:
            return  # this side cannot be Primary before that one, whose turn is next, has taken its place
        bound = site.settings.waits.service_start
        wanted = {"ENABLED", "DISABLED"} if runs else {"ENABLED"}
        addresses = {node.address for node in site.inventory.pair}

        def served() -> bool:
            if site.clc_is_original and not site.cloud.answers(site.clc):
                return False  # it is starting, in the same service
            return wanted <= {one.state for one in site.cloud.walruses(site.clc) if one.address in addresses}

        host.wait_until(served, bound, "the pair to serve again")


def _seen_of(host: Host, site: Site[Host]) -> tuple[bool, bool]:
    """Whether the service runs there, and whether the device is in use there; neither where nobody answers."""
    if host.fence is None:
        return False, False
    try:
        seen = status.status(host, site.settings.device)
        return bool(services.processes(host, site.settings.service)), seen is not None and seen.role == "Primary"
    except HostError:
        return False, False


def _talks(host: Reader, device: str) -> bool:
    seen = status.status(host, device)
    return seen is not None and seen.talking


class _Runs(Step):
    """The service runs on one host as it ran before the move, and starts at boot as it did then."""

    def host(self, site: Site[H]) -> H:
        raise NotImplementedError

    def _before(self, site: Site[Reader]) -> dict[str, bool]:
        known: dict[str, bool] | None = site.memory.fact(f"service:{self.host(site).name}")
        return known or {"ran": True, "boot": True}

    def inspect(self, site: Site[Reader]) -> StepState:
        host, service, before = self.host(site), site.settings.service, self._before(site)
        if services.starts_at_boot(host, service) != before["boot"]:
            return Pending(f"{host.name}: {service} is not set to start at boot as before")
        if before["ran"] and not services.processes(host, service):
            return Pending(f"{host.name}: {service} does not run")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        host, service, before = self.host(site), site.settings.service, self._before(site)
        services.set_starts_at_boot(host, service, before["boot"])
        files.sync(host)
        if before["ran"] and not services.processes(host, service):
            services.start(host, service, site.settings.waits.command)
            bound = site.settings.waits.service_start
            host.wait_until(partial(services.processes, host, service), bound, f"{service} to run")


class StartOriginal(_Runs):
    """Walrus runs on the original alone."""

    name = "start-original"
    summary = "Start eucalyptus-cloud on the original"

    def host(self, site: Site[H]) -> H:
        return site.original


class StartAdditional(_Runs):
    """The additional host is as it was before the move: its service runs, and the cloud does not know it as Walrus."""

    name = "start-additional"
    summary = "Start eucalyptus-cloud on the additional host as it ran before the move"

    def host(self, site: Site[H]) -> H:
        return site.additional


class ConfirmOriginal(Step):
    """The original is ENABLED and serves the store from its old disk."""

    name = "confirm-original"
    summary = "Wait for the original to be ENABLED and read objects through it"

    def inspect(self, site: Site[Reader]) -> StepState:
        host, place = site.original, site.settings.store
        address = site.node(host).address
        if site.clc_is_original and not site.cloud.answers(site.clc):
            return Pending(f"{site.clc.name}: the cloud controller does not answer yet")
        states = {walrus.address: walrus.state for walrus in site.cloud.walruses(site.clc)}
        if states.get(address) != "ENABLED":
            return Pending(f"{host.name} is {states.get(address, 'absent')}")
        if covered := [mount.device for mount in mounts.mounts(host) if mount.at == place]:
            return Pending(f"{host.name} is ENABLED with {covered[0]} over {place}")
        return ConfirmService().readable(site, host)

    def apply(self, site: Site[Host]) -> None:
        seen: list[StepState] = []

        def confirmed() -> bool:
            seen.append(self.inspect(site))
            if isinstance(seen[-1], Pending):
                site.report(Progress(self.name, seen[-1].why, None))
            return isinstance(seen[-1], Satisfied)

        try:
            site.clc.wait_until(confirmed, site.settings.waits.service_start, "the original to serve")
        except TimedOut as error:
            raise StepBlocked(f"{error}; last seen: {seen[-1] if seen else 'nothing'}") from error


class DeregisterAdditional(Step):
    """The cloud knows one Walrus again."""

    name = "deregister-additional"
    summary = "Deregister the additional Walrus"

    def inspect(self, site: Site[Reader]) -> StepState:
        left = RegisterAdditional().still_there(site, site.clc)
        return Pending(f"{site.clc.name}: {left}") if left else Satisfied()

    def apply(self, site: Site[Host]) -> None:
        RegisterAdditional().undo(site, site.clc)


class ResetProperties(Step):
    """The cloud's database names no device any more.

    A property cannot be unset: the device's goes back to what it says where none was ever named. ``walrus.resource``
    keeps its value, which only the DRBD manager reads.
    """

    name = "reset-properties"
    summary = "Set walrus.blockdevice back to /dev/unknown, as it says where no device was ever named"

    def inspect(self, site: Site[Reader]) -> StepState:
        found = site.cloud.properties(site.clc).get("walrus.blockdevice", _UNKNOWN_DEVICE)
        return Satisfied() if found == _UNKNOWN_DEVICE else Pending(f"walrus.blockdevice is {found}")

    def apply(self, site: Site[Host]) -> None:
        site.cloud.set_property(site.clc, "walrus.blockdevice", _UNKNOWN_DEVICE)
