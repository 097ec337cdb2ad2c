"""With the same store, disks and link an online move is down for a tenth of the staged one's time at most."""

from __future__ import annotations

from pathlib import Path

from harness.checks.verdict import Verdict, judge
from harness.evidence import Evidence
from harness.labs import catalogue
from harness.trials.scenario_files import load_scenarios
from harness.trials.trial import run_trial

_TEXT = """claim: the same large store is moved by the {strategy} strategy
labs: [simulated]
start:
  strategy: {strategy}
  store: {{objects: 40, bytes: 200GiB, seed: 7, hostile_names: false}}
  device_bytes: 300GiB
  settings: {{sync_rate: 100M}}
expect: {{outcome: completed}}
"""


def _moved(strategy: str, folder: Path) -> Evidence:
    path = folder / f"by-{strategy}.yaml"
    path.write_text(_TEXT.format(strategy=strategy))
    (scenario,) = load_scenarios([path])
    evidence = run_trial(scenario, catalogue.find("simulated"), folder / strategy)
    judgement = judge(evidence)
    assert judgement.verdict is Verdict.PASS, judgement.reason
    return evidence


def test_the_window_shrinks_to_a_tenth(tmp_path: Path) -> None:
    staged, online = _moved("staged", tmp_path), _moved("online", tmp_path)
    assert staged.unserved_s is not None
    assert online.unserved_s is not None
    assert online.unserved_s <= 0.1 * staged.unserved_s, f"online {online.unserved_s} s, staged {staged.unserved_s} s"
