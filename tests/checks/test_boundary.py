"""Boundary fails when a file changed that is no part of the plan, and says nothing of those that are."""

from __future__ import annotations

import pytest

from harness.checks.boundary import boundary
from harness.checks.verdict import Verdict, judge
from harness.evidence import Event, Receipt
from tests.checks import builders

PLANNED = ["/etc/fstab file", "/etc/drbd.conf.before-walrus-ha file", "/var/lib/eucalyptus/keys/euca.p12 file"]


def verdict(*changed: str) -> Verdict:
    evidence = builders.completed()
    evidence.changed = [f"{builders.ORIGINAL}:{line}" for line in changed]
    return judge(evidence).verdict


def test_planned_changes_and_the_directories_around_them_pass() -> None:
    assert verdict(*PLANNED, "/etc directory", "/var directory") is Verdict.PASS


@pytest.mark.parametrize(
    "stray",
    ["/etc/passwd file", "/etc/fstab2 file", "/var/lib/eucalyptus/db/walrus file", "/etc/drbd.d/other.res file"],
)
def test_anything_else_that_changed_is_found(stray: str) -> None:
    assert verdict(*PLANNED, stray) is Verdict.FAIL


def test_what_a_boot_writes_by_itself_counts_only_without_a_boot() -> None:
    evidence = builders.completed()
    evidence.changed = [f"{builders.ORIGINAL}:/etc/resolv.conf file"]
    assert boundary(evidence).verdict is Verdict.FAIL
    evidence.events.append(Event(1e6, builders.ORIGINAL, "power", "on"))
    assert boundary(evidence).verdict is Verdict.PASS


def test_what_a_network_writes_when_its_cable_is_back_counts_only_without_a_cut() -> None:
    evidence = builders.completed()
    evidence.changed = [f"{builders.ORIGINAL}:/etc/hosts file"]
    assert boundary(evidence).verdict is Verdict.FAIL
    evidence.receipts.append(Receipt(1e6, "heal_link", True, "the cable"))
    assert boundary(evidence).verdict is Verdict.PASS
