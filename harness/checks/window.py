"""Window: for how long no client could read anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from harness.checks.finding import Finding, Unknown, weigh
from harness.checks.phases import STOP
from harness.checks.replay import Seen, World, in_order, pair
from harness.evidence import Attempt, Evidence


def window(evidence: Evidence) -> Finding:
    """No Walrus was ENABLED for at most as long as the scenario allows."""
    return weigh("window", evidence, (closed_for_too_long,), f"no Walrus served for {unserved_s(evidence) or 0:.1f} s")


def closed_for_too_long(evidence: Evidence) -> Iterator[str]:
    bound, took = evidence.expectation.window_at_most_s, unserved_s(evidence)
    if took is None:
        raise Unknown("nothing tells whether the original served when the move began")
    if bound is not None and took > bound:
        yield f"no Walrus served for {took:.1f} s, allowed {bound:g} s"


def window_s(evidence: Evidence, attempt: Attempt) -> float | None:
    """Seconds from the first change of the step that stops the services to the end of an attempt; None: not known."""
    opened = next((one.at for one in evidence.sent if one.step == STOP and one.effect != "read"), None)
    return None if opened is None else attempt.ended_at - opened


def unserved_s(evidence: Evidence) -> float | None:
    """Seconds without an ENABLED Walrus from the first attempt's start to the last one's end; None when not known."""
    if not evidence.attempts or not any(read.when == "before" and read.status == 200 for read in evidence.reads):
        return None
    begin, end = evidence.attempts[0].started_at, evidence.attempts[-1].ended_at
    total, since, served = 0.0, begin, True
    world: World = defaultdict(Seen)
    for event in in_order(evidence):
        at = min(max(event.at, begin), end)
        if not served:
            total += at - since
        since = at
        world[event.host].take(event)
        served = _somebody_serves(evidence, world)
    return total if served else total + end - since


def _somebody_serves(evidence: Evidence, world: World) -> bool:
    """Of the original no event tells until its state changes: it serves as it did before."""
    original, additional = pair(evidence)
    return world[original].walrus in ("", "ENABLED") or world[additional].walrus == "ENABLED"
