"""Running the move again after success changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from harness.checks.finding import Verdict
from harness.checks.idempotence import idempotence
from harness.checks.verdict import judge

from . import builders
from .asking import cannot_tell, fails, passes


def test_a_rerun_that_only_looks_passes() -> None:
    passes(idempotence, builders.run_again())


@pytest.mark.parametrize("effect", ["write", "destroy"])
def test_a_rerun_that_changes_a_host(effect: Literal["write", "destroy"]) -> None:
    evidence = builders.run_again()
    evidence.sent[-1] = replace(evidence.sent[-1], what="drbdadm create-md r0", effect=effect)
    fails(
        idempotence, evidence, f"attempt 2 ran again after success and sent a {effect} to clc00: drbdadm create-md r0"
    )


def test_a_rerun_that_fails() -> None:
    evidence = builders.run_again()
    evidence.attempts[1] = replace(evidence.attempts[1], outcome="stopped", exit_status=4)
    fails(idempotence, evidence, "attempt 2 ran again after success and ended stopped")


def test_another_engine_in_between_does_not_shift_the_count() -> None:
    evidence = builders.run_again()
    other = replace(evidence.attempts[0], command="second_migrate", outcome="refused", exit_status=3)
    evidence.attempts.insert(0, other)
    passes(idempotence, evidence)
    evidence.sent[-1] = replace(evidence.sent[-1], effect="write")
    fails(idempotence, evidence, "attempt 2")


def test_no_rerun_to_judge() -> None:
    cannot_tell(idempotence, builders.completed(), "not run again")


def test_a_rerun_is_judged_even_where_no_scenario_asks() -> None:
    evidence = builders.run_again()
    evidence.sent[-1] = replace(evidence.sent[-1], effect="write")
    judgement = judge(evidence)
    assert (judgement.verdict, judgement.reason[:12]) == (Verdict.FAIL, "idempotence:")
