"""What a run leaves on the controller is readable by its owner only, and never written through somebody else's link."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import runs
from harness.errors import WalrusHaError
from harness.labs import catalogue
from harness.labs.lab import Opened, Start, StoreSpec
from harness.migration.run import Migration
from harness.trials.foretelling import make_plan


@pytest.fixture
def opened() -> Iterator[Opened]:
    with catalogue.find("simulated").open(Start(store=StoreSpec(objects=4, bytes=4000))) as opened:
        yield opened


@pytest.fixture(params=[0o022, 0o000], ids=["usual umask", "no umask"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_nobody_else_can_read_it(opened: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    migration = Migration(opened.inventory, folder, opened.clock)
    make_plan(migration).save(tmp_path / "plan.json")
    runs.note_inventory(folder, tmp_path / "site.yaml")
    assert migration.migrate().outcome == "completed"
    found = [folder, tmp_path / "plan.json", *folder.rglob("*")]
    assert {"journal.jsonl", "frozen.manifest", "run.json", "plan.json"} <= {path.name for path in found}
    assert [path for path in found if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("name", ["journal.jsonl", "run.json", "frozen.new"])
def test_a_link_that_somebody_planted_is_not_followed(opened: Opened, tmp_path: Path, name: str) -> None:
    canary, folder = tmp_path / "canary", tmp_path / "run"
    canary.write_text("untouched")
    folder.mkdir()
    (folder / name).symlink_to(canary)
    with contextlib.suppress(OSError, WalrusHaError):  # however it is refused
        runs.note_inventory(folder, tmp_path / "site.yaml")
        Migration(opened.inventory, folder, opened.clock).migrate()
    assert canary.read_text() == "untouched"


def test_a_plan_is_not_written_through_a_link(opened: Opened, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("untouched")
    (tmp_path / "plan.json").symlink_to(canary)
    make_plan(Migration(opened.inventory, tmp_path / "run", opened.clock)).save(tmp_path / "plan.json")
    assert canary.read_text() == "untouched"
    assert not (tmp_path / "plan.json").is_symlink()
