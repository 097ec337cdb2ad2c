"""Which program hashes is asked of the host before each long reading, and a wrong or vanished one never ends well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from fakes.simulated import SimulatedMachine
from harness.evidence import Sent
from harness.hosts.command import Request
from harness.labs import catalogue
from harness.labs.lab import Opened, Start, StoreSpec
from harness.migration.outcome import Outcome
from harness.migration.run import Migration
from harness.systems import hashers
from harness.trials.foretelling import make_plan
from harness.trials.looking import Bystander
from harness.trials.tap import TappedConnection
from tests.migration.mutations import Site

START = Start(store=StoreSpec(objects=20, bytes=100_000))
ASKED = "openssl dgst -sha256 -r"
BY_OPENSSL, BY_SHA256SUM = f"-exec {ASKED} ", "-type f -exec sha256sum "
Change = Callable[[SimulatedMachine], object]


def old(machine: SimulatedMachine) -> None:
    machine.missing_programs.add(hashers.AS_SHA256SUM)


def gone(machine: SimulatedMachine) -> None:
    machine.missing_programs.add("openssl")


def wrong(machine: SimulatedMachine) -> None:
    machine.wrong_programs.add("openssl")


@pytest.fixture
def opened() -> Iterator[Opened]:
    with catalogue.find("simulated").open(START) as opened:
        yield opened


def original(opened: Opened) -> SimulatedMachine:
    found = Site(opened, Random(0), opened.inventory).machine(opened.inventory.original.name)
    assert isinstance(found, SimulatedMachine)
    return found


@dataclass
class _Meddler(Bystander):
    """Changes the original right after it was asked for the so-manieth time whether its openssl is any good."""

    turn: int = 0
    change: Callable[[], object] = lambda: None
    asked: int = 0

    def after_send(self, role: str, request: Request) -> None:
        if str(request) == ASKED and role == "original":
            self.asked += 1
            if self.asked == self.turn:
                self.change()


def move(opened: Opened, folder: Path, turn: int = 0, change: Change | None = None) -> tuple[Outcome, list[str]]:
    """A move, and by what it hashed."""
    sent: list[Sent] = []
    meddler = _Meddler(sent, 1, turn=turn, change=lambda: change and change(original(opened)))
    nodes = (
        replace(node, connection=TappedConnection(node.connection, node.role, meddler, opened.clock))
        for node in opened.inventory.nodes()
    )
    first, second, clc = nodes
    site = replace(opened.inventory, original=first, additional=second, clc=clc)
    outcome = Migration(site, folder, opened.clock).migrate()
    jobs = [one.what for one in sent if one.what.startswith("start job ")]
    return outcome, [words for what in jobs for words in (BY_OPENSSL, BY_SHA256SUM) if words in what]


def test_one_that_proves_itself_hashes_everything(opened: Opened, tmp_path: Path) -> None:
    outcome, hashed = move(opened, tmp_path)
    assert outcome.outcome == "completed", outcome.message
    assert set(hashed) == {BY_OPENSSL}


@pytest.mark.parametrize("change", [old, gone, wrong], ids=["old", "gone", "wrong"])
def test_any_other_hashes_nothing(change: Change, opened: Opened, tmp_path: Path) -> None:
    change(original(opened))
    outcome, hashed = move(opened, tmp_path)
    assert outcome.outcome == "completed", outcome.message
    assert set(hashed) == {BY_SHA256SUM}


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_one_that_goes_away_after_it_was_asked_stops_the_move_and_not_the_next(
    turn: int, opened: Opened, tmp_path: Path
) -> None:
    outcome, hashed = move(opened, tmp_path / "run", turn, gone)
    assert outcome.outcome == "rolled_back", outcome.message
    assert "'openssl': No such file or directory" in outcome.message
    outcome, hashed = move(opened, tmp_path / "next")
    assert outcome.outcome == "completed", outcome.message
    assert set(hashed) == {BY_SHA256SUM}


def test_one_that_turns_wrong_before_it_freezes_is_found_out_by_the_next_reading(
    opened: Opened, tmp_path: Path
) -> None:
    outcome, hashed = move(opened, tmp_path, 1, wrong)
    assert outcome.outcome == "rolled_back", outcome.message
    assert "differs from the frozen store" in outcome.message
    assert hashed[:2] == [BY_OPENSSL, BY_SHA256SUM]


def test_one_that_turns_wrong_later_is_read_after(opened: Opened, tmp_path: Path) -> None:
    """Its answers differ from the frozen ones; what is read then is read by the other, and the copy was whole."""
    outcome, hashed = move(opened, tmp_path, 2, wrong)
    assert outcome.outcome == "completed", outcome.message
    assert hashed[:3] == [BY_OPENSSL, BY_OPENSSL, BY_SHA256SUM]


def test_a_plan_shows_what_hashes_and_is_bound_to_it(opened: Opened, tmp_path: Path) -> None:
    today = make_plan(Migration(opened.inventory, tmp_path / "today", opened.clock))
    assert any(BY_OPENSSL in one.text for one in today.commands)
    old(original(opened))
    plan = make_plan(Migration(opened.inventory, tmp_path / "look", opened.clock))
    assert not any(BY_OPENSSL in one.text for one in plan.commands)
    assert any(BY_SHA256SUM in one.text for one in plan.commands)
    assert plan.facts != today.facts
    assert Migration(opened.inventory, tmp_path / "stale", opened.clock).migrate(today).outcome == "refused"
    outcome = Migration(opened.inventory, tmp_path / "move", opened.clock).migrate(plan)
    assert outcome.outcome == "completed", outcome.message
