"""A kernel complains only of what the scenario did to it."""

from __future__ import annotations

import pytest

from harness.checks.kernel import complained, kernel
from harness.checks.verdict import judge
from harness.evidence import Event, Evidence, Receipt

from . import builders
from .asking import fails, passes

SPLIT = "block drbd1: Split-Brain detected but unresolved, dropping connection!"
BROKEN = "block drbd1: local READ IO error sector 15944+2 on dm-0"
DIFFERENT = "block drbd1: Out of sync: start=23432, size=8 (sectors)"
CRASH = "Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b"
AT = 100.0


def complaining(said: str, *receipts: Receipt, claim: str = "") -> Evidence:
    """A good trial in which the original's kernel said this."""
    evidence = builders.completed()
    evidence.events.append(Event(AT, builders.ORIGINAL, "complaint", said))
    evidence.receipts.extend(receipts)
    evidence.claim = claim or evidence.claim
    return evidence


@pytest.mark.parametrize("said", [SPLIT, BROKEN, DIFFERENT, CRASH])
def test_a_complaint_without_a_fault(said: str) -> None:
    fails(kernel, complaining(said), "the kernel of walrus00", said)


def test_an_io_error_on_the_disk_that_a_fault_broke() -> None:
    passes(kernel, complaining(BROKEN, Receipt(AT - 1, "disk_errors", True, "walrus00: reads fail")))


def test_an_io_error_on_another_disk_than_the_broken_one() -> None:
    fails(kernel, complaining(BROKEN, Receipt(AT - 1, "disk_errors", True, "walrus01: reads fail")), BROKEN)


def test_an_io_error_long_before_the_fault() -> None:
    fails(kernel, complaining(BROKEN, Receipt(AT + 100, "disk_errors", True, "walrus00: reads fail")), BROKEN)


def test_an_io_error_by_a_fault_that_is_not_proven() -> None:
    fails(kernel, complaining(BROKEN, Receipt(AT - 1, "disk_errors", False, "walrus00: nothing failed")), BROKEN)


def test_blocks_that_differ_after_one_was_changed() -> None:
    passes(kernel, complaining(DIFFERENT, Receipt(AT - 1, "corrupt", True, "walrus01:/dev/mapper/walrus-disk")))


def test_a_split_brain_that_the_scenario_is_about() -> None:
    passes(kernel, complaining(SPLIT, claim="after a split-brain the engine stops and says so"))


def test_a_crash_has_no_excuse() -> None:
    fails(kernel, complaining(CRASH, Receipt(AT - 1, "disk_errors", True, "walrus00: reads fail")), CRASH)


def test_only_evidence_with_a_complaint_is_asked() -> None:
    assert not complained(builders.completed())
    assert "kernel" not in {finding.check for finding in judge(builders.completed()).findings}
    assert "kernel" in {finding.check for finding in judge(complaining(BROKEN)).findings}
