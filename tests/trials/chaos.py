"""A trial that nobody planned: engines, faults and rollbacks in any order, over the simulated lab."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.checks.exclusivity import two_primaries
from harness.checks.verdict import Verdict, judge
from harness.errors import HostError
from harness.evidence import Evidence
from harness.hosts.command import AskHolder, Fence, Request
from harness.labs import catalogue
from harness.labs.lab import ORIGINAL, ROLES, Start, StoreSpec
from harness.migration.journal import Entry, read
from harness.trials.expect import ALL_CHECKS, Expect
from harness.trials.faults import Schedule
from harness.trials.looking import surroundings
from harness.trials.scenario import Scenario
from harness.trials.start import Before
from harness.trials.strikes import EngineKilled
from harness.trials.trial import Trial

CLAIM = "whatever happens in whatever order, a complete copy exists and no two hosts are Primary"
_WAITS = {"waits": {"stall": 5, "host_return": 5, "connect": 5, "service_stop": 20, "service_start": 60}}
_STORE = StoreSpec(objects=5, bytes=20_000)
_AFTER_SUCCESS = ("ran again after success and ended stopped", "ran again after success and ended killed")
_SAFE = ("completed", "rolled_back", "stopped")

Trouble = Callable[[], object]


@dataclass
class DrivenSchedule(Schedule):
    """At a request of the engine, counted within one attempt, something happens: before it is sent or after."""

    count: int = 0
    due: int = 0  # never
    when: Literal["before", "after"] = "before"
    happen: Trouble = lambda: None

    def arm(self, nth: int, when: Literal["before", "after"], happen: Trouble) -> None:
        self.count, self.due, self.when, self.happen = 0, nth, when, happen

    def before_send(self, role: str, request: Request) -> None:
        self.count += 1
        if self.count == self.due and self.when == "before":
            self.happen()

    def after_send(self, role: str, request: Request) -> None:
        if self.count == self.due and self.when == "after":
            self.happen()


class DrivenTrial(Trial):
    """A trial whose story is told from outside, one deed at a time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.driven = DrivenSchedule(
            self.opened,
            (),
            self.controllers,
            self.stock.census,
            self.schedule.control,
            self.clients.do,
            self.walruses.original_serves,
        )
        self.schedule = self.driven
        self.evidence.sent = self.driven.sent
        self.evidence.receipts = self.driven.receipts
        self.epochs: dict[str, int] = {}

    def begin(self) -> None:
        """Look at the world before anything happens."""
        truth = self.opened.truth
        self.evidence.frozen = truth.manifest(ORIGINAL, "store")
        self.evidence.before = [truth.snapshot(role) for role in ROLES]
        self._surroundings = surroundings(self.opened, self.evidence.before)
        self.evidence.reads = truth.read_objects("before", self.evidence.frozen)

    # Deeds

    def migrate(self) -> str:
        self._attempt("migrate")
        return self.evidence.attempts[-1].outcome

    def roll_back(self) -> str:
        self._attempt("rollback")
        return self.evidence.attempts[-1].outcome

    def kill_at(self, nth: int, when: Literal["before", "after"]) -> None:
        """A run of the engine that dies at its n-th request, if it comes to it."""
        self.during(nth, when, _die)

    def during(self, nth: int, when: Literal["before", "after"], trouble: Trouble) -> None:
        """A run of the engine in which something happens at its n-th request."""
        self.driven.arm(nth, when, trouble)
        self.migrate()
        self.driven.arm(0, "before", lambda: None)

    def second(self) -> None:
        """Another engine, while the first has not finished."""
        self.controllers.second_engine()

    def later(self, seconds: float, deed: Trouble) -> None:
        self.opened.timers.after(seconds, deed)

    # What must hold

    def holders(self) -> dict[str, Fence]:
        """Who holds each host that answers."""
        found: dict[str, Fence] = {}
        for node in self.opened.inventory.nodes():
            transport = node.connection.open(node.name)
            with contextlib.suppress(HostError):
                holder = transport.send(AskHolder())
                assert isinstance(holder, Fence)
                found[node.role] = holder
        return found

    def require_sound(self, moment: str) -> None:
        """A complete copy exists, no two hosts were ever Primary at once, no epoch fell."""
        self.stock.census(moment)
        assert self.evidence.censuses[-1].complete, f"no complete copy {moment}"
        self.evidence.events = self.opened.truth.events()
        assert list(two_primaries(self.evidence)) == []
        for role, holder in self.holders().items():
            assert holder.epoch >= self.epochs.get(role, 0), f"the epoch of {role} fell to {holder.epoch} {moment}"
            self.epochs[role] = holder.epoch
        epochs = [entry.data["epoch"] for entry in self._entries() if entry.kind == "epoch"]
        assert epochs == sorted(set(epochs)), f"the journal's epochs do not rise: {epochs}"

    def _entries(self) -> list[Entry]:
        path = self.workdir / "run" / "journal.jsonl"
        return read(path)[0] if path.exists() else []

    def wrongs(self) -> list[str]:
        """Everything heals, the engine runs once more, and the judges look at all that happened: what they call wrong.

        A scenario breaks nothing after success, so that running again must complete; here a run may find the pair
        broken, and says so.
        """
        self.opened.faults.heal()
        self.opened.clock.sleep(30.0)
        outcome = self.migrate()
        assert outcome in _SAFE, f"ended {outcome}: {self.evidence.attempts[-1].last_words}"
        self.require_sound("at the end")
        self._settle()
        self.conclude()
        checks: list[str] = (
            list(ALL_CHECKS) if outcome == "completed" else ["durability", "exclusivity", "reversibility"]
        )
        self.evidence.expectation = replace(self.evidence.expectation, outcome=outcome, checks=checks)
        failed = [finding for finding in judge(self.evidence).findings if finding.verdict is Verdict.FAIL]
        said = [f"{finding.check}: {wrong}" for finding in failed for wrong in finding.detail or (finding.reason,)]
        return [wrong for wrong in said if not wrong.endswith(_AFTER_SUCCESS)]


def _die() -> None:
    raise EngineKilled("here")


@contextlib.contextmanager
def driven(workdir: Path, drbd: str = "8.4") -> Iterator[DrivenTrial]:
    """A small store in a fresh simulated lab, and nothing has happened yet."""
    scenario = Scenario(
        name="chaos", source="", claim=CLAIM, labs=["simulated"], start=Before(), expect=Expect(outcome="completed")
    )
    start = Start(drbd=drbd, store=_STORE, device_bytes=64 * 1024**2, settings=_WAITS)
    with catalogue.find("simulated").open(start) as opened:
        trial = DrivenTrial(scenario, "simulated", opened, workdir)
        trial.begin()
        yield trial


def told(evidence: Evidence) -> str:
    """How each attempt ended."""
    return ", ".join(f"{attempt.command} {attempt.outcome}" for attempt in evidence.attempts)
