"""One trial: open the lab, run the engine while things break, do what the scenario says, collect the evidence."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from harness.checks.manifests import expected_at_the_end
from harness.checks.phases import moved
from harness.checks.window import unserved_s
from harness.errors import LabError, ReplicaRefused, WalrusHaError
from harness.evidence import (
    Attempt,
    Evidence,
    Expectation,
    OfSite,
)
from harness.inventory import Inventory, Node, Settings
from harness.labs.lab import ORIGINAL, ROLES, Lab, Opened
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
from harness.trials.clients import Clients
from harness.trials.controllers import Controllers
from harness.trials.faults import Schedule, roles
from harness.trials.literal.operator import Operator
from harness.trials.looking import Bystander, changed, leaks, look, surroundings
from harness.trials.scenario import Scenario
from harness.trials.stocktaking import Stocktaking
from harness.trials.strikes import EngineKilled
from harness.trials.tap import TappedConnection, Watcher
from harness.trials.walruses import Walruses

_ATTEMPTS = ("resume", "run_again", "rollback", "retire", "adopt", "first_wakes")
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
    walruses: Walruses = field(init=False)
    clients: Clients = field(init=False)
    stock: Stocktaking = field(init=False)
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
            of_site=self._of_site(),
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
        self.walruses = Walruses(self.opened)
        self.clients = Clients(self.opened, self.evidence, self.walruses)
        self.stock = Stocktaking(self.opened, self.evidence)
        self.schedule = Schedule(
            self.opened,
            self.scenario.faults,
            self.controllers,
            self.stock.census,
            Control(self.controllers.first),
            self.clients.do,
            self.walruses.original_serves,
        )
        self.evidence.sent = self.schedule.sent
        self.evidence.receipts = self.schedule.receipts

    def _of_site(self) -> OfSite | None:
        site = self.scenario.of_site
        return replace(site, as_fast=site.as_fast and self.opened.as_fast_as_told) if site else None

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
        self._surroundings = surroundings(self.opened, evidence.before)
        self.stock.copied_since()
        if "plan" in self.scenario.first:
            look(self.opened, self.evidence, self._watched())
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
                look(self.opened, self.evidence, self._watched())
            case ResumeWith(resume_with=settings):
                changed = self.opened.inventory.settings.model_copy(update=settings.model_dump(exclude_unset=True))
                self._attempt("migrate", changed)
            case OutsiderRuns(outsider=order):
                self.schedule.receipts.append(faults.outsider(order.host, tuple(order.argv), order.status))
            case "write_served":
                self.clients.change_served(faults.write_object)
            case "delete_served":
                self.clients.change_served(faults.delete_object)
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
            self.walruses.rest()
        evidence.after = [truth.snapshot(role) for role in ROLES]
        outcome = evidence.attempts[-1].outcome
        serving = self.walruses.serving()
        if outcome in _SETTLED:
            evidence.reads = evidence.reads + truth.read_objects("after", expected_at_the_end(evidence))
        evidence.served = truth.manifest(serving, "store")
        if self.scenario.then and self.scenario.then[-1] not in _ATTEMPTS:
            self.stock.census("at the end")  # otherwise the one after the last attempt was taken a moment ago
        evidence.events = truth.events()
        evidence.unserved_s = unserved_s(evidence)
        evidence.changed = changed(self._surroundings, surroundings(self.opened, evidence.after))
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
        self.walruses.rest(hosts, before)

    def conclude(self) -> None:
        """What can be known even after the lab failed."""
        evidence = self.evidence
        evidence.unsupported = self.opened.truth.unsupported()
        evidence.leaks = leaks(evidence, self.workdir)
        evidence.trace_hash = self._trace_hash()

    # The engine

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
                self.stock.copied_since(),
                errors,
                schedule.acted,
            )
        )
        self.stock.census(f"after attempt {schedule.attempt}")

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

    def _watched(self) -> Migration:
        """The run as the operator's controller has it, with a bystander instead of the faults."""
        bystander = Bystander(self.evidence.sent, self.schedule.attempt)
        return self._migration(self._tapped(bystander), self.controllers.folder)

    def _migration(self, inventory: Inventory, folder: Path) -> Migration:
        listeners = Listeners(self.schedule.on_event, self.schedule.on_progress)
        return Migration(inventory, folder, self.opened.clock, listeners, lambda: self.controllers.run_id)

    def _trace_hash(self) -> str:
        """Where the lab is repeatable everything counts, elsewhere the ordered effects."""
        evidence = self.evidence
        if self.opened.repeatable:
            told = [vars(one) for one in (*evidence.sent, *evidence.events, *evidence.attempts)]
        else:
            told = [{"host": one.host, "what": one.what} for one in evidence.sent if one.effect != "read"]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
