"""Machines with kernels of their own lose power at random moments of a move, which then ends completed or taken back.

One cut more comes right after the move, when nobody is there any more who would bring DRBD up.

``WALRUS_HA_CUTS`` sets how many moments are tried (``make cuts`` tries 40), ``WALRUS_HA_SEED`` which.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.checks.verdict import Verdict, judge
from harness.labs import catalogue
from harness.trials.scenario_files import load_scenarios
from tests.labs.killing import AFTER_THE_END, VICTIMS, Cut, cuts, killed_trial

CUTS = int(os.environ.get("WALRUS_HA_CUTS", "4"))
SEED = int(os.environ.get("WALRUS_HA_SEED", "2012"))
LONGEST_S = 40.0


@pytest.mark.xdist_group("walrus-ha-machines")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("cut", [*cuts(CUTS, SEED, LONGEST_S, VICTIMS), Cut("both", AFTER_THE_END)], ids=str)
def test_the_move_ends_completed_or_taken_back(cut: Cut, tmp_path: Path, require_lab: Callable[[str], None]) -> None:
    require_lab("machines")
    (scenario,) = load_scenarios([Path(__file__).with_name("killed-engine-resumes.yaml")])
    trial = killed_trial(scenario, catalogue.find("machines"), tmp_path, cut)
    judgement = judge(trial.evidence)
    outcomes = [attempt.outcome for attempt in trial.evidence.attempts]
    print(f"seed {SEED}, {cut}: {outcomes}, {judgement.verdict.value} {judgement.reason}")
    assert outcomes[-1] in ("completed", "rolled_back")
    assert judgement.verdict is Verdict.PASS, judgement.reason
