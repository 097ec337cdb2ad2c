"""One trial: open the lab, run the engine while things break, do what the scenario says, collect the evidence."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, cast

from harness.checks.manifests import differences, expected_at_the_end
from harness.checks.phases import moved
from harness.checks.window import unserved_s
from harness.errors import LabError, Refused, ReplicaRefused, WalrusHaError
from harness.evidence import (
    Attempt,
    Census,
    EffectName,
    Evidence,
    Expectation,
    Foretold,
    HostSnapshot,
    Look,
    Manifest,
    Receipt,
)
from harness.inventory import Inventory, Node, Settings
from harness.labs.lab import ADDITIONAL, ORIGINAL, ROLES, Deed, Lab, Opened
from harness.migration.control import Control
from harness.migration.outcome import Outcome
from harness.migration.run import Listeners, Migration
from harness.trials.actions import (
    Action,
    ClientWrites,
    CutNow,
    CutPower,
    FreeDisk,
    Heal,
    OutsiderRuns,
    PowerOffNow,
    PowerOn,
    ResumeWith,
    TypeLine,
    Wait,
)
from harness.trials.controllers import Controllers
from harness.trials.faults import Schedule, roles
from harness.trials.foretelling import foretell
from harness.trials.literal.operator import Operator
from harness.trials.looking import Bystander, changed, footprint, leaks
from harness.trials.scenario import Scenario
from harness.trials.strikes import EngineKilled
from harness.trials.tap import TappedConnection, Watcher

_PLACES = (
    (ORIGINAL, "store"),
    (ORIGINAL, "old-store"),
    (ORIGINAL, "returning-store"),
    (ORIGINAL, "staging"),
    (ORIGINAL, "device"),
)  # the additional host's side is read at the end, by promoting it
_ATTEMPTS = ("resume", "run_again", "rollback", "retire", "adopt", "first_wakes")
_REST_S, _LOOK_S = 60.0, 1.0
Verb = Literal["migrate", "rollback", "retire", "adopt"]
_SETTLED = ("completed", "rolled_back", "reversed", "reverse_taken_back", "refused")


def run_trial(scenario: Scenario, lab: Lab, workdir: Path) -> Evidence:
    """Run the scenario in the lab and return the evidence; nothing is judged here.

    ``workdir`` receives the run's journal and is created.

    Raises:
        LabUnavailable: this machine cannot offer the lab.
    """
    started = time.monotonic()
    with lab.open(scenario.start.to_lab()) as opened:
        trial = Trial(scenario, lab.name, opened, workdir)
        try:
            trial.run()
        except LabError as error:
            trial.evidence.notes.append(f"the lab failed: {error}")
        finally:
            opened.timers.cancel()
            trial.conclude()
    trial.evidence.seconds = time.monotonic() - started
    return trial.evidence


@dataclass
class Trial:
    """A trial under way."""

    scenario: Scenario
    lab: str
    opened: Opened
    workdir: Path
    evidence: Evidence = field(init=False)
    schedule: Schedule = field(init=False)
    controllers: Controllers = field(init=False)
    _counted: int = 0
    _deeds: int = 0
    _surroundings: dict[str, str] = field(default_factory=dict)
    _operator: Operator | None = None

    def __post_init__(self) -> None:
        expect, inventory = self.scenario.expect, self.opened.inventory
        self.evidence = Evidence(
            scenario=self.scenario.name,
            claim=self.scenario.claim,
            lab=self.lab,
            seed=self.scenario.start.store.seed,
            driver=self.scenario.driver,
            strategy=self.scenario.start.strategy,
            reuses_device=self.scenario.start.store_on == "device",
            beside=self.scenario.beside_of,
            expectation=Expectation(
                expect.outcome,
                list(expect.checks),
                expect.copied_again,
                expect.exit_status,
                list(expect.findings),
                list(expect.caught_by),
                list(expect.caught_saying),
                expect.window_at_most_s,
            ),
            original=inventory.original.name,
            additional=inventory.additional.name,
        )
        self.controllers = Controllers(self.opened, self.workdir, self.evidence)
        control, client = Control(self.controllers.first), self._client
        self.schedule = Schedule(
            self.opened, self.scenario.faults, self.controllers, self._census, control, client, self._original_serves
        )
        self.evidence.sent = self.schedule.sent
        self.evidence.receipts = self.schedule.receipts

    # The story

    def run(self) -> None:
        """Look, break, do what is to be done, heal, look again."""
        truth, evidence = self.opened.truth, self.evidence
        evidence.frozen = truth.manifest(ORIGINAL, "store")
        for early in self.scenario.first:
            if early != "plan":
                self._do(early)
        evidence.before = [truth.snapshot(role) for role in ROLES]
        evidence.reads = truth.read_objects("before", evidence.frozen)
        self._surroundings = self._look_around(evidence.before)
        self._counted = self._copied()
        if "plan" in self.scenario.first:
            self._look()
        self._attempt("migrate")
        for action in self.scenario.then:
            self._do(action)
        self._settle()

    def _do(self, action: Action) -> None:
        faults = self.opened.faults
        match action:
            case "resume" | "run_again":
                self._attempt("migrate")
            case "rollback" | "retire":
                self._attempt(action)
            case "adopt":
                self.controllers.number += 1
                self.schedule.control = Control(self.controllers.folder)
                self._attempt("adopt")
            case "first_wakes":
                self._attempt("migrate", folder=self.controllers.first)
            case "plan":
                self._look()
            case ResumeWith(resume_with=settings):
                changed = self.opened.inventory.settings.model_copy(update=settings.model_dump(exclude_unset=True))
                self._attempt("migrate", changed)
            case OutsiderRuns(outsider=order):
                self.schedule.receipts.append(faults.outsider(order.host, tuple(order.argv), order.status))
            case "write_served":
                self._change_served(self._serving(), self.opened.faults.write_object)
            case "delete_served":
                self._change_served(self._serving(), self.opened.faults.delete_object)
            case PowerOn(power_on=host):
                self.schedule.receipts.extend(faults.power_on(role) for role in roles(host))
            case Heal():
                faults.heal()
            case Wait(wait_s=seconds):
                self.opened.clock.sleep(seconds)
            case FreeDisk(free_disk=disk):
                self.schedule.receipts.append(faults.free_disk(disk.host, disk.path))
            case TypeLine(type_line=typed):
                self._the_operator().type_line(typed.host, typed.line)
            case PowerOffNow(power_off_now=role):
                self.schedule.receipts.append(faults.power_off(role))
            case CutNow(cut_link_for_s=seconds):
                self.schedule.receipts.append(faults.cut_link())
                healed = self.schedule.receipts.append
                self.opened.timers.after(seconds, lambda: healed(faults.heal_link()))
            case CutPower(cut_power=cut):
                self._cut_power(roles(cut.host), cut.for_s)
            case ClientWrites(client_writes=role):
                self.schedule.receipts.append(faults.write_object(role, served=True))

    def _settle(self) -> None:
        """The faults are over; what is true now is what counts."""
        truth, evidence = self.opened.truth, self.evidence
        assert evidence.frozen is not None
        self.schedule.missed()
        if self.scenario.driver == "vendor":
            self._let_the_cloud_rest()
        evidence.after = [truth.snapshot(role) for role in ROLES]
        outcome = evidence.attempts[-1].outcome
        serving = self._serving()
        if outcome in _SETTLED:
            evidence.reads = evidence.reads + truth.read_objects("after", expected_at_the_end(evidence))
        evidence.served = truth.manifest(serving, "store")
        if self.scenario.then and self.scenario.then[-1] not in _ATTEMPTS:
            self._census("at the end")  # otherwise the one after the last attempt was taken a moment ago
        evidence.events = truth.events()
        evidence.unserved_s = unserved_s(evidence)
        evidence.changed = changed(self._surroundings, self._look_around(evidence.after))
        if outcome in ("completed", "reverse_taken_back") or (outcome == "refused" and moved(evidence)):
            evidence.replication = truth.compare_sides()
            try:
                evidence.replica = truth.read_replica()
            except ReplicaRefused as refusal:
                evidence.replica_refusal = str(refusal)

    def _cut_power(self, hosts: Sequence[str], seconds: float) -> None:
        """What the hosts do by themselves when the power is back is what is judged."""
        faults, before = self.opened.faults, len(self.opened.truth.events())
        self.schedule.receipts.extend(faults.power_off(role) for role in hosts)
        self.opened.clock.sleep(seconds)
        self.schedule.receipts.extend(faults.power_on(role) for role in hosts)
        self._let_the_cloud_rest(hosts, before)

    def _let_the_cloud_rest(self, rebooted: Sequence[str] = (), before: int = 0) -> None:
        """A cloud that comes up is waited for, so that it is not judged half-way."""
        deadline = self.opened.clock.now() + _REST_S
        while self.opened.clock.now() < deadline:
            if sorted(self._states(rebooted, before).values()) == ["DISABLED", "ENABLED"]:
                return
            self.opened.clock.sleep(_LOOK_S)

    def _serving(self) -> str:
        """The role of the host whose Walrus was ENABLED last and is so still."""
        return ADDITIONAL if self._states()[ADDITIONAL] == "ENABLED" else ORIGINAL

    def _states(self, rebooted: Sequence[str] = (), before: int = 0) -> dict[str, str]:
        """The state of each Walrus, as the events tell it; of hosts that rebooted those after the first so many."""
        state = {ORIGINAL: "", ADDITIONAL: ""}
        by_name = {self.evidence.original: ORIGINAL, self.evidence.additional: ADDITIONAL}
        for number, event in enumerate(self.opened.truth.events()):
            if event.kind in ("walrus", "walrus-lost") and event.host in by_name:
                role = by_name[event.host]
                state[role] = "" if role in rebooted and number < before else event.detail
        return state

    def conclude(self) -> None:
        """What can be known even after the lab failed."""
        evidence = self.evidence
        evidence.unsupported = self.opened.truth.unsupported()
        evidence.leaks = leaks(evidence, self.workdir)
        evidence.trace_hash = self._trace_hash()

    # The engine

    def _look(self) -> None:
        """Ask for the plan as an operator would, and see whether asking changed anything."""
        sent = len(self.evidence.sent)
        watcher = Bystander(self.evidence.sent, self.schedule.attempt)
        # A detached copy goes on while somebody looks; what it writes is not the look's doing.
        apart = self._staging_areas() if self.evidence.attempts else ()
        folder = self.controllers.folder
        before = footprint(self.opened.truth, folder, apart)
        migration = self._migration(self._tapped(watcher), folder)
        to_do = [row[0] for row in migration.plan() if row[2] == "to do"]
        window = migration.estimate() if not self.evidence.attempts else None
        commands = self._foretold(migration) if not self.evidence.attempts else None
        after = footprint(self.opened.truth, folder, apart)
        asked = [one for one in self.evidence.sent[sent:] if one.effect != "read"]
        del self.evidence.sent[sent:]  # charged to the look, not to an attempt
        self.evidence.looks.append(
            Look(
                self.opened.clock.now(),
                len(self.evidence.attempts),
                to_do,
                sorted(path for path in {*before, *after} if before.get(path) != after.get(path)),
                [f"{one.host}: {one.what}" for one in asked],
                [window.least_s, window.most_s] if window else [],
                commands,
            )
        )

    def _foretold(self, migration: Migration) -> list[Foretold]:
        """The commands of the plan; where it cannot tell them none, which the check finds."""
        try:
            commands = foretell(self.opened.inventory, migration.survey())
        except Refused as refused:
            self.evidence.notes.append(f"the plan named no commands: {refused}")
            return []
        return [Foretold(one.host, one.step, one.text, cast(EffectName, one.effect), one.sha256) for one in commands]

    def _look_around(self, snapshots: list[HostSnapshot]) -> dict[str, str]:
        """What lies on the hosts that answered when the snapshots were taken, outside the places of the data."""
        settings, truth = self.opened.inventory.settings, self.opened.truth
        ours = (settings.store, *self._staging_areas())
        return {
            f"{seen.host}:{path}": line
            for role, seen in zip(ROLES, snapshots, strict=True)
            if seen.reachable
            for path, line in truth.listing(role).items()
            if not path.startswith(ours)
        }

    def _staging_areas(self) -> tuple[str, ...]:
        settings = self.opened.inventory.settings
        return (settings.staging, *([settings.second_staging] if settings.second_staging else []))

    def _second(self) -> tuple[str, ...]:
        """The place of a second staged copy, where there is to be one."""
        return ("second-staging",) if self.opened.inventory.settings.second_staging else ()

    def _change_served(self, role: str, change: Callable[[str, bool], Receipt]) -> None:
        """A client writes or deletes; what it left, its directory included, must be found at the end."""
        truth = self.opened.truth
        before = truth.manifest(role, "store").by_path()
        self.schedule.receipts.append(change(role, True))
        now = truth.manifest(role, "store").by_path()
        self.evidence.written += [entry for entry in now.values() if entry != before.get(entry.path)]
        self.evidence.deleted += sorted(before.keys() - now.keys())

    def _original_serves(self) -> bool:
        """No event tells of it where it is as it was before."""
        return self._states()[ORIGINAL] in ("", "ENABLED")

    def _client(self, deed: Deed) -> Receipt:
        """A client changes the store that the original serves; from then on that is the store which counts.

        Only what this very deed changed is taken over: whatever else became of the store meanwhile stays wrong.
        """
        frozen = self.evidence.frozen
        if not self._original_serves() or frozen is None:
            return Receipt(self.opened.clock.now(), "client", False, f"{deed}: the original's Walrus does not serve")
        before = self.opened.truth.manifest(ORIGINAL, "store").by_path()
        self._deeds += 1
        receipt = self.opened.faults.client(ORIGINAL, deed, self._deeds)
        now = self.opened.truth.manifest(ORIGINAL, "store").by_path()
        kept = {path: entry for path, entry in frozen.by_path().items() if path in now or path not in before}
        kept |= {path: entry for path, entry in now.items() if entry != before.get(path)}
        self.evidence.frozen = Manifest([kept[path] for path in sorted(kept)])
        return receipt

    def _attempt(self, command: Verb, settings: Settings | None = None, folder: Path | None = None) -> None:
        schedule, clock = self.schedule, self.opened.clock
        schedule.attempt += 1
        started = clock.now()
        outcome = Outcome("killed", -1, "")
        schedule.acted = []
        try:
            outcome = self._work(command, settings, folder)
        except EngineKilled:
            pass
        except WalrusHaError as error:
            outcome = Outcome("operator_needed", error.exit_status, str(error))
        schedule.step = ""
        schedule.end_of_attempt()
        errors = sorted({one.id for one in outcome.findings if one.severity == "error"})
        self.evidence.attempts.append(
            Attempt(
                command,
                started,
                clock.now(),
                outcome.outcome,
                None if outcome.outcome == "killed" else outcome.exit_status,
                outcome.message,
                self._copied_since(),
                errors,
                schedule.acted,
            )
        )
        self._census(f"after attempt {schedule.attempt}")

    def _work(self, command: Verb, settings: Settings | None, folder: Path | None) -> Outcome:
        """One run of whoever carries the procedure out."""
        if self.scenario.driver == "vendor":
            return self._the_operator().work()
        migration = self._migration(self._tapped(self.schedule, settings), folder or self.controllers.folder)
        works: dict[Verb, Callable[[], Outcome]] = {
            "migrate": migration.migrate,
            "rollback": migration.rollback,
            "retire": migration.retire,
            "adopt": migration.adopt,
        }
        return works[command]()

    def _the_operator(self) -> Operator:
        """The one that types the vendor's text, from the first line to the last of the trial."""
        if self._operator is None:
            told = self.schedule.on_event
            self._operator = Operator(self._tapped(self.schedule), self.opened.clock, self.scenario.choices, told)
        return self._operator

    def _copied_since(self) -> int:
        """Bytes since the last attempt ended: a copy goes on without its engine, and the next one answers for it."""
        total, before = self._copied(), self._counted
        self._counted = total
        return max(0, total - before)

    def _copied(self) -> int:
        """In all; what cannot be counted now counts with the next look."""
        truth = self.opened.truth
        try:
            return sum(truth.bytes_received(ORIGINAL, place) for place in ("staging", "device", *self._second()))
        except LabError:
            return self._counted

    def _tapped(self, watcher: Watcher, settings: Settings | None = None) -> Inventory:
        def tapped(node: Node) -> Node:
            return replace(node, connection=TappedConnection(node.connection, node.role, watcher, self.opened.clock))

        inventory = self.opened.inventory
        return replace(
            inventory,
            original=tapped(inventory.original),
            additional=tapped(inventory.additional),
            clc=tapped(inventory.clc),
            settings=settings or inventory.settings,
        )

    def _migration(self, inventory: Inventory, folder: Path) -> Migration:
        listeners = Listeners(self.schedule.on_event, self.schedule.on_progress)
        return Migration(inventory, folder, self.opened.clock, listeners, lambda: self.controllers.run_id)

    # The truth

    def _census(self, moment: str) -> None:
        """Which places hold a complete copy now; a host without power is read from its disk as far as the lab can."""
        frozen = self.evidence.frozen
        if frozen is None:
            return
        newest = expected_at_the_end(self.evidence)
        ours = (*_PLACES, *((ORIGINAL, one) for one in self._second()))
        places = (*ours, (ADDITIONAL, "store"))  # there the pair's content is to be seen while that side serves
        found = {f"{self._name(role)}:{place}": self.opened.truth.manifest(role, place) for role, place in places}
        current = [name for name, there in found.items() if self._equals(newest, there)]
        complete = [name for name, there in found.items() if name in current or self._equals(frozen, there)]
        self.evidence.censuses.append(Census(self.opened.clock.now(), moment, complete, current))

    def _equals(self, frozen: Manifest, found: Manifest) -> bool:
        return found.error is None and not differences(frozen, found)

    def _name(self, role: str) -> str:
        return self.evidence.original if role == ORIGINAL else self.evidence.additional

    def _trace_hash(self) -> str:
        """Where the lab is repeatable everything counts, elsewhere the ordered effects."""
        evidence = self.evidence
        if self.opened.repeatable:
            told = [vars(one) for one in (*evidence.sent, *evidence.events, *evidence.attempts)]
        else:
            told = [{"host": one.host, "what": one.what} for one in evidence.sent if one.effect != "read"]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
