"""cp is told to share no block with its source; one that does not know the word is of a time that had no such habit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from harness.evidence import Sent
from harness.labs import catalogue
from harness.labs.lab import Opened, Start, StoreSpec
from harness.migration.run import Migration
from harness.systems import copying
from harness.trials.foretelling import make_plan
from harness.trials.looking import Bystander
from harness.trials.tap import TappedConnection
from tests.migration.mutations import Site

START = Start(store=StoreSpec(objects=20, bytes=100_000))
WITH_THE_WORD, WITHOUT = "cp -a -x --reflink=never -- ", "cp -a -x -- "


@pytest.fixture
def opened() -> Iterator[Opened]:
    with catalogue.find("simulated").open(START) as opened:
        yield opened


def make_old(opened: Opened) -> None:
    """The original's cp is of before coreutils 8.30."""
    site = Site(opened, Random(0), opened.inventory)
    site.machine(opened.inventory.original.name).missing_programs.add(copying.OWN_BLOCKS)


def copies_sent(opened: Opened, folder: Path) -> list[str]:
    """Every copy that the move sends, by its first words; the move has to come to its end."""
    sent: list[Sent] = []
    watcher = Bystander(sent, 1)
    original, additional, clc = (
        replace(node, connection=TappedConnection(node.connection, node.role, watcher, opened.clock))
        for node in opened.inventory.nodes()
    )
    site = replace(opened.inventory, original=original, additional=additional, clc=clc)
    outcome = Migration(site, folder, opened.clock).migrate()
    assert outcome.outcome == "completed", outcome.message
    said = (one.what for one in sent)
    return [words for what in said for words in (WITH_THE_WORD, WITHOUT) if f": {words}" in what]


def test_a_cp_of_today_is_told_to_share_nothing(opened: Opened, tmp_path: Path) -> None:
    assert copies_sent(opened, tmp_path) == [WITH_THE_WORD] * 2


def test_an_old_one_is_started_again_without_the_word(opened: Opened, tmp_path: Path) -> None:
    make_old(opened)
    assert copies_sent(opened, tmp_path) == [WITH_THE_WORD, WITHOUT] * 2


def test_a_plan_shows_what_is_sent_to_an_old_one(opened: Opened, tmp_path: Path) -> None:
    today = make_plan(Migration(opened.inventory, tmp_path / "today", opened.clock))
    make_old(opened)
    plan = make_plan(Migration(opened.inventory, tmp_path / "look", opened.clock))
    shown = [one.text.startswith(WITHOUT) for one in plan.commands if one.text.startswith((WITH_THE_WORD, WITHOUT))]
    assert shown == [False, True] * 2
    assert plan.facts != today.facts
    outcome = Migration(opened.inventory, tmp_path / "move", opened.clock).migrate(plan)
    assert outcome.outcome == "completed", outcome.message
