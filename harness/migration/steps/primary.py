"""Make the original host Primary; the first sync starts, or is skipped."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import StepBlocked
from harness.hosts.command import Effect
from harness.hosts.host import Host, Reader
from harness.migration import proofs
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.migration.steps.configure import dialect_on
from harness.systems.drbd import status

_FRESH = ("Connected", "Inconsistent", "Inconsistent")


@dataclass(frozen=True)
class _FreshPair:
    """The claim under which data may be declared good by force: both sides say that nobody has written anything yet."""

    site: Site[Host]

    def __str__(self) -> str:
        return f"{self.site.settings.resource} is a fresh, connected pair that nobody has written to"

    def denied(self, host: Reader) -> str | None:
        for side in (self.site.peer(host), host):
            seen = status.status(side, self.site.settings.device)
            fresh = seen and (seen.connection, seen.disk, seen.peer_disk) == _FRESH and "Primary" not in _roles(seen)
            if not fresh or self.site.memory.intended("make-filesystem"):
                return f"{side.name}: {seen} is not a fresh, connected pair; nothing is forced on it"
        return None


class BecomePrimary(Step):
    """The original host is Primary with an UpToDate disk; the direction of the first sync is chosen once, by name."""

    name = "become-primary"
    summary = "Make the original host Primary and start, or skip, the first synchronisation"
    until = "hand-over"
    undo_summary = "make the original host Secondary again"

    def inspect(self, site: Site[Reader]) -> StepState:
        seen = status.status(site.original, site.settings.device)
        if seen is None:
            return Pending(f"{site.original.name}: {site.settings.resource} is not up")
        if seen.peer_role == "Primary":
            return Blocked(f"{site.additional.name} is Primary; during the move only the original may be")
        if (seen.role, seen.disk) != ("Primary", "UpToDate"):
            return Pending(f"{site.original.name}: {seen.role} with a disk that is {seen.disk}")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        seen = self._seen(site)
        words, resource = dialect_on(site, site.original), site.settings.resource
        if seen.disk == "Inconsistent":
            skip = site.settings.first_sync == "skip"
            command = words.skip_first_sync(resource) if skip else words.force_primary(resource)
            proofs.destroy(site, site.original, _FreshPair(site), command)
            if not skip:
                return
        site.original.run(words.command("primary", resource, Effect.WRITE))

    def _seen(self, site: Site[Reader]) -> status.Status:
        seen = status.status(site.original, site.settings.device)
        if seen is None:
            raise StepBlocked(f"{site.original.name}: {site.settings.resource} is not up")
        return seen

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        seen = status.status(host, site.settings.device)
        if seen and seen.role == "Primary":
            host.run(dialect_on(site, host).command("secondary", site.settings.resource, Effect.WRITE))

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        seen = status.status(host, site.settings.device)
        return "still Primary" if seen and seen.role == "Primary" else None


def _roles(seen: status.Status) -> tuple[str, str]:
    return seen.role, seen.peer_role
