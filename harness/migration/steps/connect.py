"""Bring the resource up on both hosts and let the peers find each other."""

from __future__ import annotations

from typing import ClassVar, NoReturn

from harness.errors import OperatorNeeded, StepBlocked
from harness.hosts.command import Command, Effect
from harness.hosts.host import Host, Reader
from harness.migration.site import Site
from harness.migration.step import Pending, Satisfied, Step, StepState
from harness.migration.steps.configure import dialect_on
from harness.systems.drbd import status

_FIRST_WRITER = "become-primary"


class ConnectPeers(Step):
    """The resource is up on both hosts and the peers talk to each other."""

    name = "connect-peers"
    summary = "Bring the resource up on both hosts and wait until the peers are connected"
    undo_summary: ClassVar[str | None] = "take the resource down"

    def inspect(self, site: Site[Reader]) -> StepState:
        for host in site.pair:
            seen = status.status(host, site.settings.device)
            if seen is None:
                return Pending(f"{host.name}: {site.settings.resource} is not up")
            if not seen.talking:
                return Pending(f"{host.name}: {site.settings.resource} is {seen.connection}")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        resource = site.settings.resource
        self._require_nobody_declared_good(site)
        for host in site.pair:
            self.bring_up(site, host)
        bound = site.settings.waits.connect
        site.original.wait_until(lambda: self._all_talk(site), bound, f"{resource} to connect on both hosts", 0.25)

    def bring_up(self, site: Site[Host], host: Host) -> None:
        """The resource on one host, with the kernel's module where it is missing."""
        resource = site.settings.resource
        if not status.module_loaded(host):
            host.run(Command(("modprobe", "drbd"), Effect.WRITE))
        seen = status.status(host, site.settings.device)
        if seen is None:
            host.run(dialect_on(site, host).command("up", resource, Effect.WRITE))
        elif seen.connection == "StandAlone":
            host.run(dialect_on(site, host).command("connect", resource, Effect.WRITE))

    def _all_talk(self, site: Site[Host]) -> bool:
        seen = [status.status(host, site.settings.device) for host in site.pair]
        for host, one in zip(site.pair, seen, strict=True):
            if one and one.connection == "StandAlone":
                self._refused(site, host, one)
        return all(one is not None and one.talking for one in seen)

    def _require_nobody_declared_good(self, site: Site[Host]) -> None:
        """Before the first Primary both sides are Inconsistent; a side that is not would become the source of the sync.

        Raises:
            StepBlocked: naming the side that somebody else declared good.
        """
        if site.memory.intended(_FIRST_WRITER):
            return
        for host in site.pair:
            seen = status.status(host, site.settings.device)
            if seen and seen.disk in ("UpToDate", "Consistent", "Outdated"):
                raise StepBlocked(
                    f"{host.name}: {site.settings.resource} is up and {seen.disk} ({seen}), although nothing was ever "
                    "written to it: somebody else declared it good, and connecting would make it the sync's source"
                )

    def _refused(self, site: Site[Host], host: Host, seen: status.Status) -> NoReturn:
        """Once one side was Primary both may hold data, and nobody but a person discards any."""
        what = f"{host.name}: {site.settings.resource} fell back to StandAlone ({seen}): the peers refuse each other"
        if site.memory.intended(_FIRST_WRITER):
            raise OperatorNeeded(
                f"{what}, perhaps after a split brain. A person must decide which side gives way; both sides are kept "
                f"as they are. `drbdadm get-gi {site.settings.resource}` on each host shows their generations."
            )
        raise StepBlocked(f"{what} before either of them held data; look at the kernel's log on both hosts")

    def undo(self, site: Site[Host], host: Host) -> None:
        if status.status(host, site.settings.device) is not None:
            host.run(dialect_on(site, host).command("down", site.settings.resource, Effect.WRITE))

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        return f"{site.settings.resource} is still up" if status.status(host, site.settings.device) else None
