"""Stage a verified copy of the store."""

from __future__ import annotations

from typing import ClassVar

from harness.errors import StepBlocked
from harness.hosts.command import Command, Effect
from harness.hosts.host import Host, Reader
from harness.migration import copies, jobs, proofs
from harness.migration.site import H, Site
from harness.migration.step import Pending, Satisfied, Step, StepState
from harness.systems import files


class StageStore(Step):
    """A copy of the store lies in the staging area and was read back from the disk equal to the frozen manifest."""

    name = "stage-store"
    summary = "Copy the store to the staging area and verify the copy on stable storage"
    until = "commit"
    undo_summary = "remove the staged copy, the store being whole in its place"
    fact: ClassVar[str] = "staged"  # names the frozen manifest that the copy was proven equal to
    was_free: ClassVar[str] = "staging-was-free"  # names the place, once it was seen to be nobody's

    def place(self, site: Site[H]) -> str:
        """Where the copy lies."""
        return site.staged_copy

    def inspect(self, site: Site[Reader]) -> StepState:
        if site.memory.fact(self.fact) != site.memory.fact("frozen"):
            return Pending("the staged copy is not verified")
        if not copies.known_as_frozen(site, site.original, self.place(site)):
            return Pending(f"{self.place(site)} does not list as it was frozen")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        host = site.original
        self._require_own_place(site, host)
        files.make_directory(host, self.place(site), 0o700)
        copies.copy_and_verify(site, host, self.name, self._source(site), self.place(site))
        site.memory.remember(self.fact, site.memory.fact("frozen"))

    def _require_own_place(self, site: Site[Host], host: Host) -> None:
        """The copy goes where nothing was before this run: making both sides equal deletes what is not in the store.

        Raises:
            StepBlocked: somebody put something there since preflight looked.
        """
        if self._is_not_ours(site):
            if files.stat(host, self.place(site)) is not None:
                raise StepBlocked(f"{host.name}: {self.place(site)} exists, and this run did not make it")
            site.memory.remember(self.was_free, self.place(site))

    def _is_not_ours(self, site: Site[Reader]) -> bool:
        """Whatever lies in the staging area, this run did not put it there."""
        return bool(site.memory.fact(self.was_free) != self.place(site))

    def _source(self, site: Site[Host]) -> str:
        return site.old_store if files.stat(site.original, site.old_store) else site.settings.store

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        jobs.end_jobs(site, host, self.name)
        if self._is_not_ours(site) or files.stat(host, self.place(site)) is None:
            return
        remove = Command(("rm", "-rf", "--", self.place(site)), Effect.DESTROY, timeout_s=3600.0)
        proofs.destroy(site, host, proofs.KeptAt(site, site.settings.store, self.place(site)), remove)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        if self._is_not_ours(site):
            return None
        return f"{self.place(site)} remains" if files.stat(host, self.place(site)) else None
