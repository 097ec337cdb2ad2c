"""Taking back: every step that was begun, in reverse order, each looked at afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.errors import (
    Fenced,
    HostError,
    Indeterminate,
    OperatorNeeded,
    Rebooted,
    Stopped,
    TimedOut,
    Unreachable,
    WalrusHaError,
)
from harness.hosts.host import Host, Reader, wait_until
from harness.migration.site import Site
from harness.migration.step import Step
from harness.systems import files

_TRIES = 3


class Rollback:
    """One pass over the plan in reverse.

    A host that does not answer is passed over and named, so that losing the additional host never keeps the original
    from serving again. Anything else that cannot be taken back stops the rollback where it is: later undoings
    rely on earlier ones.
    """

    def __init__(
        self,
        site: Site[Host],
        eyes: Site[Reader],
        plan: Sequence[Step],
        tell: Callable[[str, str, str], None],
    ) -> None:
        self._site = site
        self._eyes = eyes
        self._plan = plan
        self._tell = tell
        self._away: set[str] = set()

    def run(self) -> list[str]:
        """Take back all that was begun; returns what remains on hosts that did not answer.

        Raises:
            OperatorNeeded: when something could not be taken back on a host that answers.
            Stopped: a host that an undoing needs beside its own stays away.
            Rebooted: a host has to be claimed again before the rest can be taken back.
        """
        memory = self._site.memory
        remains: list[str] = []
        for step in reversed(self._plan):
            if not memory.intended(step.name) or step.undo_summary is None or memory.undone(step.name):
                continue
            if not any(memory.undone(later.name) for later in self._plan) and not memory.rolling_back:
                memory.note("undoing", step.name)
            self._tell("undoing", step.name, step.undo_summary)
            left = [left for host in step.undo_hosts(self._site) if (left := self._take_back(step, host))]
            remains += left
            if not left:
                memory.note("undone", step.name)
        remains = remains or [f"{host.name}: give the host back" for host in self._site.hosts if host.fence is None]
        if not remains:
            self._release()
            self._site.control.anew()  # before the run counts as taken back: no order reaches the next attempt
            memory.note_taken_back()
        return remains

    def _take_back(self, step: Step, host: Host) -> str | None:
        if host.name in self._away or host.fence is None:  # away now, or when this run claimed the others
            return f"{host.name}: {step.undo_summary}"
        for _ in range(_TRIES):
            try:
                step.undo(self._site, host)
                found = step.still_there(self._eyes, self._reader(host))
                if found is None:
                    files.sync(host)  # what the journal calls undone must not come back with a power cut
                    return None
                why = found
            except Unreachable as trouble:
                if trouble.host != host.name:  # as the cloud controller: nothing can be taken back past it
                    self._wait_for(trouble)
                    why = str(trouble)
                    continue
                self._away.add(host.name)
                return f"{host.name}: {step.undo_summary}"
            except Indeterminate as lost:
                why = str(lost)
            except (Fenced, Rebooted):
                raise
            except (HostError, WalrusHaError) as error:
                raise OperatorNeeded(f"{host.name}: cannot {step.undo_summary}: {error}") from error
        if self._silent(host):
            self._away.add(host.name)
            return f"{host.name}: {step.undo_summary}"
        raise OperatorNeeded(f"{host.name}: tried to {step.undo_summary}, and still: {why}")

    def _wait_for(self, trouble: Unreachable) -> None:
        """Until another host that this undoing needs answers again.

        Raises:
            Stopped: it stays away; the next run takes back the rest.
        """
        needed = next(host for host in self._site.hosts if host.name == trouble.host)
        bound, clock = self._site.settings.waits.host_return, self._site.clock
        try:
            wait_until(clock, lambda: not self._silent(needed), bound, f"{needed.name} to answer again", every_s=1.0)
        except TimedOut as late:
            raise Stopped(f"{trouble}; {late}. Run again once it answers: the rest is taken back then") from trouble

    def _reader(self, host: Host) -> Reader:
        return next(reader for reader in self._eyes.hosts if reader.name == host.name)

    def _silent(self, host: Host) -> bool:
        try:
            host.holder()
        except HostError:
            return True
        return False

    def _release(self) -> None:
        for host in self._site.hosts:
            host.release()
