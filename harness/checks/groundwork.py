"""Groundwork: is the evidence good enough to judge by? What is missing here makes the trial INCONCLUSIVE."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.finding import Finding, Unknown, Verdict, headline
from harness.checks.manifests import require_frozen
from harness.checks.phases import recorded
from harness.checks.replay import KINDS
from harness.evidence import Evidence, HostSnapshot


def groundwork(evidence: Evidence) -> Finding:
    """Every fault proven, every call modelled, every part of the evidence there."""
    doubts = [*another_world(evidence), *_gaps(evidence)]
    if doubts:
        return Finding("groundwork", Verdict.INCONCLUSIVE, headline(doubts), tuple(doubts))
    return Finding("groundwork", Verdict.PASS, "the evidence is complete and every fault is proven")


def another_world(evidence: Evidence) -> Iterator[str]:
    """Signs that the trial did not happen in the world that its scenario describes: its outcome then proves nothing."""
    for receipt in evidence.receipts:
        if not receipt.proven:
            yield f"the fault {receipt.fault} is not proven to have happened: {receipt.detail}"
    for call in evidence.unsupported:
        yield f"a fake was called in a way that it does not model: {call}"


def snapshot_of(snapshots: list[HostSnapshot], host: str) -> HostSnapshot | None:
    """The host's snapshot among them."""
    return next((snapshot for snapshot in snapshots if snapshot.host == host), None)


def _gaps(evidence: Evidence) -> Iterator[str]:
    yield from (f"the trial could not find something out: {note}" for note in evidence.notes)
    if not evidence.expectation.checks:
        yield "the scenario names no check, so nothing was asked"
    if not evidence.attempts:
        yield "the engine was never run"
    yield from _no_frozen_manifest(evidence)
    yield from _no_snapshots(evidence)
    yield from _stray_requests(evidence)
    yield from _unknown_events(evidence)


def _no_frozen_manifest(evidence: Evidence) -> Iterator[str]:
    try:
        require_frozen(evidence.frozen)
    except Unknown as missing:
        yield str(missing)


def _no_snapshots(evidence: Evidence) -> Iterator[str]:
    for when, snapshots in (("before", evidence.before), ("after", evidence.after)):
        for host in (evidence.original, evidence.additional):
            if snapshot_of(snapshots, host) is None:
                yield f"there is no snapshot of {host} {when} the trial"


def _stray_requests(evidence: Evidence) -> Iterator[str]:
    """Requests that belong to no recorded attempt could not be charged to anybody."""
    known = len(recorded(evidence))
    stray = [sent for sent in evidence.sent if not 1 <= sent.attempt <= known]
    if stray:
        yield f"{len(stray)} request(s) belong to none of {known} attempt(s), first of attempt {stray[0].attempt}"


def _unknown_events(evidence: Evidence) -> Iterator[str]:
    """An event that no check understands could be the very one that matters."""
    unknown = sorted({event.kind for event in evidence.events} - KINDS)
    if unknown:
        yield f"the lab recorded events of a kind that no check knows: {', '.join(unknown)}"
