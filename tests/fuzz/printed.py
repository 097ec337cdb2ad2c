"""A host on which every program prints the same."""

from __future__ import annotations

from collections.abc import Callable

from harness.clock import WallClock
from harness.errors import WalrusHaError
from harness.hosts.command import Answer, Fence, Request, Result
from harness.hosts.host import Reader
from tests.fuzz.inputs import FAILED

Row = tuple[Callable[[bytes], object], tuple[type[WalrusHaError], ...]]


class Printed:
    """Answers every request with one result."""

    def __init__(self, given: bytes) -> None:
        failed = given.startswith(FAILED)
        self.result = Result(1, given[1:], given[1:]) if failed else Result(0, given)

    def send(self, request: Request, fence: Fence | None = None) -> Answer:
        return self.result

    def close(self) -> None: ...


_CLOCK = WallClock()


def printed(given: bytes) -> Reader:
    """The host whose programs print ``given``."""
    return Reader("walrus00", Printed(given), _CLOCK)


def text_of(given: bytes) -> str:
    """As ``Result.text`` decodes it."""
    return given.decode("utf-8", "surrogateescape")
