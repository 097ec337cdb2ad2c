"""A run of the migration from the outside: begin or resume it, look at it, take it back."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.clock import Clock, WallClock
from harness.errors import HostError, OperatorNeeded, Refused, Stopped
from harness.hosts.host import Host
from harness.inventory import Inventory
from harness.migration import words
from harness.migration.adoption import NOBODY, Adoption, Claimable, holders_of, look, require_no_run
from harness.migration.attention import AttentiveClock
from harness.migration.control import Control
from harness.migration.engine import Engine, Event, Listener, RolledBack
from harness.migration.estimate import Estimate, estimate
from harness.migration.facts.collect import Collected, collect
from harness.migration.forecast import Forecast, foresee
from harness.migration.journal import Journal
from harness.migration.memory import Memory
from harness.migration.mirror import Mirror
from harness.migration.outcome import CannotReverse, Outcome, PreflightRefused
from harness.migration.plan import plan_for, reverse
from harness.migration.planned import Plan, differences
from harness.migration.preflight import WAY_BACK, Finding, preflight
from harness.migration.promise import broken, promised
from harness.migration.retire import STEP, Retirement, Target, recorded
from harness.migration.site import Progress, Site, readable
from harness.migration.step import Blocked, Pending, Satisfied, Step
from harness.migration.strangers import require_known
from harness.migration.survey import CANNOT_SEE, Survey, survey
from harness.systems.drbd import dialect


@dataclass(frozen=True)
class Listeners:
    """Who is told while the run goes on."""

    event: Listener = lambda event: None
    progress: Callable[[Progress], None] = lambda progress: None


class Migration:
    """One run, at home in a folder that holds its journal; opening the folder again resumes it.

    ``folder`` is created. ``name_run`` makes the run's id; labs pass one that is the same each time.
    """

    def __init__(
        self,
        inventory: Inventory,
        folder: Path,
        clock: Clock | None = None,
        listeners: Listeners | None = None,
        name_run: Callable[[], str] = lambda: secrets.token_hex(4),
    ) -> None:
        self.inventory = inventory
        self.folder = folder
        self.clock = clock or WallClock()
        self.listeners = listeners or Listeners()
        self._name_run = name_run

    def migrate(self, plan: Plan | None = None, rehearsal: Mapping[str, Any] | None = None) -> Outcome:
        """Begin the move, or go on with it. Never raises for what happens to hosts: the outcome says it.

        With a ``plan`` it begins only where everything that the plan is bound to is as it was. ``rehearsal`` is noted
        in the journal of a move that begins: what it was rehearsed by, or why it was not.
        """
        with self._opened() as engine:
            return words.told(self, engine, lambda: self._migrate(engine, plan, rehearsal or {}))

    def _migrate(self, engine: Engine, plan: Plan | None, rehearsal: Mapping[str, Any]) -> Outcome:
        memory = engine.site.memory
        if plan is not None:
            self._require_unused(memory, plan)
        if memory.reversing:
            self._stay_with_the_pair(engine)
        if memory.completed:
            return self._already_done(engine)
        if not memory.began or memory.rolled_back:
            if plan is not None:
                self._require_as_planned(engine, plan)
            self._require_preflight(engine)
            run_id = memory.run_id or (plan.run if plan else self._name_run())
            bound: dict[str, Any] = {"plan": plan.sha256} if plan else {}
            bound |= {"rehearsal": dict(rehearsal)} if rehearsal else {}
            memory.note("begun", run_id=run_id, promised=promised(self.inventory), **bound)
        elif errors := tuple(broken(self.inventory, memory.promised)):
            raise PreflightRefused(errors)
        else:
            require_known(engine.site.pair, memory)
        engine.work()
        return Outcome("completed", 0, words.completed(engine.site))

    def _stay_with_the_pair(self, engine: Engine) -> None:
        """Take back a reverse move that has not passed its own commit point: whoever migrates wants the pair.

        Raises:
            Refused: it has passed it.
            RolledBack: something of it could not be taken back yet.
        """
        if engine.site.memory.committed:
            raise Refused(words.reverse_must_be_finished(engine.site))
        engine.claim(without_absent=True)
        try:
            engine.roll_back("the move was asked for again")
        except RolledBack as ended:
            if ended.remains:
                raise
        engine.plan = self._plan(engine.site.memory)

    def _already_done(self, engine: Engine) -> Outcome:
        """Running again after success only looks; what is no longer as it was left is for a person to judge."""
        pending = engine.first_pending()
        if pending is None:
            for host in engine.site.hosts:
                holder = host.holder()
                if holder.run_id == engine.site.memory.run_id:
                    engine.claim()
                    host.release()
            return Outcome("completed", 0, words.nothing_to_do(engine.site))
        require_known(engine.site.pair, engine.site.memory)
        step, state = pending
        return Outcome("stopped", 1, words.no_longer(engine.site, step, state))

    def _require_unused(self, memory: Memory, plan: Plan) -> None:
        """A plan is good for one beginning; the run that was begun by it may be gone on with.

        Raises:
            Refused: it was applied already, or the run was begun by something else.
        """
        under_way = memory.began and not memory.rolled_back
        if under_way and not memory.completed and memory.plan == plan.sha256:
            return
        if plan.sha256 in memory.plans:
            raise Refused("this plan was applied already; make another: walrus-ha plan -i INVENTORY -o PLAN")
        if under_way:
            raise Refused("this run was not begun by this plan; go on without it: walrus-ha migrate -i INVENTORY")

    def _require_as_planned(self, engine: Engine, plan: Plan) -> None:
        found = tuple(differences(plan, self._survey(engine), self.inventory.original.name))
        if found:
            raise PreflightRefused(found)

    def _require_preflight(self, engine: Engine) -> None:
        found = preflight(readable(engine.site))
        errors = tuple(finding for finding in found if finding.severity == "error")
        if errors:
            raise PreflightRefused(errors)

    def check(self) -> list[Finding]:
        """All preflight findings; changes nothing."""
        with self._looking() as engine:
            return preflight(readable(engine.site))

    def plan(self) -> list[tuple[str, str, str, str]]:
        """Each step with its name, summary, present state and what would undo it; changes nothing."""
        with self._looking() as engine:
            rows, began, behind = [], engine.site.memory.began, False
            for step in engine.plan:
                asked = step in engine.asked()
                state = engine.look(step) if began and asked else Pending("not begun")
                if behind and not engine.site.memory.done(step.name):
                    state = Pending("comes after a step that is to do, so the present state says nothing of it")
                behind = behind or (asked and not isinstance(state, Satisfied))
                word = {Satisfied: "done", Pending: "to do", Blocked: "blocked"}[type(state)] if asked else "past"
                rows.append((step.name, step.summary, word, step.undo_summary or "nothing to undo"))
            return rows

    def began(self) -> bool:
        """A move of this run is under way or done; changes nothing."""
        with self._looking() as engine:
            memory = engine.site.memory
            return memory.completed or (memory.began and not memory.rolled_back)

    def new_run_id(self) -> str:
        """The name that the next move of this folder will have."""
        with self._looking() as engine:
            return engine.site.memory.run_id or self._name_run()

    def drbd(self) -> str:
        """The generation of DRBD on the pair, such as 8.4; changes nothing.

        Raises:
            Refused: it cannot be seen, the two differ, or Walrus 3.2 works with neither.
        """
        try:
            with self._looking() as engine:
                found = {dialect.dialect_of(dialect.kernel_version(host)) for host in engine.site.pair}
        except CANNOT_SEE as blind:
            raise Refused(f"the DRBD of the pair cannot be seen: {blind}") from blind
        one = found.pop()
        if found or one is None:
            raise Refused("the pair does not run one DRBD that Walrus 3.2 works with")
        return one.name

    def survey(self) -> Survey:
        """All that a plan is made for; changes nothing.

        Raises:
            Refused: something cannot be seen.
        """
        with self._looking() as engine:
            return self._survey(engine)

    def _survey(self, engine: Engine) -> Survey:
        try:
            return survey(readable(engine.site))
        except CANNOT_SEE as blind:
            raise Refused(f"what a plan is bound to cannot be seen: {blind}") from blind

    def facts(self) -> Collected:
        """What a rehearsal of this site needs, and what preflight found; changes nothing.

        Raises:
            Refused: a host cannot be looked at.
        """
        with self._looking() as engine:
            return collect(readable(engine.site), self.clock.date())

    def forecast(self) -> Forecast:
        """How long the services will be down, from rates measured now; changes nothing.

        Raises:
            Refused: they cannot be measured.
        """
        with self._looking() as engine:
            try:
                return foresee(readable(engine.site))
            except CANNOT_SEE as blind:
                raise Refused(f"the window cannot be foreseen: {blind}") from blind

    def estimate(self) -> Estimate:
        """How long the services will be down, as an interval; changes nothing."""
        with self._looking() as engine:
            return estimate(readable(engine.site))

    def verify(self) -> list[str]:
        """What is not as a finished move must be, empty when all is; changes nothing."""
        with self._looking() as engine:
            if not engine.site.memory.completed:
                return [f"the move is not completed: {words.position(engine)}"]
            faults = []
            for step in engine.asked():
                state = engine.look(step)
                if not isinstance(state, Satisfied):
                    faults.append(f"{step.name}: {state.reason if isinstance(state, Blocked) else state.why}")
            return faults

    def adopt(self) -> Outcome:
        """Take over the run that holds the hosts, whose controller is lost; nothing of the move is done."""
        try:
            require_no_run(self.folder)
            with self._engine(None) as engine:
                site = engine.site
                holders = holders_of(list(site.hosts), site.additional.name)
                found = look([host for host in site.pair if host.name in holders], holders)
                # The new name is what fences the first controller for good: it cannot claim what another run holds.
                run_id = self._name_run()
                Adoption(self.inventory, self.folder, self.clock, found).write(run_id, site.pair)
        except PreflightRefused as refused:
            message = f"{refused}\n{words.UNCHANGED}"
            return Outcome("refused", 3, message, refused.findings, words.more_on(refused))
        except (Refused, HostError) as refusal:
            looks = f"To see whether the hosts are free: walrus-ha check -i {self.inventory.source}"
            return Outcome("refused", 3, f"{refusal}\n{words.UNCHANGED} {looks}", explain=words.more_on(refusal))
        except OperatorNeeded as unknown:
            message = f"{unknown}\n{words.UNCHANGED} {words.LOOK_AT_MIRRORS}"
            return Outcome("operator_needed", 5, message, explain=words.more_on(unknown))
        with self._opened() as engine:
            return words.told(self, engine, lambda: self._take_over(engine, found))

    def _take_over(self, engine: Engine, found: Claimable) -> Outcome:
        """Fence the first controller, and let the hosts know whose journal counts from now on."""
        if found.holder != NOBODY:
            engine.claim(without_absent=True)
            engine.mirror.flush()
        return Outcome("adopted", 0, words.adopted(engine, found, self.inventory.source))

    def rollback(self) -> Outcome:
        """Take the move back; past its commit point by a reverse move that keeps what was written since."""
        with self._opened() as engine:
            return words.told(self, engine, lambda: self._rollback(engine))

    def _rollback(self, engine: Engine) -> Outcome:
        memory = engine.site.memory
        if memory.moved:
            return self._reverse(engine)
        if not memory.began or memory.rolled_back:
            return Outcome("rolled_back", 0, words.nothing_to_take_back(engine.site))
        engine.claim(without_absent=True)
        try:
            engine.roll_back("asked for")
        except RolledBack as ended:
            if ended.remains:  # what was asked for is not finished
                return Outcome("stopped", 4, words.rolled_back(engine.site, ended))
            return Outcome("rolled_back", 0, words.rolled_back(engine.site, ended))

    def _reverse(self, engine: Engine) -> Outcome:
        """Begin the reverse move, or go on with it."""
        memory = engine.site.memory
        if errors := tuple(broken(self.inventory, memory.promised)):
            raise PreflightRefused(errors)
        if not memory.reversing:
            found = preflight(readable(engine.site), WAY_BACK)
            if errors := tuple(finding for finding in found if finding.severity == "error"):
                raise CannotReverse(errors)
            memory.note("reversing")
            engine.plan = self._plan(memory)
        kept = words.kept_copies(engine.site)
        engine.work()
        return Outcome("reversed", 0, words.reversed_(engine.site, kept))

    def _plan(self, memory: Memory) -> list[Step]:
        return reverse() if memory.reversing else plan_for(self.inventory.settings)

    def to_retire(self) -> list[Target]:
        """What of the move's copies could be deleted now; changes nothing.

        Raises:
            Refused: nothing may be; says why.
        """
        with self._looking() as engine:
            return self._retirement(engine, 0).require_fit()

    def retire(self, may_be_gone: int = 0) -> Outcome:
        """Delete the old store and the staged copy, with proof that the pair serves everything they hold."""
        with self._opened() as engine:
            return words.told(self, engine, lambda: self._retire(engine, may_be_gone))

    def _retire(self, engine: Engine, may_be_gone: int) -> Outcome:
        retirement = self._retirement(engine, may_be_gone)
        retirement.require_fit()
        if not recorded(readable(engine.site)):
            return Outcome("completed", 0, words.nothing_to_retire(engine.site))
        engine.claim()
        try:
            deleted = retirement.run()
        except Stopped as stopped:
            engine.release()
            return Outcome("stopped", 4, words.not_retired(self, engine.site, stopped))
        engine.release()
        return Outcome("completed", 0, words.retired(engine.site, deleted))

    def _retirement(self, engine: Engine, may_be_gone: int) -> Retirement:
        return Retirement(
            engine.site,
            readable(engine.site),
            lambda kind, text: self.listeners.event(Event(kind, STEP, text)),
            may_be_gone,
        )

    def _memory(self, journal: Journal) -> Memory:
        return Memory(journal, self.folder, self.clock)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Engine]:
        with Journal.open(self.folder) as journal, self._engine(journal) as engine:
            yield engine

    @contextlib.contextmanager
    def _looking(self) -> Iterator[Engine]:
        """An engine for looking: an existing journal is read, none is made."""
        if (self.folder / "journal.jsonl").exists():
            with self._opened() as engine:
                yield engine
        else:
            with self._engine(None) as engine:
                yield engine

    @contextlib.contextmanager
    def _engine(self, journal: Journal | None) -> Iterator[Engine]:
        memory = self._memory(journal or Journal(self.folder, -1, []))
        control = Control(self.folder)
        clock = AttentiveClock(self.clock, control)
        hosts = [Host(node.name, node.connection.open(node.name), clock) for node in self.inventory.hosts()]
        by_name = {host.name: host for host in hosts}
        original, additional, clc = (by_name[node.name] for node in self.inventory.nodes())
        told = self.listeners.progress
        site = Site(original, additional, clc, self.inventory, memory, clock, told, control)
        mirror = Mirror((original, additional), memory, clock)
        for host in hosts:
            host.before_change = mirror.flush
        try:
            yield Engine(site, self._plan(memory), self.listeners.event, mirror)
        finally:
            for host in hosts:
                host.transport.close()
