"""Every engine with a planted mistake ends FAIL; the sound engine passes the same scenarios."""

from __future__ import annotations

import pytest

from harness.checks.verdict import Verdict
from tests.broken.engines import SABOTAGES
from tests.broken.patching import Edit, Sabotage, broken, function_at
from tests.broken.survivors import SURVIVORS
from tests.broken.trials import rule, rule_broken, simulated_scenarios

SCENARIOS = simulated_scenarios()
_LEAST_CAUGHT = 0.95
_LEAST_MISTAKES = 80


@pytest.mark.parametrize("mistake", SABOTAGES, ids=lambda mistake: mistake.name)
def test_the_mistake_is_caught(mistake: Sabotage) -> None:
    ruling = rule_broken(mistake, (SCENARIOS[name] for name in mistake.scenarios))
    if mistake.name in SURVIVORS:
        assert ruling.verdict is not Verdict.FAIL, "it is caught now: take it off the list of survivors"
    else:
        assert ruling.verdict is Verdict.FAIL, f"{ruling.scenario}: {ruling.verdict.value} {ruling.reason}"


@pytest.mark.parametrize("name", sorted({name for mistake in SABOTAGES for name in mistake.scenarios}))
def test_the_sound_engine_passes(name: str) -> None:
    ruling = rule(SCENARIOS[name])
    assert ruling.verdict is Verdict.PASS, ruling.reason


def test_there_are_enough_mistakes_and_few_survive() -> None:
    names = [mistake.name for mistake in SABOTAGES]
    assert len(names) >= _LEAST_MISTAKES
    assert len(names) == len(set(names)), "two mistakes share a name"
    assert set(names) >= SURVIVORS.keys(), "a survivor that is no mistake any more"
    assert 1 - len(SURVIVORS) / len(names) >= _LEAST_CAUGHT


def test_a_mistake_is_gone_when_its_trial_is_over() -> None:
    edits = [(one, patch) for one in SABOTAGES for patch in one.patches if isinstance(patch, Edit)]
    for mistake, edit in edits[::10]:
        before = function_at(edit.where).__code__
        with broken(mistake):
            assert function_at(edit.where).__code__ is not before, mistake.name
        assert function_at(edit.where).__code__ is before, mistake.name
