"""Programs of the operator: real ones, which read what a step is, may say no before it, and change nothing after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InvalidInput
from harness.inventory import Hooks
from harness.labs import catalogue
from harness.labs.lab import Opened, Start, StoreSpec
from harness.migration.engine import Event
from harness.migration.outcome import Outcome
from harness.migration.plan import PLANS
from harness.migration.run import Listeners, Migration

SMALL = Start(store=StoreSpec(objects=8, bytes=65536))
STEPS = [step.name for step in PLANS["staged"]()]


@pytest.fixture
def opened() -> Iterator[Opened]:
    with catalogue.find("simulated").open(SMALL) as opened:
        yield opened


def program(folder: Path, text: str) -> list[str]:
    path = folder / f"hook {len(list(folder.iterdir()))}"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return [str(path), "it's", "$(two)"]


def move(opened: Opened, folder: Path, said: list[Event] | None = None, **hooks: Any) -> Outcome:
    settings = opened.inventory.settings.model_copy(update={"hooks": Hooks.model_validate(hooks)})
    inventory = type(opened.inventory)(**{**vars(opened.inventory), "settings": settings})
    listeners = Listeners((said if said is not None else []).append)
    return Migration(inventory, folder, opened.clock, listeners, lambda: "run-1").migrate()


def test_each_step_is_told_before_and_after_it_acts(opened: Opened, tmp_path: Path) -> None:
    told = tmp_path / "told"
    note = program(tmp_path, f'printf "%s %s: " "$1" "$2" >>"{told}"; cat >>"{told}"')
    outcome = move(opened, tmp_path / "run", before={"every-step": note}, after={"every-step": note})
    assert outcome.outcome == "completed", outcome.message
    lines = told.read_text().splitlines()
    assert all(line.startswith("it's $(two): ") for line in lines)
    seen = [json.loads(line.split(": ", 1)[1]) for line in lines]
    moments = [(one["moment"], one["step"]) for one in seen]
    acted = [step for step in STEPS if ("before", step) in moments]
    assert moments == [(moment, step) for step in acted for moment in ("before", "after")]
    assert {"stop-services", "stage-store", "commit", "start-services"} <= set(acted)
    assert {one["run"] for one in seen} == {"run-1"}
    assert seen[0]["hosts"] == {"original": "walrus00", "additional": "walrus01", "clc": "clc00"}
    assert [one["window_open"] for one in seen if one["step"] == "stage-store"] == [True, True]


def test_a_veto_takes_the_move_back_with_the_hooks_last_words(opened: Opened, tmp_path: Path) -> None:
    no = program(tmp_path, "echo thinking; echo the person on duty said no >&2; exit 7")
    outcome = move(opened, tmp_path / "run", before={"connect-peers": no})
    assert (outcome.outcome, outcome.exit_status) == ("rolled_back", 4)
    assert "connect-peers: vetoed by the hook" in outcome.message
    assert "status 7: the person on duty said no" in outcome.message


def test_a_veto_past_the_commit_point_halts(opened: Opened, tmp_path: Path) -> None:
    no = program(tmp_path, "exit 1")
    outcome = move(opened, tmp_path / "run", before={"set-properties": no})
    assert (outcome.outcome, outcome.exit_status) == ("stopped", 4)
    assert "past the commit point" in outcome.message
    assert move(opened, tmp_path / "run").outcome == "completed"


def test_a_hook_that_does_not_end_is_ended_and_counts_as_a_veto(opened: Opened, tmp_path: Path) -> None:
    slow = program(tmp_path, "exec sleep 600")
    outcome = move(opened, tmp_path / "run", before={"stop-services": slow}, timeout_s=1)
    assert outcome.outcome == "rolled_back"
    assert "did not end within 1 s" in outcome.message


def test_a_hook_that_cannot_be_run_is_a_veto(opened: Opened, tmp_path: Path) -> None:
    outcome = move(opened, tmp_path / "run", before={"stop-services": ["/no/such/program"]})
    assert outcome.outcome == "rolled_back"
    assert "/no/such/program" in outcome.message


def test_a_hook_after_a_step_changes_nothing(opened: Opened, tmp_path: Path) -> None:
    said: list[Event] = []
    failing = program(tmp_path, "echo cannot announce >&2; exit 3")
    assert move(opened, tmp_path / "run", said, after={"stage-store": failing}).outcome == "completed"
    assert any("status 3: cannot announce" in event.text for event in said)


def test_a_step_that_does_not_exist_is_a_mistake_of_the_inventory(opened: Opened, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"'stop-servicez'.*every-step or one of register-additional"):
        move(opened, tmp_path / "run", before={"stop-servicez": ["/bin/true"]})
