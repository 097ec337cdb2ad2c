"""Durability: no object is lost or changed, and at no moment looked at was there less than one complete copy."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.finding import Finding, Unknown, weigh
from harness.checks.manifests import differences, expected_at_the_end, lines, require
from harness.checks.phases import ever_moved, last_outcome, moved, retired
from harness.checks.replay import pair, world_at
from harness.evidence import Evidence

_OLD_STORE = ("old-store", "renamed aside")
_KEPT = {"staged": (_OLD_STORE, ("staging", "the staged copy")), "online": (_OLD_STORE,)}
_ENDED = ("completed", "rolled_back", "reversed", "reverse_taken_back", "refused")


def durability(evidence: Evidence) -> Finding:
    """What is served at the end is the frozen store, and a complete copy existed all along."""
    fine = "the served store is the frozen one, and a complete copy existed at every census"
    return weigh(
        "durability", evidence, (serves_something_else, lost_the_last_copy, lost_a_kept_copy, kept_a_retired_copy), fine
    )


def serves_something_else(evidence: Evidence) -> Iterator[str]:
    """A run that merely stopped may leave the place half filled, as long as no Walrus serves it."""
    if not moved(evidence) and last_outcome(evidence) not in _ENDED and not _enabled(evidence):
        return
    frozen = expected_at_the_end(evidence)
    served = require(evidence.served, "the served store")
    yield from lines("the served store", differences(frozen, served))


def lost_the_last_copy(evidence: Evidence) -> Iterator[str]:
    if evidence.driver == "vendor":
        return  # censuses look where our engine puts its copies; the vendor's text puts them elsewhere
    if not evidence.censuses:
        raise Unknown("no census of the copies was taken")
    for census in evidence.censuses:
        if not census.complete and not census.current:
            yield f"no complete copy existed {census.moment} (at {census.at:g} s)"
        elif census.current == []:
            yield f"no copy held what clients had written by then {census.moment} (at {census.at:g} s)"


def lost_a_kept_copy(evidence: Evidence) -> Iterator[str]:
    """The old store, and the staged copy where there is one, are kept whole until a person retires them."""
    if not ever_moved(evidence) or not evidence.censuses or evidence.driver == "vendor" or retired(evidence):
        return
    complete = evidence.censuses[-1].complete
    for place, what in _KEPT[evidence.strategy]:
        name = f"{evidence.original}:{place}"
        if name not in complete:
            yield f"{name}, {what}, is not complete any more (complete: {', '.join(complete) or 'nothing'})"


def kept_a_retired_copy(evidence: Evidence) -> Iterator[str]:
    """What was retired is gone, and the room is free: whoever believes the words would look for it elsewhere."""
    if not retired(evidence) or not evidence.censuses:
        return
    for place in ("old-store", "staging"):
        if f"{evidence.original}:{place}" in evidence.censuses[-1].complete:
            yield f"{evidence.original}:{place} was retired and is still there"


def _enabled(evidence: Evidence) -> bool:
    world = world_at(evidence)
    return any(world[host].walrus == "ENABLED" for host in pair(evidence))
