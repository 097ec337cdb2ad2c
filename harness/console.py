"""What an operator sees while it runs: events on standard error, one line each, and a heartbeat."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TextIO

from harness.live import Board, Folder, Screen
from harness.migration.engine import Event
from harness.migration.site import Progress

_PROGRESS_S = 10.0
HEARTBEAT_S = 30.0
_MARKS = {"acting": ">", "done": "+", "satisfied": "=", "waiting": "~", "undoing": "<", "completed": "#"}


class Console:
    """Prints events and progress, and turns the first Ctrl-C into a stop at the next safe point.

    Between two requests every moment is a safe point: the journal is durable and jobs on the hosts go on. A second
    Ctrl-C stops at once.
    """

    def __init__(self, stream: TextIO = sys.stderr, plain: bool = False, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._stream = stream
        self._live = stream.isatty() and not plain and os.environ.get("TERM") != "dumb"
        self._screen: Screen | None = None
        self._said_at = 0.0
        self._at, self._at_since = "", time.monotonic()  # the step that is at work
        self._heartbeat_s = heartbeat_s
        self._resting = threading.Event()
        self._writing = threading.RLock()  # a signal may come while its own thread writes
        self._done: set[str] = set()
        self._interrupted = False

    def show(self, board: Board, folder: Path) -> None:
        """On a terminal keep a board of the run at the bottom, with what its folder tells."""
        if self._live:
            self._screen = Screen(board, self._write, Folder(folder))

    def event(self, event: Event) -> None:
        """One line an event; steps that were just done are not told again as satisfied."""
        self._stop_if_asked()
        if self._screen:
            self._screen.event(event)
        if event.kind == "acted" or (event.kind == "satisfied" and event.step in self._done):
            return
        if event.kind == "done":
            self._done.add(event.step)
        self._at, self._at_since = event.step, time.monotonic()
        self._line(f"{_MARKS.get(event.kind, ' ')} {event.step:<20} {event.text}".rstrip())

    def progress(self, progress: Progress) -> None:
        """On a terminal the line is renewed, elsewhere one is written every now and then."""
        self._stop_if_asked()
        if self._screen:
            return self._screen.progress(progress)
        share = "" if progress.fraction is None else f" {progress.fraction:6.1%}"
        text = f"  {progress.step:<20} {progress.what}{share}"
        now = time.monotonic()
        if self._live:
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()
        elif now - self._said_at >= _PROGRESS_S:
            self._line(text)
        return None

    def _line(self, text: str) -> None:
        self._said_at = time.monotonic()
        stamp = time.strftime("%H:%M:%SZ", time.gmtime())
        if self._screen:
            return self._screen.draw(f"{stamp} {text}\n")
        self._write(f"{chr(13) + chr(27) + '[K' if self._live else ''}{stamp} {text}\n")
        return None

    def _write(self, text: str) -> None:
        with self._writing:
            self._stream.write(text)
            self._stream.flush()

    def beat(self) -> None:
        """Where lines are not renewed, one comes at least every heartbeat, also while one request takes its time."""
        if not self._live:
            self._said_at = time.monotonic()
            threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def rest(self) -> None:
        """Nothing is at work any more."""
        self._resting.set()

    def _beat(self) -> None:
        while not self._resting.wait(self._heartbeat_s / 10):
            now = time.monotonic()
            if now - self._said_at >= self._heartbeat_s * 0.9:
                self._line(f"  {self._at:<20} at work since {now - self._at_since:.0f} s")

    def catch_interrupts(self) -> None:
        signal.signal(signal.SIGINT, self._asked_to_stop)

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._interrupted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._line("  stopping at the next safe point; Ctrl-C again stops at once")

    def _stop_if_asked(self) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
