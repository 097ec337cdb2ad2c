"""Engines broken on purpose, one mistake each. A harness that passes one of them proves nothing.

Each entry says what is broken, in which scenario it must be caught, and is a context in which the mistake is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from harness.errors import Indeterminate
from harness.hosts.command import Command, Result
from harness.hosts.host import Host, Reader
from harness.migration import copies
from harness.migration.preflight import store as preflight_store
from harness.migration.site import Site
from harness.migration.step import Pending, Satisfied, StepState
from harness.migration.steps.handover import HandOver
from harness.migration.steps.mounting import MountDevice
from harness.migration.steps.stop import StopServices
from harness.migration.steps.sync import WaitForSync
from harness.systems import mounts, services
from harness.systems.drbd import status

Break = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Sabotage:
    """One mistake and the scenario that must catch it."""

    name: str
    scenario: str
    break_it: Break


def skip_verifying_the_staged_copy(patch: pytest.MonkeyPatch) -> None:
    """The staged copy is believed because the copy command said that it went well."""
    genuine = copies.full_manifest

    def trusting(site: Site[Host], host: Host, step: str, root: str) -> Any:
        return copies.frozen(site) if root == site.staged_copy else genuine(site, host, step, root)

    patch.setattr(copies, "full_manifest", trusting)


def mount_nothing_before_restoring(patch: pytest.MonkeyPatch) -> None:
    """As the vendor's text: the copy goes to the bare mount point."""
    patch.setattr(MountDevice, "inspect", lambda self, site: Satisfied())
    patch.setattr(MountDevice, "apply", lambda self, site: None)


def start_before_up_to_date(patch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the synchronisation."""

    def handed_over(self: HandOver, site: Site[Reader]) -> StepState:
        seen = status.status(site.original, site.settings.device)
        mounted = mounts.mounted_exactly(site.original, site.settings.device, site.settings.store)
        return Satisfied() if seen and seen.role == "Secondary" and not mounted else Pending("not yet")

    patch.setattr(WaitForSync, "inspect", lambda self, site: Satisfied())
    patch.setattr(HandOver, "inspect", handed_over)


def accept_a_symlinked_store(patch: pytest.MonkeyPatch) -> None:
    """Preflight does not look whether the store is a link."""
    genuine = preflight_store.in_place

    def blind(site: Site[Reader]) -> Iterator[Any]:
        return (finding for finding in genuine(site) if finding.id != "store-is-symlink")

    from harness.migration.preflight import survey

    parts = tuple(blind if part is genuine else part for part in survey.PARTS)
    patch.setattr(survey, "PARTS", parts)


def stop_only_one_service(patch: pytest.MonkeyPatch) -> None:
    """The original is stopped and the additional Walrus goes on."""

    def only_original(self: StopServices, site: Site[Reader]) -> StepState:
        running = services.processes(site.original, site.settings.service)
        return Pending("runs") if running else Satisfied()

    def stop_original(self: StopServices, site: Site[Host]) -> None:
        self._remember(site, site.original)
        services.set_starts_at_boot(site.original, site.settings.service, False)
        services.stop(site.original, site.settings.service, 60.0)
        site.clock.sleep(30.0)

    patch.setattr(StopServices, "inspect", only_original)
    patch.setattr(StopServices, "holds", lambda self, site: None)
    patch.setattr(StopServices, "apply", stop_original)


def ignore_a_lost_reply(patch: pytest.MonkeyPatch) -> None:
    """A reply that did not arrive is taken for success."""
    genuine = Host.attempt

    def careless(self: Host, command: Command) -> Result:
        try:
            return genuine(self, command)
        except Indeterminate:
            return Result(0)

    patch.setattr(Host, "attempt", careless)


SABOTAGES = (
    Sabotage("skip verifying the staged copy", "staged-copy-corrupted", skip_verifying_the_staged_copy),
    Sabotage("mount nothing before restoring", "success-with-full-sync", mount_nothing_before_restoring),
    Sabotage("start Walrus before UpToDate", "success-with-full-sync", start_before_up_to_date),
    Sabotage("accept a symlinked store", "store-is-a-symlink", accept_a_symlinked_store),
    Sabotage("stop only one service", "success-with-full-sync", stop_only_one_service),
    Sabotage("ignore a lost reply", "command-hangs-before-its-effect", ignore_a_lost_reply),
)


@contextmanager
def broken(sabotage: Sabotage) -> Iterator[None]:
    """The engine with this one mistake in it."""
    with pytest.MonkeyPatch.context() as patch:
        sabotage.break_it(patch)
        yield
