"""Every exception of the harness.

::

    WalrusHaError
    ├── InvalidInput           the caller's file or argument is wrong; nothing was done      exit 2
    ├── Refused                preflight or an interlock says no; nothing was changed        exit 3
    ├── Stopped                the run halted at a safe point and can be resumed             exit 4
    ├── OperatorNeeded         what is true is not known well enough to go on                exit 5
    │   └── JournalDamaged     the run's memory was changed behind its back
    ├── HostError              something between us and one host
    │   ├── Unreachable        no connection was made; the request was not sent
    │   ├── AccessDenied       the host answered and refused us (key, login, sudo)
    │   ├── Indeterminate      the request may or may not have run: inspect, never repeat blindly
    │   ├── CommandFailed      the command ran and its exit status says that it failed
    │   ├── Fenced             the host has granted a newer epoch: another run took over
    │   ├── Held               the host belongs to another run that has not finished
    │   └── Rebooted           the host rebooted since it was claimed; the request did not run
    ├── TimedOut               a bounded wait ended without its condition
    ├── StepBlocked            a step found a state that it must not touch
    ├── Unproven               a destroying command without a fresh proof of its own; it was not sent
    ├── UnexpectedOutput       a program printed what no parser of ours knows
    └── LabError               the laboratory, not the migration, went wrong
        ├── LabUnavailable     this machine cannot offer that lab; says what is missing
        ├── ReplicaRefused     the side that does not serve cannot be promoted or mounted: a finding, not a failure
        └── FaultNotProven     a fault left no receipt that it happened
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.hosts.command import Result


class WalrusHaError(Exception):
    """Base of all errors that this package raises on purpose."""

    exit_status = 5

    @classmethod
    def word(cls) -> str:
        """The name of its page in ``walrus-ha explain``: step-blocked for StepBlocked."""
        return kebab(cls.__name__)


def kebab(name: str) -> str:
    """A class's name as a word for people to type."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with an input file, at a place where an editor can jump to."""

    file: str
    line: int
    column: int
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{hint}"


class InvalidInput(WalrusHaError):
    """The caller's file or argument is wrong; carries every problem at once."""

    exit_status = 2

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class Refused(WalrusHaError):
    """Preflight or an interlock refused; nothing was changed."""

    exit_status = 3


class Stopped(WalrusHaError):
    """The run halted at a safe point and can be resumed."""

    exit_status = 4


class OperatorNeeded(WalrusHaError):
    """What is true is not known well enough to go on without a person."""

    exit_status = 5


class JournalDamaged(OperatorNeeded):
    """A record in the middle of the journal does not match its chain."""


class HostError(WalrusHaError):
    """Something between the engine and one host; ``host`` names it."""

    exit_status = 4

    def __init__(self, host: str, message: str) -> None:
        self.host = host
        super().__init__(f"{host}: {message}")


class Unreachable(HostError):
    """No connection could be made, so the request was not sent."""

    exit_status = 3


class AccessDenied(HostError):
    """The host answered and refused us: host key, login or sudo."""

    exit_status = 3


class Indeterminate(HostError):
    """The request may have run: its reply was lost or it outlived its bound."""


class CommandFailed(HostError):
    """The command ran and its exit status says that it failed."""

    def __init__(self, host: str, what: str, result: Result) -> None:
        self.what = what
        self.result = result
        said = (result.stderr or result.stdout).decode("utf-8", "backslashreplace").strip()
        last = said.splitlines()[-1] if said else "no output"
        super().__init__(host, f"`{what}` ended with status {result.exit_status}: {last}")


class Fenced(HostError):
    """The host has granted a newer epoch; this run must not touch it any more."""

    exit_status = 5


class Held(HostError):
    """The host belongs to another run that has not finished."""

    exit_status = 3


class Rebooted(HostError):
    """The host rebooted since the run claimed it, so what was seen of it counts no more; the request did not run."""


class TimedOut(WalrusHaError):
    """A bounded wait ended without its condition; the message says what was awaited."""

    exit_status = 4


class StepBlocked(WalrusHaError):
    """A step found a state of the world that it must not touch."""

    exit_status = 4


class Unproven(WalrusHaError):
    """An interlock: a command that destroys came without a fresh proof for itself, and was not sent."""

    exit_status = 4


class UnexpectedOutput(WalrusHaError):
    """A program printed what no parser of ours knows; guessing is not allowed."""


class LabError(WalrusHaError):
    """The laboratory, not the migration, went wrong."""


class LabUnavailable(LabError):
    """This machine cannot offer that lab; the message names what is missing and how to get it."""


class ReplicaRefused(LabError):
    """The side that does not serve cannot be promoted or mounted; the message is what the host itself said to that."""


class FaultNotProven(LabError):
    """A fault left no receipt that it really happened."""
