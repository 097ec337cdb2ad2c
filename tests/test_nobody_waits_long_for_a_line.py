"""Where there is no terminal a line comes at least every half minute; on one, as its readers want it."""

from __future__ import annotations

import io
import time

import pytest

from harness.console import HEARTBEAT_S, Console
from harness.migration.engine import Event
from harness.migration.site import Progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _wait_for(stream: io.StringIO, text: str) -> str:
    deadline = time.monotonic() + 10
    while text not in stream.getvalue() and time.monotonic() < deadline:
        time.sleep(0.01)
    return stream.getvalue()


def test_a_request_that_takes_long_is_no_silence() -> None:
    stream = io.StringIO()
    console = Console(stream, heartbeat_s=0.1)
    console.event(Event("acting", "stage-store", "Copy the store"))
    console.beat()
    try:
        assert "stage-store          at work since" in _wait_for(stream, "at work since")
    finally:
        console.rest()
    assert HEARTBEAT_S <= 30


def test_whoever_speaks_needs_no_heartbeat() -> None:
    stream = io.StringIO()
    console = Console(stream, heartbeat_s=3.0)
    console.beat()
    try:
        for _ in range(20):
            console.event(Event("done", "commit", "Commit"))
            time.sleep(0.05)
    finally:
        console.rest()
    assert "at work since" not in stream.getvalue()


def test_a_terminal_has_its_line_renewed_unless_it_is_to_be_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    progress = Progress("stage-store", "half of it", 0.5)
    live, plain, dumb = _Terminal(), _Terminal(), _Terminal()
    Console(live).progress(progress)
    assert live.getvalue().startswith("\r\x1b[K")
    Console(plain, plain=True).event(Event("done", "commit", "Commit"))
    monkeypatch.setenv("TERM", "dumb")
    Console(dumb).event(Event("done", "commit", "Commit"))
    for stream in (plain, dumb):
        assert "\x1b" not in stream.getvalue()
        assert "\r" not in stream.getvalue()
        assert stream.getvalue().endswith("Commit\n")


def test_there_is_no_colour() -> None:
    stream = _Terminal()
    for kind in ("acting", "done", "satisfied", "waiting", "undoing", "completed"):
        Console(stream).event(Event(kind, "commit", "Commit"))
    assert "\x1b[3" not in stream.getvalue(), "NO_COLOR has nothing to switch off"
