"""What README and docs show to be typed for machines is typed, with kernels of their own behind it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.labs import catalogue
from harness.labs.lab import Start
from harness.migration.facts.file import save
from harness.migration.run import Migration
from tests.shown import ROOT, executed
from tests.stage import Stage, like_a_checkout, run_of, with_labs

pytestmark = pytest.mark.timeout(900)  # one or two minutes, where nobody else wants the processors


@pytest.fixture
def stage(tmp_path: Path, demanded_lab: Callable[[str], None]) -> Stage:
    demanded_lab("machines")
    return like_a_checkout(tmp_path / "clone")


def test_the_tutorial_on_real_drbd(stage: Stage) -> None:
    with with_labs(stage, "pair.yaml"):
        stage.words["RUN=f3b007b8"] = f"RUN={run_of('pair.yaml')}"
        stage.words["verify pair-0b7d4dbc"] = 'verify "$(basename runs/pair-*)"'
        stage.words["report pair-0b7d4dbc"] = 'report "$(basename runs/pair-*)"'
        stage.run(executed("docs/tutorial/real-drbd.md"))


def test_the_success_path_of_the_readme(stage: Stage) -> None:
    said = stage.run(".venv/bin/walrus-ha rehearse --lab machines scenarios/core/success-with-full-sync.yaml")
    assert "1 passed, 0 failed, 0 inconclusive, 0 skipped." in said


def test_a_site_is_rehearsed_from_its_facts(stage: Stage) -> None:
    with catalogue.find("simulated").open(Start()) as site:
        save(Migration(site.inventory, stage.place / "run", site.clock).facts().facts, stage.place / "facts.json")
    said = stage.run("walrus-ha rehearse --facts facts.json --lab machines")
    assert "1 passed, 0 failed, 0 inconclusive, 0 skipped." in said


def test_labs_that_are_demanded_are_there(stage: Stage, require_lab: Callable[[str], None]) -> None:
    require_lab("containers")
    (stage.place / "site").mkdir()
    shutil.copy(ROOT / "scenarios/uname-differs.yaml", stage.place / "site")
    said = stage.run(
        "WALRUS_HA_REQUIRE_LABS=simulated,containers,machines walrus-ha rehearse --lab containers --lab machines site/"
    )
    assert "2 passed, 0 failed, 0 inconclusive, 0 skipped." in said
