"""Clients read their objects, from exactly one Walrus."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.checks.service import service
from harness.evidence import Event, Evidence, Manifest

from . import builders
from .asking import cannot_tell, fails, passes
from .builders import ADDITIONAL, ORIGINAL


def _finally(evidence: Evidence, **states: str) -> Evidence:
    for host, state in states.items():
        evidence.events.append(Event(9_999.0, host, "walrus", state))
    return evidence


def test_an_object_that_is_not_there_any_more() -> None:
    evidence = builders.completed()
    evidence.reads[-1] = replace(evidence.reads[-1], status=404, sha256=None)
    fails(service, evidence, "object snapset-1/snap-1 could not be read back: status 404")


def test_an_object_with_other_content() -> None:
    evidence = builders.rolled_back()
    evidence.reads[-1] = replace(evidence.reads[-1], sha256="0" * 64)
    fails(service, evidence, "snapset-1/snap-1", "other content")


def test_no_object_was_read() -> None:
    evidence = builders.completed()
    evidence.reads = builders.reads("before")
    cannot_tell(service, evidence, "no object was read after the trial")


def test_an_empty_store_has_no_object_to_read() -> None:
    evidence = builders.completed()
    evidence.frozen = Manifest([builders.entry(".", "directory")])
    evidence.reads = []
    passes(service, evidence)


@pytest.mark.parametrize("additional", ["ENABLED", "NOTREADY", "STOPPED", "BROKEN"])
def test_after_a_move_one_is_enabled_and_one_disabled(additional: str) -> None:
    fails(service, _finally(builders.completed(), walrus01=additional), f"{additional} on walrus01", "one DISABLED")


def test_after_a_move_either_may_be_the_enabled_one() -> None:
    passes(service, _finally(builders.completed(), walrus00="DISABLED", walrus01="ENABLED"))


def test_after_a_move_a_host_without_power_is_no_pair() -> None:
    evidence = builders.completed()
    evidence.events.append(Event(9_999.0, ADDITIONAL, "power", "off"))
    fails(service, evidence, "STOPPED on walrus01")


def test_what_the_cloud_believes_of_a_dead_host_does_not_count() -> None:
    evidence = builders.completed()
    evidence.events.append(Event(9_998.0, ADDITIONAL, "power", "off"))
    fails(service, _finally(evidence, walrus01="DISABLED"), "STOPPED on walrus01")


def test_a_host_of_which_nothing_was_told() -> None:
    evidence = builders.completed()
    evidence.events = [event for event in evidence.events if (event.host, event.kind) != (ADDITIONAL, "walrus")]
    cannot_tell(service, evidence, "state of Walrus on walrus01")


@pytest.mark.parametrize("build", [builders.rolled_back, builders.refused])
def test_without_a_move_the_original_serves(build: object) -> None:
    assert callable(build)
    fails(service, _finally(build(), walrus00="DISABLED"), "walrus00 is DISABLED at the end, expected ENABLED")
    fails(service, _finally(build(), walrus01="ENABLED"), "walrus01 is ENABLED", "did not happen")


def test_nobody_knows_whether_the_original_ever_served() -> None:
    evidence = builders.refused()
    evidence.reads = builders.reads("after")
    cannot_tell(service, evidence, ORIGINAL, "ever served")


def test_a_stop_past_the_commit_leaves_one_walrus_serving() -> None:
    evidence = builders.completed()
    evidence.attempts = [replace(evidence.attempts[0], outcome="stopped", exit_status=4)]
    passes(service, evidence)
    fails(service, _finally(evidence, walrus01="ENABLED"), "past the commit 2 Walruses are ENABLED")


def test_a_stop_with_nobody_serving_is_for_a_person_to_go_on() -> None:
    passes(service, builders.stopped())


def test_a_run_that_stopped_although_a_walrus_serves_must_still_serve_objects() -> None:
    evidence = builders.stopped()
    evidence.events.append(Event(9_998.0, ORIGINAL, "power", "on"))
    cannot_tell(service, _finally(evidence, walrus00="ENABLED"), "no object was read")
