"""What a sweep saves of a failure begins as the trial began: a scenario that starts otherwise would show nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.labs import catalogue
from harness.trials.scenario_files import load_scenarios
from harness.trials.sweep.points import Point
from harness.trials.sweep.shrink import save, scenario_text
from harness.trials.sweep.single import run_single
from harness.trials.sweep.slices import Spec


@pytest.mark.parametrize("name", ["success-reuse-device", "success-online", "success-on-hosts-with-systemd"])
def test_the_saved_scenario_has_the_start_of_the_trial(name: str, tmp_path: Path) -> None:
    (scenario,) = load_scenarios([catalogue.scenario_folder() / f"{name}.yaml"])
    start = scenario.start.to_lab()
    spec = Spec(start=start)
    told = run_single(spec, (Point(3, "fail", "sent"),))
    (saved,) = load_scenarios([save(tmp_path, name, scenario_text(spec, told))])
    found = saved.start.to_lab()
    assert replace(found, settings={}, store=start.store) == replace(start, settings={})
    assert {**found.settings} == {**start.settings}
