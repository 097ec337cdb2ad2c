"""The controller is lost at any command; another one adopts the run from the hosts, goes on, and all checks pass."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.checks.verdict import Verdict, judge
from harness.evidence import Evidence
from harness.labs import catalogue
from harness.migration.plan import PLANS
from harness.trials.expect import CheckName, Expect
from harness.trials.fault_kinds import AdoptedMeanwhile, At, AtCommand, OperatorOrder
from harness.trials.scenario import Scenario
from harness.trials.start import Before, StoreBefore
from harness.trials.trial import run_trial

SMALL = Before(store=StoreBefore(objects=8, bytes=65536))
EVERY = int(os.environ.get("WALRUS_HA_LOST_EVERY", "31"))  # 1: at each single command
FORWARD: list[CheckName] = ["durability", "exclusivity", "service", "replica"]
BACK: list[CheckName] = ["durability", "exclusivity", "service", "reversibility"]


def trial(folder: Path, **story: object) -> Evidence:
    told = {"claim": "told by a test", "labs": ["simulated"], "start": SMALL, "not_in": {}, "first": [], **story}
    blank = Scenario.model_construct(name="told", source="a test")
    whole = {"driver": "engine", "choices": None, "faults": [], "then": [], "beside": None, "beside_of": "", **told}
    return run_trial(Scenario.model_construct(**{**dict(blank), **whole}), catalogue.find("simulated"), folder)


def require_pass(evidence: Evidence) -> None:
    failed = [one for one in judge(evidence).findings if one.verdict is not Verdict.PASS]
    said = [f"{one.check}: {one.reason}" for one in failed]
    assert not said, (said, [attempt.last_words for attempt in evidence.attempts])


def commands_of_a_move(folder: Path) -> tuple[int, int]:
    """How many a move sends, and which one is the first that claims a host."""
    evidence = trial(folder, expect=Expect(outcome="completed", checks=FORWARD))
    require_pass(evidence)
    claiming = next(number for number, sent in enumerate(evidence.sent, 1) if sent.what.startswith("claim"))
    return len(evidence.sent), claiming


@pytest.mark.parametrize("moment", ["not_sent", "done"])
@pytest.mark.parametrize("end", ["resume", "rollback"])
def test_whichever_command_the_controller_is_lost_at(tmp_path: Path, moment: str, end: str) -> None:
    """Lost for good: what its folder holds is never read again."""
    count, claiming = commands_of_a_move(tmp_path / "whole")
    assert count > 200
    start = 1 + (0 if moment == "done" else EVERY // 2) + (0 if end == "resume" else EVERY // 4)
    for number in range(min(start, count), count + 1, EVERY):
        lost = AtCommand(do="at_command", number=number, fault="kill_engine", moment=moment)  # type: ignore[arg-type]  # the parameters are plain words
        evidence = trial(
            tmp_path / f"{number}",
            faults=[lost],
            then=["adopt", end, *(["resume"] if end == "rollback" else [])],
            expect=Expect(outcome="completed", checks=FORWARD),
        )
        outcomes = [attempt.outcome for attempt in evidence.attempts]
        if outcomes[1] == "refused":  # it was lost before it had claimed a host
            assert number <= claiming, (number, evidence.attempts[1].last_words)
            continue
        assert outcomes[1] == "adopted", (number, evidence.attempts[1].last_words)
        if outcomes[2] == "reversed":  # the commit was behind it: what follows would be another move
            evidence = trial(
                tmp_path / f"{number}-back",
                faults=[lost],
                then=["adopt", end],
                expect=Expect(outcome="reversed", checks=BACK),
            )
        require_pass(evidence)


@pytest.mark.parametrize("step", ["stop-services", "restore-store", "start-services"])
@pytest.mark.parametrize("then", ["migrate", "rollback"])
def test_a_first_engine_that_wakes_up_late_has_no_effect(tmp_path: Path, step: str, then: str) -> None:
    asleep = AdoptedMeanwhile(do="adopted_meanwhile", then=then, at=At(step=step, moment="before"))  # type: ignore[arg-type]  # the parameters are plain words
    evidence = trial(tmp_path, faults=[asleep], expect=Expect(outcome="operator_needed", checks=["durability"]))
    woke_at = next(receipt.at for receipt in evidence.receipts if receipt.fault == "adopted_meanwhile")
    effects = [sent for sent in evidence.sent if sent.at > woke_at and sent.effect != "read"]
    told = "another controller adopted this run" in evidence.attempts[-1].last_words
    assert effects or told, "it tried nothing and was told nothing, so nothing was shown"
    assert [sent for sent in effects if sent.outcome != "Fenced"] == []
    assert evidence.attempts[-1].exit_status == 5


MAY_HAVE_NOTHING_TO_DO = ("first-sync", "catch-up", "wait-for-sync")  # in a store as small as this one
STEPS = [(strategy, step.name) for strategy in ("staged", "online") for step in PLANS[strategy]()]


@pytest.mark.parametrize(("strategy", "step"), STEPS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_abort_at_any_step_takes_back_or_halts(tmp_path: Path, strategy: str, step: str, moment: str) -> None:
    order = OperatorOrder(do="order", order="abort", at=At(step=step, moment=moment))  # type: ignore[arg-type]  # the parameters are plain words
    names = [step.name for step in PLANS[strategy]()]
    committed = names.index(step) + (moment == "after") > names.index("commit")
    evidence = trial(
        tmp_path,
        start=SMALL.model_copy(update={"strategy": strategy}),
        faults=[order],
        then=["resume"] if committed else [],
        expect=Expect(
            outcome="completed" if committed else "rolled_back",
            checks=FORWARD if committed else BACK,
        ),
    )
    if step in MAY_HAVE_NOTHING_TO_DO and step not in evidence.attempts[0].acted:
        return
    require_pass(evidence)
    first = evidence.attempts[0].outcome
    assert first == ("stopped" if committed else "rolled_back") or step == "confirm-service", first
