"""Every engine with a planted mistake ends FAIL; the sound engine passes the same scenarios."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks.verdict import Verdict, judge
from harness.labs import catalogue
from harness.trials.scenario import Scenario, load_scenarios
from harness.trials.trial import run_trial
from tests.broken.sabotage import SABOTAGES, Sabotage, broken

SCENARIOS = {scenario.name: scenario for scenario in load_scenarios([catalogue.scenario_folder()])}


def _verdict(scenario: Scenario, workdir: Path) -> tuple[Verdict, str]:
    judgement = judge(run_trial(scenario, catalogue.find("simulated"), workdir))
    return judgement.verdict, judgement.reason


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_the_mistake_is_caught(sabotage: Sabotage, tmp_path: Path) -> None:
    with broken(sabotage):
        verdict, reason = _verdict(SCENARIOS[sabotage.scenario], tmp_path)
    assert verdict is Verdict.FAIL, reason


@pytest.mark.parametrize("name", sorted({sabotage.scenario for sabotage in SABOTAGES}))
def test_the_sound_engine_passes(name: str, tmp_path: Path) -> None:
    verdict, reason = _verdict(SCENARIOS[name], tmp_path)
    assert verdict is Verdict.PASS, reason
