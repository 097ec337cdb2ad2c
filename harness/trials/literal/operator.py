"""Somebody who types the vendor's text: the next line follows whatever the last one said."""

from __future__ import annotations

import contextlib
import shlex

from harness.clock import Clock
from harness.errors import HostError
from harness.hosts.command import Command, PutFile, Request, Result
from harness.hosts.transport import Transport
from harness.inventory import Inventory, Role
from harness.migration.engine import Event, Listener
from harness.migration.outcome import Outcome
from harness.systems.eucalyptus import Cloud
from harness.trials.literal.choices import Choices
from harness.trials.literal.runbook import Appendix, Copied, Edited, Line, Typed, appendix_c

LAST_WORDS = "Your HA environment is now ready."  # the text's own
_PACE_S = 0.5  # between two lines
_LOOK_AGAIN_S = 2.0
_LINE_S = 600.0  # how long any line may take
_NOT_FOUND = 127
_CLOUD_PROGRAMS = ("euca_conf", "euca-")


class Operator:
    """Types the lines on the hosts of an inventory. Exit statuses and silent hosts change nothing.

    ``work`` may be interrupted by an exception of the listener's; working again goes on with the line that was not
    finished, or as the choices say.
    """

    def __init__(self, inventory: Inventory, clock: Clock, choices: Choices, tell: Listener) -> None:
        self._inventory = inventory
        self._clock = clock
        self._choices = choices
        self._tell = tell
        self._left = appendix_c(inventory, choices)
        self._begun = False
        self._transports: dict[Role, Transport] = {}

    def work(self) -> Outcome:
        """Type what is left to type, to the end."""
        if self._begun and self._choices.rerun_configure:
            self._left = [*Appendix(self._inventory, self._choices).c4_configure_drbd(), *self._left]
        self._begun = True
        try:
            while self._left:
                self._step()
        finally:
            for transport in self._transports.values():
                transport.close()
            self._transports.clear()
        return Outcome("completed", 0, LAST_WORDS)

    def type_line(self, host: Role, line: str) -> None:
        """One more line, that no text has."""
        self._send(host, self._command(Typed("c8-start", host, line)))
        self._transports.pop(host).close()

    def _step(self) -> None:
        """The lines of one step of the text."""
        step = self._left[0].step
        self._tell(Event("acting", step, ""))
        while self._left and self._left[0].step == step:
            self._do(self._left[0])
            self._left.pop(0)
            self._clock.sleep(_PACE_S)
        self._tell(Event("acted", step, ""))
        self._tell(Event("done", step, ""))

    def _do(self, line: Line) -> None:
        match line:
            case Typed(until=None):
                self._send(line.host, self._command(line))
            case Typed():
                self._watch(line)
            case Edited(host=host, path=path, change=change):
                before = self._read(host, path)
                self._send(host, PutFile(path, change(before).encode("utf-8", "surrogateescape")))
            case Copied(path=path):
                content = self._read("original", path)
                self._send("additional", PutFile(path, content.encode("utf-8", "surrogateescape")))

    def _watch(self, line: Typed) -> None:
        """Type it until it says what the text waits for. A program that is not there will not say it."""
        deadline = self._clock.now() + line.patience_s
        while True:
            answer = self._send(line.host, self._command(line))
            if answer is not None and (answer.exit_status == _NOT_FOUND or (line.until and line.until(answer.text))):
                return
            if self._clock.now() >= deadline:
                return
            self._clock.sleep(_LOOK_AGAIN_S)

    def _command(self, line: Typed) -> Command:
        """As an argument list; only a star needs the host's shell."""
        words = tuple(shlex.split(line.line))
        if words[0].startswith(_CLOUD_PROGRAMS):
            return Cloud(self._inventory.settings.eucarc).command(words, line.effect)
        argv = ("sh", "-c", line.line) if "*" in line.line else words
        return Command(argv, line.effect, timeout_s=_LINE_S)

    def _read(self, host: Role, path: str) -> str:
        """What an editor shows; a file that is not there is an empty one."""
        answer = self._send(host, Command(("cat", path)))
        return answer.text if answer is not None and answer.ok else ""

    def _send(self, host: Role, request: Request) -> Result | None:
        """The answer, or None when there was none."""
        if host not in self._transports:
            node = {one.role: one for one in self._inventory.nodes()}[host]
            self._transports[host] = node.connection.open(node.name)
        with contextlib.suppress(HostError):
            answer = self._transports[host].send(request)
            return answer if isinstance(answer, Result) else None
        return None
