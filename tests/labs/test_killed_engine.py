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
from harness.trials.scenario import load_scenarios
from tests.labs.killing import killed_trial, moments

KILLS = int(os.environ.get("WALRUS_HA_KILLS", "3"))
SEED = int(os.environ.get("WALRUS_HA_SEED", "2012"))
LONGEST_S = 18.0


@pytest.mark.xdist_group("containers")
@pytest.mark.parametrize("moment_s", moments(KILLS, SEED, LONGEST_S), ids=lambda moment: f"{moment:.2f}s")
def test_the_move_completes_after_a_kill(moment_s: float, tmp_path: Path, require_lab: Callable[[str], None]) -> None:
    require_lab("containers")
    (scenario,) = load_scenarios([Path(__file__).with_name("killed-engine-resumes.yaml")])
    trial = killed_trial(scenario, catalogue.find("containers"), tmp_path, moment_s)
    judgement = judge(trial.evidence)
    killed_in = trial.evidence.sent[-1].step if trial.evidence.sent else "the beginning"
    print(f"killed after {moment_s:.2f} s, ended {[a.outcome for a in trial.evidence.attempts]}, last step {killed_in}")
    assert judgement.verdict is Verdict.PASS, judgement.reason
