"""One trial of a sweep from its first attempt to its end: run the engine again until the move is done, then judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harness.errors import CommandFailed, Indeterminate, LabError, Unreachable, WalrusHaError
from harness.hosts.command import Request
from harness.labs.lab import ADDITIONAL, ORIGINAL, Opened
from harness.labs.simulated_shapes import Names, Shape, digest
from harness.labs.simulated_state import WorldState
from harness.migration.engine import Event
from harness.migration.outcome import Outcome
from harness.migration.run import Listeners
from harness.migration.site import Progress
from harness.trials.strikes import EngineKilled
from harness.trials.sweep.conductor import RESTART_S, Conductor, TappedClock, patience_s
from harness.trials.sweep.last_words import LastWords
from harness.trials.sweep.monitors import Monitors
from harness.trials.sweep.notebook import KeptMigration, Notebook
from harness.trials.sweep.places import Lines, handlers_above, lines_above, standing_above, tell_apart, way_above
from harness.trials.sweep.points import NOWHERE, Whereabouts
from harness.trials.sweep.states import States
from harness.trials.sweep.undertaking import THE_MOVE, Undertaking

RUN_ID = "sweep"
MOST_ATTEMPTS = 6
_BUDGET_S = 4 * 3600.0  # of virtual time, for a whole trial
_HEAL_S = 60.0  # the cloud has found its peace by then
_SETTLE_S = 120.0  # for the cloud to elect after a power cut
_SILENCES = (Unreachable.__name__, Indeterminate.__name__)  # of a host that had not begun, and of one that may have


class Told(NamedTuple):
    """What came out of a trial."""

    broken: tuple[str, ...]  # what did not hold, each with its invariant's name
    unknown: tuple[str, ...]  # what could not be judged, and why
    outcomes: tuple[str, ...]  # of the attempts, in order
    final: str  # the digest of the final state; "" when the rest was known already
    commands: int


class Remainder(NamedTuple):
    """What is known of the rest of a story."""

    broken: tuple[str, ...]
    unknown: tuple[str, ...]
    final: str


class Head(NamedTuple):
    """A state that a story passed, and what had been said and counted before it."""

    key: str
    broken: int
    unknown: int
    cells: int


@dataclass
class Known:
    """States from which the rest of the story is known, by their digest."""

    remainders: dict[str, Remainder] = field(default_factory=dict)
    rests: dict[str, int] = field(default_factory=dict)  # points for a second crash from here on, all of them run
    places: set[str] = field(default_factory=set)  # where a second crash was tried already
    files: dict[str, frozenset[str]] = field(default_factory=dict)  # what lay on each host before the first attempt
    end_enabled: list[str] = field(default_factory=list)
    end: dict[str, Shape] = field(default_factory=dict)  # and after the run without faults

    def copy(self) -> Known:
        """The same, to be added to."""
        mine = (dict(self.remainders), dict(self.rests), set(self.places))
        return Known(*mine, self.files, self.end_enabled, self.end)

    def add(self, more: Known) -> None:
        """What others learned; where both know, the older knowledge stays."""
        self.remainders = {**more.remainders, **self.remainders}
        self.rests = {**more.rests, **self.rests}
        self.places |= more.places

    def learn(self, heads: Sequence[Head], told: Told, cells: int | None) -> None:
        """A story that passed these heads came to this; with ``cells`` second crashes were tried all along."""
        for head in heads:
            rest = Remainder(told.broken[head.broken :], told.unknown[head.unknown :], told.final)
            self.remainders.setdefault(head.key, rest)
            if cells is not None:
                self.rests.setdefault(head.key, cells - head.cells)


@dataclass
class Story:
    """A trial under way."""

    opened: Opened
    known: Known
    undertaking: Undertaking = THE_MOVE
    conductor: Conductor = field(init=False)
    met: Callable[[str], None] = lambda key: None  # told of each state; it need not return
    heads: list[Head] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    _migration: KeptMigration | None = None
    _undoing: str = ""  # the step whose undoing began last in this attempt
    _undone: bool = True  # those before it are finished
    _unmodelled: int = 0  # calls that no fake models and that are in ``unknown``
    _waits_at: tuple[int, Lines] = (0, ())  # after how many changes, and where, the last wait began

    def __post_init__(self) -> None:
        state = self.opened.state
        assert isinstance(state, WorldState), "a sweep needs a lab whose states can be compared"
        self.state = state
        notebook = Notebook()
        self.monitors = Monitors(state, self.opened.inventory.original.name)
        self.undertaking.prepare(self.opened, state, self.monitors, notebook, RUN_ID)
        self.conductor = Conductor(self.opened, state, self.monitors, notebook)
        self._states = States(state, self.conductor, self.opened.clock)
        self.conductor.at_claim = self._at_claim
        self.conductor.at_wait = self._at_wait
        self.conductor.whereabouts = self._whereabouts

    @property
    def notebook(self) -> Notebook:
        return self.conductor.notebook

    # The story

    def tell(self) -> Told:
        """Run the engine, and run it again, until the move is done; then judge the end."""
        for _ in range(MOST_ATTEMPTS):
            self._pass_head("attempt", attempt_head=True)
            outcome = self._attempt()
            self.outcomes.append(outcome.outcome)
            if outcome.outcome in self.undertaking.done:
                break
            self.monitors.broken += LastWords(self.opened, self.state, self.known.files).broken_by(outcome)
            self._heal(outcome)
        else:
            self.monitors.broken.append(f"I10: not done after {MOST_ATTEMPTS} attempts: {' '.join(self.outcomes)}")
        if self.conductor.pending or self.state.resyncing():
            self._settle()
        if self.opened.clock.now() > _BUDGET_S:
            self.monitors.broken.append(f"I10: it took {self.opened.clock.now():.0f} s of virtual time")
        final = self._final()
        return self.told(final)

    def told(self, final: str) -> Told:
        broken, unknown = tuple(self.monitors.broken), tuple(self._unknown())
        return Told(broken, unknown, tuple(self.outcomes), final, self.conductor.commands)

    def _unknown(self) -> list[str]:
        """What could not be judged so far, in order: calls that no fake models, and what its known rest lacked."""
        fresh = self.state.unsupported()[self._unmodelled :]
        self._unmodelled += len(fresh)
        self.unknown += fresh
        return self.unknown

    def _attempt(self) -> Outcome:
        conductor = self.conductor
        conductor.attempt += 1
        conductor.sent = 0
        conductor.step = ""
        self._undoing, self._undone = "", True
        listeners = Listeners(self._on_event, self._on_progress)
        self._migration = KeptMigration(
            conductor.tapped(), self.notebook, TappedClock(self.opened.clock, conductor), listeners, RUN_ID
        )
        try:
            return self.undertaking.give(self._migration)
        except EngineKilled:
            return Outcome("killed", -1, "")
        except WalrusHaError as error:
            return Outcome("operator_needed", error.exit_status, str(error))

    def _heal(self, outcome: Outcome) -> None:
        """A dead engine is started again soon; for one that stopped, somebody first mends what was broken."""
        self.opened.clock.sleep(RESTART_S)
        if outcome.outcome != "killed":
            self._settle()

    def _settle(self) -> None:
        """What was broken is mended, and the cloud and DRBD find their peace."""
        while self.conductor.pending:
            self.opened.clock.sleep(1.0)
        self.opened.clock.sleep(_HEAL_S)

    # States that are known

    def _on_event(self, event: Event) -> None:
        if event.kind == "undoing":
            self._pass_undoing(event.step)
        if event.kind in ("acting", "undoing"):
            self.conductor.step = event.step
        elif event.kind in ("done", "satisfied"):
            self.conductor.step = ""
        if event.kind == "satisfied":
            self._pass_head(event.step)
        if event.kind == "waiting" and not event.step:
            self._pass_trouble(event.text)

    def _on_progress(self, progress: Progress) -> None:
        """A part of a step begins. What takes steps back knows more than the part says: which hosts are away."""
        if progress.rests_on is not None and not self._undoing:
            self._pass_head(f"part {progress.step} {progress.what} {progress.rests_on} {self.lines(2)}")

    def _pass_undoing(self, step: str) -> None:
        """A rollback knows its plan and its memory, and which undoings of this attempt it left unfinished.

        While there is none of those, it does not matter what failed; the reason is only for the last words.
        """
        memory = self.notebook.memory(self.opened.clock)
        self._undone = self._undone and (not self._undoing or memory.undone(self._undoing))
        self._undoing = step
        if self._undone:
            self._pass_head(f"undo {step}")

    def _pass_trouble(self, text: str) -> None:
        """An error came through to the engine's loop: of it the last words may name the host."""
        host = text.partition(":")[0]
        if host in self.state.epochs():
            self._pass_head(f"trouble of {host} at {self.lines(2)}")

    def _at_wait(self) -> None:
        """A wait begins after a fault: it counts from now, so it knows what its functions have, and the world."""
        conductor = self.conductor
        if not conductor.struck:
            return
        here = (conductor.changes, self.lines(3))
        if here != self._waits_at:
            self._waits_at = here
            self._pass_head(f"wait {standing_above(Story._attempt.__code__, 2)}")

    def _at_claim(self) -> None:
        """A walk begins: from here on a running engine knows no more than one that is started now."""
        memory = self.notebook.memory(self.opened.clock)
        if self.conductor.struck and memory.began and not memory.rolled_back and not memory.completed:
            self._pass_head("attempt", attempt_head=True)

    def _whereabouts(self, role: str, request: Request) -> Whereabouts:
        """Names for where the engine is: its text on the stack, the world and what is being sent."""
        state = self.key("attempt", attempt_head=True)
        if state is None:
            return NOWHERE
        place = digest((state, self.lines(3), role, repr(request)))
        way = digest((state, self.way(3), role, patience_s(request)))
        return Whereabouts(place, way, self.takes_alike(3))

    @staticmethod
    def takes_alike(skipped: int) -> bool:
        """No function on the engine's stack tells an error that says that nothing was begun from one that is unsure."""
        return not tell_apart(Story._attempt.__code__, skipped + 1, *_SILENCES)

    @staticmethod
    def lines(skipped: int) -> Lines:
        """The engine's lines on the stack."""
        return lines_above(Story._attempt.__code__, skipped + 1)

    @staticmethod
    def handlers(skipped: int) -> Lines:
        """What on the engine's stack would handle an error."""
        return handlers_above(Story._attempt.__code__, skipped + 1)

    @staticmethod
    def way(skipped: int) -> Lines:
        """The way that an error takes through the engine."""
        return way_above(Story._attempt.__code__, skipped + 1)

    def _pass_head(self, position: str, attempt_head: bool = False) -> None:
        """Note the state; when the rest of the story is known from here, say so."""
        key = self.key(position, attempt_head)
        if key is None:
            return
        self.met(key)
        self._note(key)

    def _note(self, key: str) -> None:
        self.heads.append(Head(key, len(self.monitors.broken), len(self._unknown()), self.conductor.cells))

    def key(self, position: str, attempt_head: bool = False) -> str | None:
        """The name of the present state; None while something is under way by itself."""
        return self._states.name(position, () if attempt_head or self._migration is None else self._held())

    def _held(self) -> Shape:
        """Whether the running engine holds each host under the epoch that is granted there, and what it just saw."""
        assert self._migration is not None
        engine = self._migration.engine
        if engine is None:
            return ()
        epochs, site = self.state.epochs(), engine.site
        held = tuple(host.fence is not None and host.fence.epoch == epochs[host.name] for host in site.hosts)
        return held, tuple(site.memory.just_seen())

    # Judging

    def _final(self) -> str:
        """The final state's digest, after it was judged unless that is known already."""
        parts = self.state.parts(Names())
        final = digest(tuple(parts.items()))
        key = f"end {final}"
        remainder = self.known.remainders.get(key)
        if remainder is not None:
            self.monitors.broken += remainder.broken
            self._unknown().extend(remainder.unknown)
            return final
        self._note(key)
        self.conductor.rest()
        self._compare(self.state.observed())
        if self.outcomes and self.outcomes[-1] in self.undertaking.done:
            try:
                self._judge_rerun()
                self._judge_power_cut()
            except (LabError, CommandFailed) as error:
                self.monitors.broken.append(f"I8: {error}")
        return final

    def _compare(self, parts: dict[str, Shape]) -> None:
        """The same end as without faults."""
        if not self.known.end:
            self.known.end = parts
            self.known.end_enabled = self.state.enabled()
        unlike = [part for part, shape in parts.items() if self.known.end.get(part) != shape]
        if unlike and self.state.enabled() == self.known.end_enabled:
            self.monitors.broken.append(f"I11: the end differs from the one without faults: {', '.join(unlike)}")

    def _judge_rerun(self) -> None:
        """Running again after success changes nothing."""
        before = self.state.parts(Names())
        outcome = self._attempt()
        after = self.state.parts(Names())
        unlike = [part for part in before if before[part] != after[part]]
        if outcome.outcome != self.undertaking.done_already or unlike:
            said = f"{outcome.outcome}, changed: {', '.join(unlike) or 'nothing'}; {outcome.message}"
            self.monitors.broken.append(f"I12: run again after success it ended {said}")

    def _judge_power_cut(self) -> None:
        """Success is there to stay: both lose power at once, come back, serve the store; and so does the other side."""
        doors, clock = self.opened.faults, self.opened.clock
        for role in (ORIGINAL, ADDITIONAL):
            doors.power_off(role)
        if not self.state.copies.complete()["after a power cut"]:
            self.monitors.broken.append("I8: no complete copy is left after both lost power")
        clock.sleep(RESTART_S)
        for role in (ORIGINAL, ADDITIONAL):
            doors.power_on(role)
        self.monitors.look()
        clock.sleep(_SETTLE_S)
        self._judge_serving("after both lost power")
        if self.undertaking.is_the_move:
            self._judge_switchover()

    def _judge_serving(self, when: str) -> None:
        """One Walrus is ENABLED, and what it serves is the store."""
        enabled = self.state.enabled()
        if len(enabled) != 1:
            self.monitors.broken.append(f"I8: {when} {' and '.join(enabled) or 'no Walrus'} is ENABLED")
        elif not self.state.copies.holds_store_at(enabled[0]):
            self.monitors.broken.append(f"I8: {when} the {enabled[0]} does not serve the store")

    def _judge_switchover(self) -> None:
        """The other side, promoted, holds the store as well."""
        enabled = self.state.enabled()
        idle = ADDITIONAL if enabled == [ORIGINAL] else ORIGINAL
        manifest = self.opened.truth.read_replica()
        if manifest.error is not None or not self.state.copies.holds_store_at(idle):
            self.monitors.broken.append(f"I8: the {idle}, promoted, does not hold the store: {manifest.error or ''}")
