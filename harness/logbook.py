"""The logbook of a run: how each attempt ended, what was asked of the hosts and answered, and what was ordered.

For people to read, and never for decisions: the run's memory is the journal. It is not flushed record by record, and
when it cannot be written the move goes on without it. No secret and no content of a file is written into it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness import version
from harness.clock import Clock
from harness.errors import WalrusHaError
from harness.hosts.command import Answer, Effect, Fence, JobReport, Request, Result, effect_of
from harness.hosts.transport import Connection, Transport
from harness.inventory import Inventory, Node
from harness.migration.engine import Event
from harness.migration.outcome import Outcome
from harness.migration.run import Listeners, Migration
from harness.private import private
from harness.redaction import redacted

FILE = "log.jsonl"
INTERRUPTED = 130
_MOST_CHARACTERS = 2000  # of a command, and of what it printed
_MOST_LOOKS = 20  # answers to one question in one step, which differ in what was printed


class Logbook:
    """The log of the run that lives in a folder; several processes may add to it."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path = folder / FILE
        self._clock = clock
        self._alone = threading.Lock()  # requests to several hosts are sent at once
        self._looks: dict[tuple[str, str], _Look] = {}  # by host and what it was asked, in the step at work
        self._looks_of = ""
        self._held: list[str] = []  # what was told before the run had a folder: an adoption makes it as a whole
        self.step = ""  # that is at work

    def attempt(self, verb: str, migration: Migration, work: Callable[[], Outcome]) -> Outcome:
        """Do the work of a command on the run, and keep what it asks of the hosts and how it ends."""
        self._listen(migration)
        self._write("attempt", verb=verb, tool=version.described())
        try:
            outcome = work()
        except WalrusHaError as error:
            self._ended("not carried out", error.exit_status, str(error))
            raise
        except KeyboardInterrupt:
            self._ended("interrupted", INTERRUPTED, "Interrupted by its operator; the same command goes on.")
            raise
        self._ended(outcome.outcome, outcome.exit_status, outcome.message)
        return outcome

    def ordered(self, order: str, answer: str) -> None:
        """Keep an order that another terminal gave."""
        self._write("order", order=order, answer=answer)

    def _listen(self, migration: Migration) -> None:
        told = migration.listeners

        def event(event: Event) -> None:
            if event.kind in ("acting", "undoing"):
                self.step = event.step
            elif event.kind in ("done", "satisfied", "completed"):
                self.step = ""
            told.event(event)

        migration.listeners = Listeners(event, told.progress)
        migration.inventory = self._logged(migration.inventory)

    def _logged(self, inventory: Inventory) -> Inventory:
        def logged(node: Node) -> Node:
            return replace(node, connection=LoggedConnection(node.connection, self))

        original, additional, clc = map(logged, inventory.nodes())
        return replace(inventory, original=original, additional=additional, clc=clc)

    def _ended(self, outcome: str, exit_status: int, message: str) -> None:
        self._tell_repeats()
        message = message.replace(" RUN", f" {self._path.parent.name}")
        self._write("ended", outcome=outcome, exit_status=exit_status, message=redacted(message))

    def asked(self, host: str, request: Request, answer: str, output: str = "") -> None:
        """Keep a request and its answer; of a look that is taken again and again in one step the rest is counted."""
        what, effect = redacted(_cut(str(request))), effect_of(request)
        with self._alone:
            if self.step != self._looks_of:
                self._tell_repeats()
                self._looks_of = self.step
            look = self._looks.setdefault((host, what), _Look())
            if effect is Effect.READ and look.is_known(answer, output):
                look.untold += 1
                return
            self._write(
                "request",
                host=host,
                step=self.step,
                request=type(request).__name__,
                what=what,
                effect=effect.value,
                answer=answer,
                output=output,
            )

    def _tell_repeats(self) -> None:
        for (host, what), look in self._looks.items():
            if look.untold:
                self._write("again", host=host, what=what, times=look.untold)
        self._looks.clear()

    def _write(self, kind: str, **told: Any) -> None:
        line = json.dumps({"kind": kind, "date": self._clock.date(), **told}, separators=(",", ":")) + "\n"
        self._held.append(line)
        if not self._path.parent.is_dir():
            return
        waiting, self._held = "".join(self._held), []
        # A full disk stops the journal, which is what counts, and says so.
        with contextlib.suppress(OSError), open(self._path, "ab", buffering=0, opener=private) as file:
            file.write(waiting.encode())


@dataclass
class _Look:
    """What one host said last to one question, how often that was kept, and how often it was not."""

    last: tuple[str, str] | None = None
    kept: int = 0
    untold: int = 0

    def is_known(self, answer: str, output: str) -> bool:
        """Nothing new, or one of so many that a day of waiting would fill the disk."""
        if (answer, output) == self.last or (self.kept >= _MOST_LOOKS and self.last and answer == self.last[0]):
            return True
        self.last, self.kept = (answer, output), self.kept + 1
        return False


@dataclass(frozen=True)
class LoggedConnection:
    """A connection whose requests and answers go into the logbook."""

    inner: Connection
    book: Logbook

    def open(self, name: str) -> Transport:
        return _Logged(self.inner.open(name), name, self.book)

    def describe(self) -> str:
        return self.inner.describe()

    def weakness(self) -> str | None:
        return self.inner.weakness()


class _Logged:
    def __init__(self, inner: Transport, name: str, book: Logbook) -> None:
        self._inner = inner
        self._name = name
        self._book = book

    def send(self, request: Request, fence: Fence | None = None) -> Answer:
        try:
            answer = self._inner.send(request, fence)
        except WalrusHaError as error:
            self._book.asked(self._name, request, f"{error.word()}: {redacted(_cut(str(error)))}")
            raise
        except BaseException:  # an engine that is ended here waits for no answer
            self._book.asked(self._name, request, "its answer was not waited for")
            raise
        self._book.asked(self._name, request, *_told(answer))
        return answer

    def close(self) -> None:
        self._inner.close()


def _told(answer: Answer) -> tuple[str, str]:
    """An answer in a word, and what was printed."""
    match answer:
        case Result(exit_status=status):
            return f"status {status}", _printed(answer)
        case JobReport(status=word, result=None):
            return word.value, ""
        case JobReport(status=word, result=Result(exit_status=status) as result):
            return f"{word.value}, status {status}", _printed(result)
        case Fence(epoch=epoch, run_id=run_id):
            return f"epoch {epoch} of {run_id}", ""
        case _:
            return "done", ""


def _printed(result: Result) -> str:
    """The beginning of what a program printed, without secrets; the whole may be as long as the store has objects."""
    first = next(itertools.chain(result.pieces(), (b"",)))[: 2 * _MOST_CHARACTERS]
    printed = [first, result.stderr[: 2 * _MOST_CHARACTERS]]
    return _cut(redacted("\n".join(part.decode("utf-8", "backslashreplace").strip() for part in printed if part)))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} ..."
