"""A broken engine put to a scenario in the simulated lab: what the checks say of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.checks.verdict import Verdict, judge
from harness.labs import catalogue
from harness.labs.simulated import VirtualClock
from harness.trials.scenario import Scenario
from harness.trials.scenario_files import load_scenarios
from harness.trials.trial import run_trial
from tests.broken.patching import Sabotage, broken

LONGEST_TRIAL_S = 7_200.0  # of the lab's own time: a small store never takes half as long
SLOWEST_BYTES_PER_S = 10e6  # what a sound engine moves a large store with, all its copies and readings counted


class NeverEnds(BaseException):
    """The trial has outlasted the longest time; no handler of the engine sees it."""


@dataclass(frozen=True)
class Ruling:
    """What became of a broken engine: FAIL is what it deserves. ``caught_by`` names the check."""

    verdict: Verdict
    caught_by: str
    reason: str
    scenario: str


def simulated_scenarios() -> dict[str, Scenario]:
    """Every scenario of the folder that the simulated lab can run, by name."""
    found = load_scenarios([catalogue.scenario_folder()])
    return {scenario.name: scenario for scenario in found if "simulated" in scenario.labs}


def rule(scenario: Scenario) -> Ruling:
    """Run the engine as it is now, broken or sound, and judge it. A crash or an endless wait is a FAIL of its own."""
    name = scenario.name
    with tempfile.TemporaryDirectory(prefix="walrus-ha-broken-") as workdir, pytest.MonkeyPatch.context() as patch:
        _bound_the_clock(patch, LONGEST_TRIAL_S + scenario.start.store.bytes / SLOWEST_BYTES_PER_S)
        try:
            judgement = judge(run_trial(scenario, catalogue.find("simulated"), Path(workdir)))
        except NeverEnds as endless:
            return Ruling(Verdict.FAIL, "bound", str(endless), name)
        except Exception as crash:  # noqa: BLE001 - whatever a broken engine dies of, its run has not ended well
            return Ruling(Verdict.FAIL, "crash", f"{type(crash).__name__}: {crash}", name)
    decisive = next((one.check for one in judgement.findings if one.verdict is judgement.verdict), "")
    return Ruling(judgement.verdict, decisive, judgement.reason, name)


def rule_broken(mistake: Sabotage, scenarios: Iterable[Scenario]) -> Ruling:
    """Put the broken engine to the scenarios, one after the other, until one catches it; the last ruling if none does.

    INCONCLUSIVE is no catch: nothing was said against the engine.
    """
    last: Ruling | None = None
    with broken(mistake):
        for scenario in scenarios:
            ruling = rule(scenario)
            if ruling.verdict is Verdict.FAIL:
                return ruling
            if last is None or ruling.verdict is not Verdict.PASS:
                last = ruling
    assert last is not None, f"{mistake.name}: no scenario was given"
    return last


def _bound_the_clock(patch: pytest.MonkeyPatch, longest_s: float) -> None:
    genuine = VirtualClock.sleep

    def sleep(self: VirtualClock, seconds: float) -> None:
        if self.now() > longest_s:
            raise NeverEnds(f"the trial has not ended after {longest_s:g} s of the lab's time")
        genuine(self, seconds)

    patch.setattr(VirtualClock, "sleep", sleep)
