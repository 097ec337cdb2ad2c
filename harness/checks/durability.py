"""Durability: no object is lost or changed, and at no moment looked at was there less than one complete copy."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.finding import Finding, Unknown, weigh
from harness.checks.groundwork import snapshot_of
from harness.checks.manifests import differences, expected_at_the_end, lines, require
from harness.checks.phases import ever_moved, last_outcome, moved, retired
from harness.checks.replay import in_order, pair, world_at
from harness.evidence import BEFORE_ERASING, Event, Evidence

_OLD_STORE = ("old-store", "renamed aside")
_STAGED, _SECOND = ("staging", "the staged copy"), ("second-staging", "the second staged copy")
_KEPT = {"staged": (_OLD_STORE, _STAGED), "online": (_OLD_STORE,)}
_KEPT_OF_A_REUSED_DEVICE = (_STAGED, _SECOND)
_ENDED = ("completed", "rolled_back", "reversed", "reverse_taken_back", "refused")


def durability(evidence: Evidence) -> Finding:
    """What is served at the end is the frozen store, and a complete copy existed all along."""
    fine = "the served store is the frozen one, and a complete copy existed at every census"
    looks = (serves_something_else, lost_the_last_copy, erased_too_early, lost_a_kept_copy, kept_a_retired_copy)
    return weigh("durability", evidence, looks, fine)


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


def erased_too_early(evidence: Evidence) -> Iterator[str]:
    """A device that holds the store itself is erased only while two complete copies lie elsewhere, by the lab's look.

    The look is the last one before the erasing, taken when the engine set about it.
    """
    if not evidence.reuses_device:
        return
    before = snapshot_of(evidence.before, evidence.original)
    if before is None:
        raise Unknown(f"nobody saw what was mounted on {evidence.original} before")
    for event in _erasing(evidence, {device for device, _ in before.mounts}):
        seen = [census for census in evidence.censuses if census.at <= event.at and census.moment == BEFORE_ERASING]
        if not seen:
            yield f"`{event.detail}` at {event.at:g} s, before the step that may"
        for place, what in _KEPT_OF_A_REUSED_DEVICE:
            if seen and f"{evidence.original}:{place}" not in seen[-1].complete:
                there = ", ".join(seen[-1].complete) or "nothing"
                yield f"`{event.detail}` at {event.at:g} s without {what} (complete: {there})"


def _erasing(evidence: Evidence, disks: set[str]) -> Iterator[Event]:
    """What destroys the store on its own disk: the first on it since it was mounted there."""
    held = set(disks)
    for event in in_order(evidence):
        on = disks & set(event.detail.split()) if event.host == evidence.original else set()
        if event.kind == "mount":
            held |= on
        elif event.kind == "destroy" and on & held:
            held -= on
            yield event


def lost_a_kept_copy(evidence: Evidence) -> Iterator[str]:
    """The old store, and the staged copy where there is one, are kept whole until a person retires them."""
    if not ever_moved(evidence) or not evidence.censuses or evidence.driver == "vendor" or retired(evidence):
        return
    complete = evidence.censuses[-1].complete
    kept = _KEPT_OF_A_REUSED_DEVICE if evidence.reuses_device else _KEPT[evidence.strategy]
    for place, what in kept:
        name = f"{evidence.original}:{place}"
        if name not in complete and not (
            _damaged(evidence) and any(f"{evidence.original}:{p}" in complete for p, _ in kept)
        ):
            yield f"{name}, {what}, is not complete any more (complete: {', '.join(complete) or 'nothing'})"


def _damaged(evidence: Evidence) -> bool:
    """The scenario let one of two staged copies rot: then the other one is what is kept."""
    return evidence.reuses_device and any(one.proven and one.fault == "corrupt" for one in evidence.receipts)


def kept_a_retired_copy(evidence: Evidence) -> Iterator[str]:
    """What was retired is gone, and the room is free: whoever believes the words would look for it elsewhere."""
    if not retired(evidence) or not evidence.censuses:
        return
    for place in ("old-store", "staging", "second-staging"):
        if f"{evidence.original}:{place}" in evidence.censuses[-1].complete:
            yield f"{evidence.original}:{place} was retired and is still there"


def _enabled(evidence: Evidence) -> bool:
    world = world_at(evidence)
    return any(world[host].walrus == "ENABLED" for host in pair(evidence))
