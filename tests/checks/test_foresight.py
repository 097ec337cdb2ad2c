"""Foresight fails when looking changed something, when another step acted than was shown, and when time ran away."""

from __future__ import annotations

from dataclasses import replace

from harness.checks.foresight import foresight
from harness.checks.verdict import Verdict
from harness.evidence import Evidence, Look
from tests.checks import builders

ACTED = ["stop-services", "stage-store"]


def looked(look: Look | None = None) -> Evidence:
    evidence = builders.completed()
    evidence.attempts[0] = replace(evidence.attempts[0], acted=list(ACTED))
    evidence.looks = [look or Look(0.0, 0, list(ACTED))]
    return evidence


def test_a_plan_that_was_kept_passes() -> None:
    assert foresight(looked()).verdict is Verdict.PASS


def test_without_a_look_nothing_is_known() -> None:
    assert foresight(builders.completed()).verdict is Verdict.INCONCLUSIVE


def test_a_look_that_changed_something_is_found() -> None:
    assert foresight(looked(Look(0.0, 0, list(ACTED), changed=["original:/etc/fstab"]))).verdict is Verdict.FAIL
    assert foresight(looked(Look(0.0, 0, list(ACTED), sent=["walrus00: mkdir -p /x"]))).verdict is Verdict.FAIL


def test_a_step_that_was_not_shown_is_found() -> None:
    assert "did not say so" in foresight(looked(Look(0.0, 0, ["stop-services"]))).reason


def test_a_step_that_was_shown_and_never_came_is_found() -> None:
    assert "it did not" in foresight(looked(Look(0.0, 0, [*ACTED, "commit"]))).reason


def test_a_sync_that_ended_by_itself_is_no_broken_promise() -> None:
    assert foresight(looked(Look(0.0, 0, [*ACTED, "wait-for-sync"]))).verdict is Verdict.PASS


def test_a_window_that_took_another_time_is_found() -> None:
    evidence = looked(Look(0.0, 0, list(ACTED), window_s=[0.0, 1e6]))
    assert foresight(evidence).verdict is Verdict.PASS
    for interval in ([1e5, 1e6], [0.0, 0.5]):
        assert "the services were down" in foresight(looked(Look(0.0, 0, list(ACTED), window_s=interval))).reason
