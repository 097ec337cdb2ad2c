"""Kernel: what the hosts' kernels complained of is what the proven faults must lead to, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.checks.finding import Finding, weigh
from harness.checks.replay import in_order
from harness.evidence import Event, Evidence

_PROVING_S = 60.0  # a receipt is written once the fault is proven; the kernel may have complained while that was done
_SPLIT_BRAIN = re.compile(r"Split-Brain")
_DIFFERENT = re.compile(r"out of sync", re.IGNORECASE)
_CRASH = re.compile(r"\bBUG\b|\bOops\b|Kernel panic|Call Trace|ASSERT")


def kernel(evidence: Evidence) -> Finding:
    """Every complaint of a kernel has its cause in the scenario."""
    return weigh("kernel", evidence, (unexplained,), "the kernels complained of nothing but the faults")


def complained(evidence: Evidence) -> bool:
    """Whether a kernel complained at all."""
    return any(event.kind == "complaint" for event in evidence.events)


def unexplained(evidence: Evidence) -> Iterator[str]:
    for event in in_order(evidence):
        if event.kind == "complaint" and not _explained(evidence, event):
            yield f"the kernel of {event.host} said at {event.at:g} s, and no fault explains it: {event.detail}"


def _explained(evidence: Evidence, complaint: Event) -> bool:
    said = complaint.detail
    if _SPLIT_BRAIN.search(said):
        return "split brain" in evidence.claim.lower().replace("-", " ")
    if _CRASH.search(said):
        return False
    if _DIFFERENT.search(said):
        return _happened(evidence, complaint, "corrupt")  # both sides of the pair name the blocks
    return _happened(evidence, complaint, "disk_errors", complaint.host) or _happened(evidence, complaint, "corrupt")


def _happened(evidence: Evidence, complaint: Event, fault: str, host: str = "") -> bool:
    return any(
        receipt.proven and receipt.fault == fault and host in receipt.detail and receipt.at - _PROVING_S <= complaint.at
        for receipt in evidence.receipts
    )
