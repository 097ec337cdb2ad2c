"""A host as the engine uses it: a transport, a clock and a fence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from harness.clock import Clock
from harness.errors import CommandFailed, StepBlocked, TimedOut, Unproven
from harness.hosts.command import (
    AskHolder,
    AskRecord,
    Claim,
    Command,
    ContinueJob,
    Effect,
    Fence,
    JobReport,
    KeepRecord,
    PauseJob,
    PollJob,
    PutFile,
    Result,
    StartJob,
    StopJob,
)
from harness.hosts.proof import Claim as Provable
from harness.hosts.proof import Proof, refused, take
from harness.hosts.transport import Transport

Found = TypeVar("Found")


class Reader:
    """A host that can only be looked at: READ commands pass, anything else is a programming error."""

    def __init__(self, name: str, transport: Transport, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.transport = transport

    def ask(self, command: Command) -> Result:
        """Run a READ command and return its answer whatever the exit status."""
        if command.effect is not Effect.READ:
            raise PermissionError(f"{self.name}: `{command}` is {command.effect.value}, this host can only be read")
        answer = self.transport.send(command)
        assert isinstance(answer, Result)
        return answer

    def read(self, command: Command) -> Result:
        """Run a READ command that is expected to succeed.

        Raises:
            CommandFailed: when its exit status is not 0.
        """
        result = self.ask(command)
        if not result.ok:
            raise CommandFailed(self.name, str(command), result)
        return result

    def poll(self, job_id: str) -> JobReport:
        """How the detached job is doing."""
        answer = self.transport.send(PollJob(job_id))
        assert isinstance(answer, JobReport)
        return answer

    def holder(self) -> Fence:
        """The epoch that this host has granted, and to which run."""
        answer = self.transport.send(AskHolder())
        assert isinstance(answer, Fence)
        return answer

    def record(self, name: str) -> bytes | None:
        """What a run keeps on this host under a name, None when nothing is.

        Raises:
            CommandFailed: it is there and cannot be read.
        """
        answer = self.transport.send(request := AskRecord(name))
        assert isinstance(answer, Result)
        if answer.exit_status > 1:
            raise CommandFailed(self.name, str(request), answer)
        return answer.stdout if answer.ok else None

    def wait_until(
        self, condition: Callable[[], Found | None], within_s: float, reason: str, every_s: float = 0.5
    ) -> Found:
        """Wait for ``condition`` to return something, looking again every ``every_s`` seconds.

        Raises:
            TimedOut: after ``within_s`` seconds; ``reason`` says what was awaited.
        """
        return wait_until(self.clock, condition, within_s, f"{self.name}: {reason}", every_s)


class Host(Reader):
    """A host that may also be changed, under the fence of the run that claimed it.

    What destroys demands a ``Proof`` besides, which only ``prove`` makes; see harness.hosts.proof.
    """

    def __init__(self, name: str, transport: Transport, clock: Clock, fence: Fence | None = None) -> None:
        super().__init__(name, transport, clock)
        self.fence = fence
        self.before_change: Callable[[], None] = lambda: None  # told before each change, which waits for it
        self._asked = 0  # how often it was looked at
        self._changes = 0  # how often something was sent that may change it

    def ask(self, command: Command) -> Result:
        self._asked += 1
        return super().ask(command)

    def prove(self, claim: Provable, command: Command) -> Proof:
        """See that the claim holds here now: the proof that ``command``, and nothing else, consumes next.

        Raises:
            StepBlocked: the claim does not hold; says what was found.
            Unproven: nothing on this host was looked at for it.
        """
        self._required_fence()
        changes, asked = self._changes, self._asked
        if found := claim.denied(self):
            raise StepBlocked(found)
        if self._asked == asked:
            raise Unproven(f"{self.name}: that {claim} was believed; it asked {self.name} nothing")
        return take(self, claim, command, changes)

    def attempt(self, command: Command, proof: Proof | None = None) -> Result:
        """Run any command under the fence and return its answer whatever the exit status."""
        answer = self.transport.send(command, self._allowed(command, proof))
        assert isinstance(answer, Result)
        return answer

    def run(self, command: Command, proof: Proof | None = None) -> Result:
        """Run any command under the fence; it must succeed.

        Raises:
            CommandFailed: when its exit status is not 0.
        """
        result = self.attempt(command, proof)
        if not result.ok:
            raise CommandFailed(self.name, str(command), result)
        return result

    def put(self, path: str, content: bytes, mode: int | None = None) -> None:
        """Replace a file as a whole, durably."""
        self.transport.send(PutFile(path, content, mode), self._change())

    def start(self, job_id: str, command: Command, proof: Proof | None = None) -> None:
        """Start a detached job; the same id is started once."""
        self.transport.send(StartJob(job_id, command), self._allowed(command, proof) or self._change())

    def stop_job(self, job_id: str) -> None:
        """End a detached job with all its processes, if it runs."""
        self.transport.send(StopJob(job_id), self._change())

    def pause_job(self, job_id: str) -> None:
        """Let a detached job stand still with all its processes, if it runs."""
        self.transport.send(PauseJob(job_id), self._change())

    def continue_job(self, job_id: str) -> None:
        """Let a paused job go on."""
        self.transport.send(ContinueJob(job_id), self._change())

    def keep_record(self, name: str, content: bytes, offset: int = 0) -> None:
        """Keep bytes under a name beside the host's epoch; no change that anybody else sees."""
        self.transport.send(KeepRecord(name, content, offset), self._granted())

    def claim(self, fence: Fence, takes_over: str | None = None) -> None:
        """Raise this host's epoch and work under it from now on, instead of the run that ``takes_over`` names."""
        self.transport.send(Claim(fence, takes_over=takes_over))
        self.fence = fence

    def release(self) -> None:
        """Give the host back; its epoch stays as high as it is."""
        self.transport.send(Claim(self._required_fence(), release=True))

    def require_claimed(self) -> None:
        """The host is still the one that was claimed.

        Raises:
            Fenced: another run took over.
            Rebooted: it rebooted since.
        """
        self.transport.send(AskHolder(), self._granted())

    def _allowed(self, command: Command, proof: Proof | None) -> Fence | None:
        """The fence to send a command under, None for one that only reads. What destroys uses its proof up.

        Raises:
            Unproven: it destroys, and the proof is missing or no good.
        """
        if command.effect is Effect.READ:
            return None
        if command.effect is Effect.DESTROY:
            if proof is None:
                raise refused(self, command, "nothing was proven for it")
            proof.consume(self, command, self._changes)
        return self._change()

    def _change(self) -> Fence:
        """The fence of a request that may change the host; every proof taken before is void from here on."""
        fence = self._required_fence()
        self._changes += 1
        return fence

    def _required_fence(self) -> Fence:
        """The fence of a change that is about to be sent."""
        fence = self._granted()
        self.before_change()
        return fence

    def _granted(self) -> Fence:
        if self.fence is None:
            raise PermissionError(f"{self.name}: nothing may be changed before the host is claimed")
        return self.fence


def wait_until(
    clock: Clock, condition: Callable[[], Found | None], within_s: float, reason: str, every_s: float = 0.5
) -> Found:
    """Wait for ``condition`` to return something other than None or False; see Reader.wait_until."""
    deadline = clock.now() + within_s
    while True:
        found = condition()
        if found:
            return found
        left = deadline - clock.now()
        if left <= 0:
            raise TimedOut(f"waited {within_s:g} s: {reason}")
        clock.sleep(min(every_s, left))
