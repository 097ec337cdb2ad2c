"""Whatever refuses, stops or takes a move back ends with names of which ``walrus-ha explain`` tells more."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from harness.__main__ import main
from harness.errors import LabUnavailable
from harness.explain.page import find
from harness.labs import catalogue
from harness.labs.lab import ORIGINAL, Start
from harness.migration.engine import Event
from harness.migration.outcome import Outcome
from harness.migration.run import Listeners, Migration


def _kinds(outcome: Outcome) -> dict[str, list[str]]:
    """The names that an outcome points to, each with what it is the name of."""
    return {name: [page.kind for page in find(name)] for name in outcome.explain}


def _migrate(folder: Path, full_at: str = "", **differs: Any) -> Outcome:
    """A move in the simulated lab whose staging area is full from a step on."""
    with catalogue.find("simulated").open(Start(differs=differs)) as opened:

        def listen(event: Event) -> None:
            if full_at and (event.kind, event.step) == ("acting", full_at):
                opened.faults.fill_disk(ORIGINAL, "staging")

        return Migration(opened.inventory, folder, opened.clock, Listeners(listen)).migrate()


def test_a_refusal_names_its_findings(tmp_path: Path) -> None:
    outcome = _migrate(tmp_path, storagedir="/var/lib/eucalyptus/walrus", eucalyptus_version={"additional": "3.1.2"})
    assert outcome.explain == tuple(dict.fromkeys(finding.id for finding in outcome.findings))
    assert len(outcome.explain) == 2
    assert all("finding" in kinds for kinds in _kinds(outcome).values())


def test_a_move_that_was_taken_back_names_the_step_that_failed(tmp_path: Path) -> None:
    outcome = _migrate(tmp_path, full_at="stage-store")
    assert outcome.outcome == "rolled_back"
    assert _kinds(outcome) == {"stage-store": ["step"], "rolled-back": ["error"]}


def test_a_finished_move_needs_no_explanation(tmp_path: Path) -> None:
    assert _migrate(tmp_path).explain == ()


def test_an_error_of_a_command_names_its_class(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking() -> None:
        raise LabUnavailable("there is no kernel here")

    monkeypatch.setattr("harness.labs.doctor.survey", lacking)
    monkeypatch.setattr(sys, "argv", ["walrus-ha", "doctor"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == LabUnavailable.exit_status
    assert "Explain with: walrus-ha explain lab-unavailable" in capsys.readouterr().err
