"""Foresight: a plan says what the move will do and how long it takes, and looking at it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.finding import Finding, Unknown, weigh
from harness.checks.phases import STOP
from harness.evidence import Attempt, Evidence, Look

_BY_ITSELF = frozenset({"wait-for-sync"})  # a sync may end before anybody comes to wait for it


def foresight(evidence: Evidence) -> Finding:
    """Each plan changed nothing, named the steps that the next attempt took, and bounded the length of the window."""
    looks = (nobody_looked, looked_and_changed, planned_otherwise, took_another_time)
    return weigh("foresight", evidence, looks, "the plan changed nothing and said what was done")


def nobody_looked(evidence: Evidence) -> Iterator[str]:
    if not evidence.looks:
        raise Unknown("nobody asked for a plan")
    yield from ()


def looked_and_changed(evidence: Evidence) -> Iterator[str]:
    for look in evidence.looks:
        for path in look.changed:
            yield f"looking at the plan at {look.at:g} s changed {path}"
        for sent in look.sent:
            yield f"looking at the plan at {look.at:g} s sent {sent}"


def planned_otherwise(evidence: Evidence) -> Iterator[str]:
    """The steps that act in the next attempt are those that the plan said, when that attempt reached the end."""
    for look in evidence.looks:
        attempt = _next(evidence, look)
        if attempt is None or attempt.outcome != "completed":
            continue
        for step in look.to_do:
            if step not in attempt.acted and step not in _BY_ITSELF:
                yield f"the plan at {look.at:g} s said that {step} would act, and it did not"
        for step in attempt.acted:
            if step not in look.to_do:
                yield f"{step} acted, and the plan at {look.at:g} s did not say so"


def took_another_time(evidence: Evidence) -> Iterator[str]:
    """The window of a move that nothing broke lies in the interval that was told before."""
    for look in evidence.looks:
        attempt = _next(evidence, look)
        if not look.window_s or attempt is None or attempt.outcome != "completed" or evidence.receipts:
            continue
        opened = next((s.at for s in evidence.sent if s.step == STOP and s.effect != "read"), None)
        if opened is None:
            raise Unknown("nothing tells when the services were stopped")
        took, (least, most) = attempt.ended_at - opened, look.window_s
        if not least <= took <= most:
            yield f"the services were down for {took:.0f} s, told before were {least:.0f} to {most:.0f} s"


def _next(evidence: Evidence, look: Look) -> Attempt | None:
    """The attempt that followed the look."""
    return evidence.attempts[look.attempts] if look.attempts < len(evidence.attempts) else None
