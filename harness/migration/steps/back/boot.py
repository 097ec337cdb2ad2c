"""DRBD does not come up at boot any more: the data of the pair is kept, and nobody serves it."""

from __future__ import annotations

from harness.hosts.host import Host, Reader
from harness.migration.site import Site
from harness.migration.step import Pending, Satisfied, Step, StepState
from harness.migration.steps.boot import DRBD, at_boot_before
from harness.systems import files, services


class KeepPairDown(Step):
    """DRBD's init script starts at boot where it did so before the move, and nowhere else.

    It stands behind the step that takes the pair down: one that a reboot brought up again is taken down again.
    """

    name = "keep-pair-down"
    summary = "Have DRBD start at boot only where it did so before the move"
    undo_summary = "have DRBD come up at boot again"

    def inspect(self, site: Site[Reader]) -> StepState:
        for host in site.pair:
            if self.still_there(site, host) is None and self._is_ours(site, host):
                return Pending(f"{host.name}: {DRBD} starts at boot")
        return Satisfied()

    def _is_ours(self, site: Site[Reader], host: Reader) -> bool:
        """The move turned it on."""
        return site.memory.fact(at_boot_before(host)) is False

    def apply(self, site: Site[Host]) -> None:
        for host in site.pair:
            if self._is_ours(site, host):
                services.set_starts_at_boot(host, DRBD, False)
                files.sync(host)

    def undo(self, site: Site[Host], host: Host) -> None:
        if self._is_ours(site, host):
            services.set_starts_at_boot(host, DRBD, True)
            files.sync(host)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        if self._is_ours(site, host) and not services.at_boot(host, DRBD):
            return f"{DRBD} does not start at boot"
        return None
