"""walrus-ha migrate, killed with SIGKILL at a random moment, completes when it is started again.

``WALRUS_HA_KILLS`` sets how many moments are tried (``make kills`` tries 20).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.checks.verdict import Verdict, judge
from harness.labs import catalogue
from harness.trials.scenario_files import load_scenarios
from tests.labs.killing import Cut, cuts, killed_trial

KILLS = int(os.environ.get("WALRUS_HA_KILLS", "3"))
SEED = int(os.environ.get("WALRUS_HA_SEED", "2012"))
LONGEST_S = 18.0


@pytest.mark.xdist_group("containers")
@pytest.mark.parametrize("cut", cuts(KILLS, SEED, LONGEST_S), ids=str)
def test_the_move_completes_after_a_kill(cut: Cut, tmp_path: Path, require_lab: Callable[[str], None]) -> None:
    require_lab("containers")
    (scenario,) = load_scenarios([Path(__file__).with_name("killed-engine-resumes.yaml")])
    trial = killed_trial(scenario, catalogue.find("containers"), tmp_path, cut)
    judgement = judge(trial.evidence)
    killed_in = trial.evidence.sent[-1].step if trial.evidence.sent else "the beginning"
    print(f"{cut}: ended {[a.outcome for a in trial.evidence.attempts]}, last step {killed_in}")
    assert trial.evidence.attempts[-1].outcome == "completed"
    assert judgement.verdict is Verdict.PASS, judgement.reason
