"""What a fake program is: a function from a call and a machine to a reply."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fakes.machine import Machine


@dataclass(frozen=True)
class Call:
    """One invocation. Arguments carry bytes that are not UTF-8 as surrogate escapes."""

    argv: tuple[str, ...]  # argv[0] is the program's name without a directory
    stdin: bytes = b""
    user: str = "root"


@dataclass(frozen=True)
class Reply:
    """What the invocation printed and returned."""

    exit_status: int = 0
    stdout: bytes = b""
    stderr: bytes = b""


class UnsupportedInvocation(Exception):
    """The call is not modelled. It never succeeds by default: the trial becomes INCONCLUSIVE."""


# A program that takes time yields the seconds until its next visible effect; see Machine.now.
Slow = Generator[float, None, Reply]
Program = Callable[[Call, "Machine"], "Reply | Slow"]


def go_on(steps: Slow) -> float | Reply:
    """Go on with a program that takes time: the seconds that it lets pass next, or its reply when it has ended."""
    try:
        return next(steps)
    except StopIteration as ended:
        reply: Reply = ended.value
        return reply
