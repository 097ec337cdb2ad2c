"""The only loop: look, note the intent, act, look again."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NoReturn

from harness.errors import (
    CommandFailed,
    Held,
    HostError,
    Indeterminate,
    OperatorNeeded,
    Rebooted,
    StepBlocked,
    Stopped,
    TimedOut,
    Unreachable,
    WalrusHaError,
)
from harness.hosts.command import Fence
from harness.hosts.host import Host, Reader, wait_until
from harness.migration.attention import AbortOrdered
from harness.migration.hooks import Hooks
from harness.migration.mirror import Mirror
from harness.migration.rollback import Rollback
from harness.migration.site import Site, readable
from harness.migration.standstill import EngineStandstill
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState

_WALKS = 12  # how often host trouble may send the engine back to the first step


@dataclass(frozen=True)
class Event:
    """Something an operator may want to see.

    Kinds: satisfied, acting, acted, done, waiting, undoing, completed.
    """

    kind: str
    step: str
    text: str


Listener = Callable[[Event], None]


class StepFailed(WalrusHaError):
    """A step could not reach its state; ``step`` names it."""

    def __init__(self, step: Step, why: str) -> None:
        self.step = step
        super().__init__(f"{step.name}: {why}")


class Engine:
    """Walks a plan on a site until every step is satisfied, or takes back what it did."""

    def __init__(self, site: Site[Host], plan: Sequence[Step], listener: Listener, mirror: Mirror) -> None:
        self.site = site
        self.mirror = mirror
        self.hooks = Hooks(site, plan)
        self.plan = plan
        self.failed: Step | None = None  # the step that this attempt gave up
        self._tell = listener
        self._eyes: Site[Reader] = readable(site)

    def _say(self, kind: str, step: str, text: str) -> None:
        self._tell(Event(kind, step, text))

    # Looking

    def asked(self) -> list[Step]:
        """The steps whose effect must be there now: those that a later finished step did not end on purpose."""
        memory = self.site.memory
        return [step for step in self.plan if not (step.until and memory.done(step.until))]

    def look(self, step: Step) -> StepState:
        """What the world says of a step; nothing else is believed."""
        return step.inspect(self._eyes)

    def first_pending(self) -> tuple[Step, StepState] | None:
        """The first step that is not satisfied, None when all are. READ commands only."""
        for step in self.asked():
            state = self.look(step)
            if not isinstance(state, Satisfied):
                return step, state
        return None

    # Going forward

    def work(self) -> None:
        """Reach the end of the plan, under the orders of an operator who may want a pause or an end.

        Raises:
            as ``run``.
        """
        try:
            with self.site.clock.holding(EngineStandstill(self.site, self._say)):
                self.run()
        except AbortOrdered as ordered:
            self._end(ordered)
        self.site.control.anew()

    def run(self) -> None:
        """Reach the end of the plan.

        Raises:
            Stopped: halted at a safe point: either rolled back or, after the commit point, resumable.
            OperatorNeeded: what is true is not known well enough.
            Fenced, Held: another run has the hosts.
        """
        for _ in range(_WALKS):
            try:
                self.claim()
                if self.site.memory.rolling_back:
                    self.roll_back("a rollback had begun and is finished first")
                self._walk_or_learn_of_reboot()
                self._finish()
                return
            except Rebooted as trouble:
                self._tell(Event("waiting", "", f"{trouble}; starting over from the first step"))
            except (Unreachable, Indeterminate) as trouble:
                self._wait_for(trouble)
            except StepFailed as failure:
                self._give_up(failure)
        raise Stopped(f"the hosts could not be held long enough: {_WALKS} starts from the first step")

    def _walk_or_learn_of_reboot(self) -> None:
        """Walk the plan; a step that failed because its host came back empty-handed is no verdict on the step.

        Nor is one that failed while the original is away: without it nothing can be taken back either.

        Raises:
            Rebooted: then a new walk brings back what the host lost.
            Unreachable, Indeterminate: the original does not answer.
        """
        try:
            self._walk()
        except StepFailed:
            self.site.original.require_claimed()
            for host in self.site.hosts:
                with contextlib.suppress(Unreachable, Indeterminate):
                    host.require_claimed()
            raise

    def _walk(self) -> None:
        for step in self.plan:
            if step not in self.asked():
                continue
            self.site.clock.attend()
            state = self.look(step)
            if isinstance(state, Blocked):
                raise StepFailed(step, state.reason)
            if isinstance(state, Pending):
                self._act(step, state)
            elif not self.site.memory.done(step.name):
                self.site.memory.note("done", step.name)
            self._tell(Event("satisfied", step.name, step.summary))

    def _act(self, step: Step, state: Pending) -> None:
        self._check_guards(step)
        try:
            self.hooks.before(step, state.why)
        except StepBlocked as veto:
            raise StepFailed(step, str(veto)) from veto
        if not self.site.memory.intended(step.name):
            self.site.memory.note("intent", step.name)
        self._tell(Event("acting", step.name, f"{step.summary} ({state.why})"))
        self.site.clock.attend()  # the last moment at which an abort still takes everything back may be this one
        try:
            step.apply(self.site)
        except (CommandFailed, TimedOut) as error:
            raise StepFailed(step, str(error)) from error
        except (HostError, OperatorNeeded, Stopped):
            raise
        except WalrusHaError as error:
            raise StepFailed(step, str(error)) from error
        self._tell(Event("acted", step.name, ""))
        after = self.look(step)
        if not isinstance(after, Satisfied):
            why = after.reason if isinstance(after, Blocked) else after.why
            raise StepFailed(step, f"acted, and still: {why}")
        self.site.memory.note("done", step.name)
        self._tell(Event("done", step.name, step.summary))
        for trouble in self.hooks.after(step):
            self._tell(Event("waiting", step.name, trouble))

    def _check_guards(self, acting: Step) -> None:
        """What must stay true while others act: a service that came back by itself is found before harm is done."""
        earlier = itertools.takewhile(lambda step: step is not acting, self.asked())
        guards = [step for step in earlier if step.guard]
        said = self.site.clock.together([partial(step.holds, self._eyes) for step in guards])
        for step, broken in zip(guards, said, strict=True):
            if broken:
                raise StepFailed(acting, f"{step.name} no longer holds: {broken}")

    def _finish(self) -> None:
        memory = self.site.memory
        if memory.reversing:  # this ends the run's memory, so the hosts are given back first
            self.release()
            memory.note("reversed")
            self._tell(Event("completed", "", "the original serves the store alone"))
            return
        if not memory.completed:
            memory.note("completed")
        self.release()
        self._tell(Event("completed", "", "the pair serves the store"))

    def release(self) -> None:
        """Give every host back."""
        for host in self.site.hosts:
            host.release()

    # Trouble

    def claim(self, without_absent: bool = False) -> None:
        """Raise the epoch on every host, above all that any of them and this run ever granted.

        ``without_absent`` passes over an additional host that does not answer: taking back must not wait for it.
        """
        memory = self.site.memory
        memory.forget_what_was_seen()
        run_id = memory.run_id
        assert run_id is not None, "a run has a name before it claims anything"
        held = list(self._holders(without_absent))
        self.mirror.require_newest([host for host, _ in held])
        for host, holder in held:
            if holder.run_id not in ("-", *memory.run_ids):
                raise Held(host.name, f"run {holder.run_id} (epoch {holder.epoch}) has not finished here")
        epoch = max([memory.epoch, *(holder.epoch for _, holder in held)]) + 1
        memory.note("epoch", epoch=epoch)
        for host, holder in held:
            former = holder.run_id if holder.run_id not in ("-", run_id) else None
            host.claim(Fence(epoch, run_id), former)

    def _holders(self, without_absent: bool) -> Iterator[tuple[Host, Fence]]:
        for host in self.site.hosts:
            try:
                yield host, host.holder()
            except (Unreachable, Indeterminate):
                if not without_absent or host.name != self.site.additional.name:
                    raise

    def _wait_for(self, trouble: HostError) -> None:
        """A host that stopped answering may come back; what it did meanwhile is seen from the first step on."""
        self._tell(Event("waiting", "", f"{trouble}; waiting for the host to answer"))
        bound = self.site.settings.waits.host_return
        try:
            wait_until(self.site.clock, self._all_answer, bound, f"{trouble.host} to answer again", every_s=1.0)
        except TimedOut as late:
            self._after_loss(trouble, late)

    def _all_answer(self) -> bool:
        try:
            for host in self.site.hosts:
                host.holder()
        except HostError:
            return False
        return True

    def _after_loss(self, trouble: HostError, late: TimedOut) -> NoReturn:
        """A host stays away. Without the additional one, before the commit point, the original serves again."""
        if trouble.host == self.site.additional.name and not self.site.memory.committed:
            self._give_up(StepFailed(self._current(), f"{trouble}; {late}"))
        raise Stopped(f"{trouble}; {late}") from trouble

    def _end(self, ordered: AbortOrdered) -> NoReturn:
        """The operator's abort: before the commit point all is taken back, after it the run halts where it is."""
        self.site.memory.note("stopped", self._current().name, why=str(ordered))
        if not self.site.memory.committed:
            self.roll_back(str(ordered))
        self.site.control.change(lambda orders: replace(orders, abort=False))  # halting is all that can be done
        raise Stopped(f"{ordered}; it is past the commit point, so it halts and the way is forward") from ordered

    def _current(self) -> Step:
        memory = self.site.memory
        open_steps = [step for step in self.plan if memory.intended(step.name) and not memory.done(step.name)]
        return open_steps[-1] if open_steps else self.plan[0]

    def _give_up(self, failure: StepFailed) -> NoReturn:
        """Before the commit point everything is taken back; after it the run halts and says what is true."""
        self.failed = failure.step
        self.site.memory.note("stopped", failure.step.name, why=str(failure))
        if self.site.memory.committed:
            raise Stopped(f"{failure} (past the commit point: the way is forward)") from failure
        self.roll_back(str(failure))

    def roll_back(self, why: str) -> NoReturn:
        """Take back everything in reverse order, look whether it is gone, and end with RolledBack or Stopped."""
        if self.site.original.fence is None:  # a host was lost before any could be claimed
            self.claim(without_absent=True)
        begun = frozenset(step.name for step in self.plan if self.site.memory.intended(step.name))
        reverse = self.site.memory.reversing
        self.mirror.best_effort = True
        rollback = Rollback(self.site, self._eyes, self.plan, self._say)
        for _ in range(_WALKS):
            try:
                with self.site.clock.deaf():
                    raise RolledBack(why, rollback.run(), begun, reverse)
            except Rebooted:
                self.claim(without_absent=True)
        raise Stopped(f"{why}. The hosts could not be held long enough to take the move back")


class RolledBack(Stopped):
    """The move was taken back; ``remains`` lists what could not be, each with its host.

    ``begun`` names the steps that it had come to: once all of them are taken back, the run's memory knows them no more.
    ``reverse`` when it was the reverse move that was taken back.
    """

    def __init__(self, why: str, remains: list[str], begun: frozenset[str], reverse: bool = False) -> None:
        self.why = why
        self.remains = remains
        self.begun = begun
        self.reverse = reverse
        left = f" Not taken back yet: {'; '.join(remains)}." if remains else ""
        what = "The reverse move was taken back." if reverse else "The move was rolled back."
        super().__init__(f"{why}. {what}{left}")
