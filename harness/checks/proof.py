"""Proof: before anything was destroyed somebody looked, on that host, at what was about to be destroyed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from harness.checks.finding import Finding, weigh
from harness.checks.phases import recorded
from harness.checks.replay import pair, world_at
from harness.evidence import Evidence, Sent

_BLANK = ("blkid", "wipefs", "lsblk", "/proc/mounts", "/proc/swaps")
_STATE = ("/proc/drbd",)
# The words that make a command destroy, and what must have been asked since the host was last changed.
_NEEDED: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("create-md",), _BLANK),
    (("mkfs",), _BLANK),
    (("of=/dev/",), _BLANK),
    (("wipe-md",), ("blkid", *_STATE)),
    (("wipefs", "-a"), ("blkid",)),
    (("primary", "--force"), _STATE),
    (("--overwrite-data-of-peer", "primary"), _STATE),
    (("new-current-uuid",), _STATE),
    (("mount", "-t"), ("stat", "find", "/proc/mounts")),
)
_REMOVES = "rm"
_HASHERS = (" sha256sum ", " openssl dgst ")  # which read every byte
_STAGING = ("stage-store", "stage-second")
_KEPT = re.compile(r"keep [\w.-]+ \(\d+ bytes from \d+\)")  # what a run writes down there changes nothing it looked at
# The step that takes back, and below what it removes.
_REMOVED_IN = {
    **dict.fromkeys((*_STAGING, "copy-back"), "/"),
    **dict.fromkeys(("configure-drbd", "configure-walrus", "unconfigure"), "/etc/"),
}


def proof(evidence: Evidence) -> Finding:
    """Each destroying command follows a fresh look at what it destroys, and none removes the store."""
    looks = (destroyed_unseen, removed_the_store, retired_too_early)
    return weigh("proof", evidence, looks, "every destroying command came after a fresh look at what it destroys")


def destroyed_unseen(evidence: Evidence) -> Iterator[str]:
    seen: dict[str, list[str]] = defaultdict(list)
    for sent in evidence.sent:
        if _KEPT.fullmatch(sent.what):
            continue
        if sent.effect == "read":
            seen[sent.host].append(sent.what)
            continue
        if sent.effect == "destroy" and _REMOVES not in sent.what.split():
            needed = _needed(sent)
            if needed is None:
                yield f"{sent.host}: no check knows what `{sent.what}` must be preceded by"
            for word in needed or ():
                if not any(word in asked for asked in seen[sent.host]):
                    yield f"{sent.host}: `{sent.what}` at {sent.at:g} s, and nobody had looked at {word} just before"
        seen[sent.host] = []


def _needed(sent: Sent) -> tuple[str, ...] | None:
    return next((needed for words, needed in _NEEDED if all(word in sent.what for word in words)), None)


def removed_the_store(evidence: Evidence) -> Iterator[str]:
    """Only the staged copy and configuration files are ever removed, in the step that made them."""
    for sent in evidence.sent:
        words = sent.what.split()
        below = _REMOVED_IN.get(sent.step)
        if _by_retiring(evidence, sent):
            continue
        if sent.effect == "destroy" and _REMOVES in words and (below is None or not words[-1].startswith(below)):
            yield f"{sent.host}: `{sent.what}` at {sent.at:g} s in {sent.step or 'no step'} removes no staged copy"


def _by_retiring(evidence: Evidence, sent: Sent) -> bool:
    attempts = recorded(evidence)
    return sent.attempt <= len(attempts) and attempts[sent.attempt - 1].command == "retire"


def retired_too_early(evidence: Evidence) -> Iterator[str]:
    """What the move kept is deleted only while the pair serves it whole, only by its own path, and after a reading."""
    for number, sent in enumerate(evidence.sent):
        if sent.effect != "destroy" or not _by_retiring(evidence, sent):
            continue
        path = sent.what.split()[-1]
        where = f"{sent.host}: `{sent.what}` at {sent.at:g} s"
        if sent.host != evidence.original or path not in _kept(evidence.sent[:number]):
            yield f"{where} deletes what the move did not leave"
        if not _completed_before(evidence, sent):
            yield f"{where}, and no move was completed"
        own = [one for one in evidence.sent[:number] if one.attempt == sent.attempt]
        if not any(program in one.what for one in own for program in _HASHERS):
            yield f"{where}, and nobody had read the store back from the pair"
        yield from (f"{where}, and {lack}" for lack in _unreliable(evidence, sent.at))


def _kept(sent: list[Sent]) -> set[str]:
    """The paths that the move itself made or renamed: the staged copy, and the old store by its new name."""
    made = {one.what.split()[-1] for one in sent if one.step in _STAGING and one.what.startswith("mkdir ")}
    renames = [one.what.split() for one in sent if one.step == "set-store-aside" and one.what.startswith("mv ")]
    return made | {words[-1] for words in renames if words[-1].startswith(f"{words[-2]}.")}  # and not those back


def _completed_before(evidence: Evidence, sent: Sent) -> bool:
    before = recorded(evidence)[: sent.attempt - 1]
    return any(attempt.command == "migrate" and attempt.outcome == "completed" for attempt in before)


def _unreliable(evidence: Evidence, at: float) -> Iterator[str]:
    """What the lab's own events say against the pair at that moment."""
    world = world_at(evidence, at)
    for host in pair(evidence):
        seen = world[host]
        if (seen.disk or "UpToDate") != "UpToDate" or (seen.connection or "Connected") != "Connected":
            yield f"{host} was {seen.connection} with a disk that was {seen.disk}"
    if sum(world[host].walrus == "ENABLED" for host in pair(evidence)) != 1:
        yield "no Walrus was ENABLED"
