"""A browser that opens a page and tells on it: what it wrote to its console, what it asked the network for."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CHROMIUM = "chromium"
_PAGE_S = 120.0
_LOOK_MS = 3000  # of the page's own time, in which its scripts and pictures would come
# Chromium looks for updates, dictionaries and the time on its own; none of that may leave this machine, and none of it
# is the page's doing.
_ALONE = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
needs_chromium = pytest.mark.skipif(
    not shutil.which(CHROMIUM), reason="not installed here: chromium (images/install chromium)"
)


@dataclass
class Seen:
    """What came of a page. ``asked`` counts the connections to the trap whose address stands in the page."""

    dom: str
    console: list[str]
    asked: int


@dataclass
class Trap:
    """A listener on this machine; whoever follows an address in the page comes here."""

    port: int
    asked: int = 0
    _closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@contextlib.contextmanager
def trap() -> Iterator[Trap]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        laid = Trap(listener.getsockname()[1])

        def count() -> None:
            while not laid._closing.is_set():
                with contextlib.suppress(TimeoutError):
                    listener.accept()[0].close()
                    laid.asked += 1

        counting = threading.Thread(target=count)
        counting.start()
        try:
            yield laid
        finally:
            laid._closing.set()
            counting.join()


def look(page: Path, profile: Path, laid: Trap) -> Seen:
    """Open the page and let it do what it can for a while."""
    done = subprocess.run(
        [CHROMIUM, *_ALONE, f"--user-data-dir={profile}", "--enable-logging=stderr",
         f"--virtual-time-budget={_LOOK_MS}", "--dump-dom", page.as_uri()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_PAGE_S,
        check=True,
    )  # fmt: skip
    said = done.stderr.decode(errors="replace")
    return Seen(done.stdout.decode(errors="replace"), re.findall(r"CONSOLE[^\n]*", said), laid.asked)


def screenshot(page: Path, profile: Path, width: int, to: Path) -> None:
    """The page as it looks at a width in pixels."""
    subprocess.run(
        [CHROMIUM, *_ALONE, f"--user-data-dir={profile}", "--hide-scrollbars", f"--window-size={width},1400",
         f"--screenshot={to}", page.as_uri()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_PAGE_S,
        check=True,
    )  # fmt: skip
