"""Stop eucalyptus-cloud on both Walrus hosts, and keep it down."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from harness.hosts.host import Host, Reader
from harness.migration.site import H, Site
from harness.migration.step import Pending, Satisfied, Step, StepState
from harness.systems import services


def _is_down(host: Reader, service: str) -> bool:
    return not services.processes(host, service)


def _not_down(host: Reader, service: str) -> str | None:
    if pids := services.processes(host, service):
        return f"{host.name}: {service} runs as process {', '.join(map(str, pids))}"
    return f"{host.name}: {service} would start at boot" if services.starts_at_boot(host, service) else None


def _runs_again(host: Reader, service: str) -> str | None:
    pids = services.processes(host, service)
    return f"{host.name}: {service} runs again as process {', '.join(map(str, pids))}" if pids else None


class StopServices(Step):
    """No Walrus process runs on either host and none will start at boot.

    The additional host stops first: stopping the original while the newcomer runs would let the cloud promote the
    newcomer with its empty store.
    """

    name = "stop-services"
    summary = "Stop eucalyptus-cloud on both Walrus hosts, the additional one first, and keep it down"
    until = "start-services"
    guard = True
    undo_summary = "start eucalyptus-cloud again as it ran before, the original first"
    remembered: ClassVar[str] = "service"  # the fact that tells how each host's service was before

    def _stopped(self, site: Site[H]) -> tuple[H, ...]:
        """The hosts on which the service stops, in this order."""
        return site.additional, site.original

    def inspect(self, site: Site[Reader]) -> StepState:
        looks = [partial(_not_down, host, site.settings.service) for host in self._stopped(site)]
        missing = next(filter(None, site.clock.together(looks)), None)
        return Pending(missing) if missing else Satisfied()

    def holds(self, site: Site[Reader]) -> str | None:
        looks = [partial(_runs_again, host, site.settings.service) for host in self._stopped(site)]
        return next(filter(None, site.clock.together(looks)), None)

    def apply(self, site: Site[Host]) -> None:
        service, bound = site.settings.service, site.settings.waits.service_stop
        for host in self._stopped(site):
            self._remember(site, host)
            services.set_starts_at_boot(host, service, False)
            if services.processes(host, service):
                services.stop(host, service, bound)
                host.wait_until(partial(_is_down, host, service), bound, f"{service} to stop")

    def _remember(self, site: Site[Host], host: Host) -> None:
        """How the service was before the first attempt to stop it; a second look would see our own doing."""
        if site.memory.fact(f"{self.remembered}:{host.name}") is None:
            service = site.settings.service
            before = {"ran": bool(services.processes(host, service)), "boot": services.starts_at_boot(host, service)}
            site.memory.remember(f"{self.remembered}:{host.name}", before)

    def undo(self, site: Site[Host], host: Host) -> None:
        service = site.settings.service
        before = site.memory.fact(f"{self.remembered}:{host.name}")
        if before is None:
            return
        services.set_starts_at_boot(host, service, before["boot"])
        if before["ran"]:
            if site.clc_is_original and host.name != site.original.name:
                # It is still registered: the cloud, back with the original, would promote whoever is there already.
                self.until_in_place(site, site.original)
            if not services.processes(host, service):  # somebody else may have started it already
                services.start(host, service, site.settings.waits.command)
            bound = site.settings.waits.service_start
            host.wait_until(lambda: services.processes(host, service), bound, f"{service} to run again")
            self.until_in_place(site, host)

    def until_in_place(self, site: Site[Host], host: Host) -> None:
        """The original must have its place back before the additional comes up beside it."""
        if host.name != site.original.name:
            return
        address = site.node(host).address

        def enabled() -> bool:
            if site.clc_is_original and not site.cloud.answers(site.clc):
                return False  # it is starting, in the same service
            return any(w.address == address and w.state == "ENABLED" for w in site.cloud.walruses(site.clc))

        host.wait_until(enabled, site.settings.waits.service_start, "the original Walrus to be ENABLED again")

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        before = site.memory.fact(f"{self.remembered}:{host.name}")
        if before and before["ran"] and not services.processes(host, site.settings.service):
            return f"{site.settings.service} does not run"
        return None


class StopAdditional(StopServices):
    """No Walrus process runs on the additional host, so that the cloud cannot promote it with its empty store.

    An online move stops it as soon as it is registered, hours before the original stops.
    """

    name = "stop-additional"
    summary = "Stop eucalyptus-cloud on the additional host and keep it down; the original serves on"
    undo_summary = "start eucalyptus-cloud on the additional host again as it ran before"

    def _stopped(self, site: Site[H]) -> tuple[H, ...]:
        return (site.additional,)

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.additional,)


class StopOriginal(StopServices):
    """No Walrus process runs on the original either: the window opens."""

    summary = "Stop eucalyptus-cloud on the original Walrus host and keep it down: the window opens"
    undo_summary = "start eucalyptus-cloud on the original again as it ran before"

    def _stopped(self, site: Site[H]) -> tuple[H, ...]:
        return (site.original,)

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)
