"""Have DRBD come up by itself when a host boots: Walrus loads no module and brings no resource up."""

from __future__ import annotations

from harness.hosts.host import Host, Reader
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.systems import files, services

DRBD = "drbd"  # its init script, which starts before the services: 70 against 80 and later


def _start_at_boot(host: Host) -> None:
    services.set_starts_at_boot(host, DRBD, True)
    files.sync(host)


class StartDrbdAtBoot(Step):
    """DRBD's init script starts at boot on both hosts.

    It stands right before the commit point. Earlier nothing relies on it, since the engine itself brings up what a
    reboot took down; later a host without that script could not be taken back any more. A host that reboots between
    this step and the commit brings the resource up as Secondary, as the hand-over left it: nothing in the
    configuration promotes, and Walrus does not start at boot yet.
    """

    name = "start-drbd-at-boot"
    summary = "Have DRBD's init script bring the resource up when a host boots"
    undo_summary = "have DRBD start at boot as it did before"

    def inspect(self, site: Site[Reader]) -> StepState:
        for host, starts in zip(site.pair, site.on_pair(lambda host: services.at_boot(host, DRBD)), strict=True):
            if starts is None:
                return Blocked(f"{host.name}: init knows no service {DRBD}; nothing would bring the device up at boot")
            if not starts:
                return Pending(f"{host.name}: {DRBD} would not start at boot")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        for host, starts in zip(site.pair, site.on_pair(lambda host: services.at_boot(host, DRBD)), strict=True):
            if site.memory.fact(at_boot_before(host)) is None:
                site.memory.remember(at_boot_before(host), bool(starts))
        for host in site.pair:
            _start_at_boot(host)

    def undo(self, site: Site[Host], host: Host) -> None:
        if site.memory.fact(at_boot_before(host)) is False:  # a second look would see our own doing
            services.set_starts_at_boot(host, DRBD, False)
            files.sync(host)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        if site.memory.fact(at_boot_before(host)) is False and services.at_boot(host, DRBD):
            return f"{DRBD} starts at boot"
        return None


def at_boot_before(host: Reader) -> str:
    """The fact that tells whether DRBD started at boot before the move."""
    return f"drbd-at-boot:{host.name}"
