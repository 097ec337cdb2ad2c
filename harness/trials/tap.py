"""Transports with a tap: what the engine sends is recorded, and answers can be lost, delayed or replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from harness.clock import Clock
from harness.errors import CommandFailed, Indeterminate, WalrusHaError
from harness.evidence import EffectName, Sent
from harness.hosts.command import (
    Answer,
    Command,
    Effect,
    Fence,
    JobReport,
    JobStatus,
    PollJob,
    Request,
    Result,
    StartJob,
    effect_of,
    wire_digest,
)
from harness.hosts.transport import Connection, Transport
from harness.trials.fault_kinds import FailCommand, HangCommand, LoseReply, LyingExit

_LONGEST_HANG_S = 3.0
_NO_EFFECT = ("true",)
_EFFECTS: dict[Effect, EffectName] = {
    Effect.READ: "read",
    Effect.WRITE: "write",
    Effect.DESTROY: "destroy",
}

Proceed = Callable[[], Answer]
CommandFaults = FailCommand | HangCommand | LoseReply | LyingExit


class Watcher(Protocol):
    """Who is asked about each request, and told of each answer."""

    step: str
    attempt: int
    sent: list[Sent]

    def before_send(self, role: str, request: Request) -> None: ...
    def after_send(self, role: str, request: Request) -> None: ...
    def hit(self, role: str, request: Request) -> CommandFaults | None:
        """The fault that this very request meets, if any."""
        ...

    def proven(self, fault: CommandFaults, detail: str) -> None: ...
    def truncate(self, fault: LyingExit) -> None:
        """Do to an object what the program is to have done to it."""
        ...


@dataclass(frozen=True)
class TappedConnection:
    """A connection whose transports are tapped."""

    inner: Connection
    role: str
    watcher: Watcher
    clock: Clock

    def open(self, name: str) -> Transport:
        return _Tap(self.inner.open(name), name, self.role, self.watcher, self.clock)

    def describe(self) -> str:
        return self.inner.describe()

    def weakness(self) -> str | None:
        return self.inner.weakness()


class _Tap:
    def __init__(self, inner: Transport, name: str, role: str, watcher: Watcher, clock: Clock) -> None:
        self._inner = inner
        self._name = name
        self._role = role
        self._watcher = watcher
        self._clock = clock
        self._truncating: dict[str, LyingExit] = {}  # jobs whose end is awaited to truncate what they made

    def send(self, request: Request, fence: Fence | None = None) -> Answer:
        self._watcher.before_send(self._role, request)
        fault = self._watcher.hit(self._role, request)
        outcome = "died"
        try:
            answer = self._through(request, fence, fault)
            self._truncate_when_done(request, answer)
            outcome = _outcome(answer)
        except WalrusHaError as error:
            outcome = type(error).__name__
            raise
        finally:
            self._record(request, outcome)
        self._watcher.after_send(self._role, request)
        return answer

    def _through(self, request: Request, fence: Fence | None, fault: CommandFaults | None) -> Answer:
        match fault:
            case None:
                return self._inner.send(request, fence)
            case FailCommand(effect=effect, status=status):
                if effect == "after":
                    self._inner.send(request, fence)
                self._watcher.proven(fault, f"`{request}` answered status {status} {effect} its effect")
                return self._failed(request, Result(status, b"", b"failed on purpose\n"))
            case HangCommand(effect=effect):
                if effect == "after":
                    self._inner.send(request, fence)
                self._clock.sleep(min(_LONGEST_HANG_S, request.timeout_s if isinstance(request, Command) else 3.0))
                self._watcher.proven(fault, f"`{request}` hung {effect} its effect")
                raise Indeterminate(self._name, f"`{request}` did not answer in time")
            case LoseReply():
                self._inner.send(request, fence)
                self._watcher.proven(fault, f"`{request}` ran and its reply was dropped")
                raise Indeterminate(self._name, f"the reply to `{request}` was lost")

            case LyingExit(truncates=None):
                self._watcher.proven(fault, f"`{request}` answers status 0 without its effect")
                return self._inner.send(_without_effect(request), fence)
            case LyingExit():
                answer = self._inner.send(request, fence)
                if isinstance(request, StartJob):
                    self._truncating[request.job_id] = fault
                else:
                    self._watcher.truncate(fault)
                return answer

    def _truncate_when_done(self, request: Request, answer: Answer) -> None:
        """Before the engine hears of the job's end."""
        if isinstance(request, PollJob) and isinstance(answer, JobReport) and answer.status is JobStatus.DONE:
            fault = self._truncating.pop(request.job_id, None)
            if fault is not None:
                self._watcher.truncate(fault)

    def _failed(self, request: Request, result: Result) -> Answer:
        if isinstance(request, Command):
            return result
        raise CommandFailed(self._name, str(request), result)

    def _record(self, request: Request, outcome: str) -> None:
        watcher = self._watcher
        effect = _EFFECTS[effect_of(request)]
        watcher.sent.append(
            Sent(
                self._clock.now(),
                watcher.attempt,
                self._name,
                watcher.step,
                str(request),
                effect,
                outcome,
                wire_digest(request),
            )
        )

    def close(self) -> None:
        self._inner.close()


def _without_effect(request: Request) -> Request:
    """The same request for a program that does nothing and says that all went well."""
    match request:
        case Command():
            return replace(request, argv=_NO_EFFECT, stdin=b"")
        case StartJob(command=command):
            return replace(request, command=replace(command, argv=_NO_EFFECT, stdin=b""))
    return request


def _outcome(answer: Answer) -> str:
    match answer:
        case Result(exit_status=status):
            return f"status {status}"
        case JobReport(status=word):
            return word.value
        case _:
            return "done"


def program_of(request: Request) -> tuple[str, ...]:
    """The argument list that a request runs, empty for requests that run none."""
    match request:
        case Command(argv=argv) | StartJob(command=Command(argv=argv)):
            return argv
        case _:
            return ()
