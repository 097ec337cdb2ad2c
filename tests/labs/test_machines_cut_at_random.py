"""Machines with kernels of their own lose power at random moments of a move, which then ends completed or taken back.

How long the move takes on this machine is measured first, and the moments are spread over that. One cut more comes
right after the move, when nobody is there any more who would bring DRBD up.

``WALRUS_HA_CUTS`` sets how many moments are tried (``make cuts`` tries 40), ``WALRUS_HA_SEED`` which.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checks.verdict import Verdict, judge
from harness.labs import catalogue
from harness.trials.scenario_files import load_scenarios
from tests.labs.killing import AFTER_THE_END, VICTIMS, Cut, KilledTrial, cuts, killed_trial

CUTS = int(os.environ.get("WALRUS_HA_CUTS", "4"))
SEED = int(os.environ.get("WALRUS_HA_SEED", "2012"))
SHARES = [*cuts(CUTS, SEED, 1.0, VICTIMS), Cut("both", AFTER_THE_END)]  # of the move's time


def _named(cut: Cut) -> str:
    return f"{cut.victim} after the end" if math.isinf(cut.after_s) else f"{cut.victim} at {cut.after_s:.0%}"


@pytest.fixture(scope="module")
def move_s(tmp_path_factory: pytest.TempPathFactory, require_lab: Callable[[str], None]) -> float:
    """How long the move takes that nothing happens to."""
    require_lab("machines")
    trial = _trial(tmp_path_factory.mktemp("uncut"), None)
    (first, *_) = trial.evidence.attempts
    assert first.outcome == "completed", first.last_words
    return first.ended_at - first.started_at


def _trial(workdir: Path, cut: Cut | None) -> KilledTrial:
    (scenario,) = load_scenarios([Path(__file__).with_name("killed-engine-resumes.yaml")])
    return killed_trial(scenario, catalogue.find("machines"), workdir, cut)


@pytest.mark.xdist_group("walrus-ha-machines")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("share", SHARES, ids=_named)
def test_the_move_ends_completed_or_taken_back(share: Cut, move_s: float, tmp_path: Path) -> None:
    cut = replace(share, after_s=share.after_s * move_s)
    trial = _trial(tmp_path, cut)
    judgement = judge(trial.evidence)
    outcomes = [attempt.outcome for attempt in trial.evidence.attempts]
    print(f"seed {SEED}, {cut} of {move_s:.1f} s: {outcomes}, {judgement.verdict.value} {judgement.reason}")
    assert outcomes[-1] in ("completed", "rolled_back")
    assert judgement.verdict is Verdict.PASS, judgement.reason
