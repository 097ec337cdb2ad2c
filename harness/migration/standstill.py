"""What stands still during a pause: the engine, which writes it down and says so, and the job that it waits for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from harness.errors import Indeterminate, Unreachable
from harness.hosts.host import Host
from harness.migration.site import Progress, Site

Tell = Callable[[str, str, str], None]  # kind, step and text of an event


class EngineStandstill:
    """The engine's part of a pause."""

    def __init__(self, site: Site[Host], tell: Tell) -> None:
        self._site = site
        self._tell = tell
        self._on = False

    def hold(self) -> None:
        window = "the services are down meanwhile" if self._site.memory.window_open else "the services run"
        if not self._on:
            self._on = True
            self._site.memory.note("paused")
            self._tell("waiting", "", f"paused by order; {window}; walrus-ha resume RUN lets it go on")
        self._site.report(Progress("", f"paused by order; {window}", None))

    def go_on(self) -> None:
        self._on = False
        self._site.memory.forget_what_was_seen()
        self._site.memory.note("resumed")
        self._tell("waiting", "", "the pause is over")


class JobStandstill:
    """A detached job's part: its processes are stopped on the host, which is noted before it is done.

    A host that does not answer lets its job go on until it does; whoever takes the job over after a crash finds in the
    journal that it may stand still.
    """

    def __init__(self, site: Site[Host], host: Host, key: str, job_id: str) -> None:
        self._site = site
        self._host = host
        self._key = key
        self._job_id = job_id
        self._on = bool((site.memory.fact(key) or {}).get("paused"))

    def hold(self) -> None:
        if not self._on:
            self._note(True)
            with contextlib.suppress(Unreachable, Indeterminate):
                self._host.pause_job(self._job_id)
                self._on = True

    def go_on(self) -> None:
        """Let the job go on if it may stand still; harmless where it does not."""
        if self._on or self._site.memory.fact(self._key).get("paused"):
            self._host.continue_job(self._job_id)
            self._note(False)
        self._on = False

    def _note(self, paused: bool) -> None:
        self._site.memory.remember(self._key, {**self._site.memory.fact(self._key), "paused": paused})
