"""A client of the cloud that goes on reading some objects over HTTP, from whichever Walrus gives them."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.labs.lab import Connect

PORT = 8773
_ANSWER_S, _PAUSE_S = 5.0, 0.1


@dataclass(frozen=True)
class Wanted:
    """An object as a client knows it."""

    key: str  # percent-encoded
    sha256: str


@dataclass(frozen=True)
class Round:
    """One round of reading: when it began and ended, and whether every object came as it should."""

    began: float
    ended: float
    whole: bool


class Client:
    """Reads round after round in a thread of its own, until ``stop``. Every answer is compared with what it must be."""

    def __init__(
        self, connect: Connect, addresses: Sequence[str], wanted: Sequence[Wanted], now: Callable[[], float]
    ) -> None:
        self.rounds: list[Round] = []
        self._connect = connect
        self._addresses = list(addresses)
        self._wanted = list(wanted)
        self._now = now
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read_on, daemon=True)

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(_ANSWER_S * len(self._wanted) * len(self._addresses) + 1)

    def wait_until_whole(self, since: float, within_s: float) -> bool:
        """Wait for a round that began later and found everything; False when there is none in time."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self.rounds and self.rounds[-1].whole and self.rounds[-1].began >= since:
                return True
            time.sleep(_PAUSE_S)
        return False

    def _read_on(self) -> None:
        while not self._ended.is_set():
            began = self._now()
            whole = any(self._reads_all(address) for address in list(self._addresses))
            self.rounds.append(Round(began, self._now(), whole))
            self._ended.wait(_PAUSE_S)

    def _reads_all(self, address: str) -> bool:
        """The host gives every object; it is asked first the next time."""
        if not all(self._reads(address, one) for one in self._wanted):
            return False
        self._addresses.sort(key=lambda one: one != address)
        return True

    def _reads(self, address: str, wanted: Wanted) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(address, PORT)
            connection.sock = self._connect(address, PORT, _ANSWER_S)
            with contextlib.closing(connection):
                connection.request("GET", f"/services/Walrus/{wanted.key}")
                answer = connection.getresponse()
                return answer.status == 200 and hashlib.sha256(answer.read()).hexdigest() == wanted.sha256
        return False


def unread(rounds: Sequence[Round]) -> Iterator[tuple[float, float]]:
    """The spans in which nothing could be read: from the end of the last good round to that of the next one."""
    last, down = rounds[0].began, False
    for one in rounds:
        if one.whole:
            if down:
                yield last, one.ended
            last = one.ended
        down = not one.whole
    if down:
        yield last, rounds[-1].ended
