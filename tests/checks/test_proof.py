"""Proof fails when something is destroyed that nobody looked at just before, and when the store itself is removed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.checks.proof import proof
from harness.checks.verdict import Verdict, judge
from harness.evidence import Evidence, Sent
from tests.checks import builders


def without(evidence: Evidence, word: str) -> Evidence:
    evidence.sent = [sent for sent in evidence.sent if sent.effect != "read" or word not in sent.what]
    return evidence


def test_a_move_that_looks_before_it_destroys_passes() -> None:
    assert proof(builders.completed()).verdict is Verdict.PASS
    assert proof(builders.rolled_back()).verdict is Verdict.PASS


@pytest.mark.parametrize("probe", ["blkid", "wipefs", "lsblk", "/proc/mounts", "/proc/swaps", "/proc/drbd"])
def test_a_probe_that_is_skipped_is_found(probe: str) -> None:
    found = judge(without(builders.completed(), probe))
    assert found.verdict is Verdict.FAIL
    assert "proof" in [finding.check for finding in found.findings if finding.verdict is Verdict.FAIL]


def test_a_look_from_before_the_last_change_proves_nothing() -> None:
    evidence = builders.completed()
    at = next(n for n, sent in enumerate(evidence.sent) if "create-md" in sent.what)
    changed = replace(evidence.sent[at], what="dd if=/dev/urandom of=/dev/sdb", effect="write")
    evidence.sent.insert(at, changed)
    assert proof(evidence).verdict is Verdict.FAIL


def test_a_destroying_command_that_no_check_knows_is_found() -> None:
    evidence = builders.completed()
    last = evidence.sent[-1]
    evidence.sent.append(Sent(last.at + 1, 1, last.host, "hand-over", "shred /dev/sdc", "destroy", "status 0"))
    assert "no check knows" in proof(evidence).reason


def test_removing_the_store_is_found() -> None:
    evidence = builders.completed()
    last = evidence.sent[-1]
    evidence.sent.append(
        Sent(last.at + 1, 1, last.host, "set-store-aside", f"rm -rf -- {builders.STORE}", "destroy", "status 0")
    )
    assert "removes no staged copy" in proof(evidence).reason
