"""Exclusivity: one Primary, one mount, one direction, and no writer while the store is being copied."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.checks.finding import Finding, Unknown, weigh
from harness.checks.groundwork import snapshot_of
from harness.checks.phases import (
    AHEAD,
    FOREVER,
    RESTORE,
    Quiet,
    committed_at,
    moved,
    quiet_times,
    reverse_committed_at,
)
from harness.checks.replay import STOPPED, Seen, World, in_order, pair, replay, world_at
from harness.evidence import Event, Evidence

_REPLICATED = "/dev/drbd"
_CLOCKS_AGREE_S = 0.05  # the kernel's log goes by its host's clock, what was sent by ours
_DISCARDING = re.compile(r"^\s*(after-sb-\dpri\s+(?:discard-\S+|violently-\S+|consensus))\s*;", re.MULTILINE)


def exclusivity(evidence: Evidence) -> Finding:
    """Nothing ever had two owners."""
    looks = (
        two_primaries,
        mounted_twice,
        walrus_while_quiet,
        additional_serves_before_commit,
        started_on_an_unfinished_pair,
        synchronised_the_wrong_way,
        discarded,
        would_discard,
        made_anew_after_restore,
        made_anew_after_copying_ahead,
        forced_after_restore,
        split_brain,
    )
    return weigh("exclusivity", evidence, looks, "one Primary, one mount, one direction, no writer while copying")


def two_primaries(evidence: Evidence) -> Iterator[str]:
    for event, world in replay(evidence):
        if event.kind == "role" and event.detail == "Primary":
            for host, seen in world.items():
                if host != event.host and seen.role == "Primary":
                    yield f"{event.host} became Primary at {event.at:g} s while {host} was Primary"


def mounted_twice(evidence: Evidence) -> Iterator[str]:
    for event, world in replay(evidence):
        if event.kind != "mount":
            continue
        device, _, place = event.detail.partition(" ")
        for host, seen in world.items():
            for other, where in seen.mounts:
                if other == device and (host == event.host or device.startswith(_REPLICATED)):
                    yield (
                        f"{event.host} mounted {device} on {place} at {event.at:g} s "
                        f"while it was mounted on {where} of {host}"
                    )


def walrus_while_quiet(evidence: Evidence) -> Iterator[str]:
    times = quiet_times(evidence)
    if moved(evidence) and not times:
        raise Unknown("the move was completed, but no request ever froze the manifest")
    for quiet in times:
        for host in pair(evidence):
            yield from _runs_at_freeze(evidence, quiet, host)
        for event, world in replay(evidence):
            if _starts(event, world) and quiet.holds(event.at) and not _by_an_outsider(evidence, quiet, event):
                yield f"Walrus on {event.host} became {event.detail} at {event.at:g} s, between freeze and commit"


def _by_an_outsider(evidence: Evidence, quiet: Quiet, event: Event) -> bool:
    """The scenario let somebody else start the service; excused only where the move was not committed then."""
    started = any(
        receipt.proven and receipt.fault == "outsider" and receipt.detail.startswith(f"{event.host}: `service ")
        for receipt in evidence.receipts
    )
    return started and not quiet.committed


def _starts(event: Event, world: World) -> bool:
    """A Walrus process shows itself; of a dead host the cloud only says what it believes."""
    return event.kind == "walrus" and event.detail != STOPPED and world[event.host].powered


def _runs_at_freeze(evidence: Evidence, quiet: Quiet, host: str) -> Iterator[str]:
    """Where no event told of a host so far, it is as the first snapshot shows it."""
    state = world_at(evidence, quiet.start)[host].walrus
    if not state:
        before = snapshot_of(evidence.before, host)
        if before is None or not before.reachable:
            raise Unknown(f"nothing tells whether Walrus ran on {host} when the manifest was frozen")
        ran = any(service.get("running") for service in before.services.values())
        state = "running, never stopped," if ran else STOPPED
    if state != STOPPED:
        yield f"Walrus on {host} was {state} when the manifest was frozen at {quiet.start:g} s"


def additional_serves_before_commit(evidence: Evidence) -> Iterator[str]:
    """Before the commit the additional host has no store of its own: ENABLED there means an empty or partial one."""
    for event in _before_commit(evidence):
        if (event.kind, event.host, event.detail) == ("walrus", evidence.additional, "ENABLED"):
            yield f"Walrus on {event.host} was ENABLED at {event.at:g} s, before the commit"


def started_on_an_unfinished_pair(evidence: Evidence) -> Iterator[str]:
    """When Walrus starts past the commit, both disks are UpToDate and no resync is open.

    Of a host that has just lost power that is what its disk was then: nobody can look again before each start.
    """
    committed = committed_at(evidence)
    if committed is None:
        return
    syncing, taken_back = "", reverse_committed_at(evidence)
    for event, world in replay(evidence):
        if taken_back is not None and event.at >= taken_back:
            return  # it never ran on the pair
        if event.at >= committed and _starts(event, world):
            disks = {host: world[host].disk or world[host].left for host in pair(evidence)}
            yield from _unfinished(event, disks, syncing)
            return
        if event.kind.startswith("sync-"):
            syncing = "" if event.kind == "sync-done" else f"{event.host} was {event.kind} since {event.at:g} s"


def _unfinished(start: Event, disks: dict[str, str], syncing: str) -> Iterator[str]:
    began = f"Walrus started on {start.host} at {start.at:g} s"
    for host, disk in disks.items():
        if disk not in ("", "UpToDate"):
            yield f"{began} while the disk of {host} was {disk}"
    if syncing:
        yield f"{began} before the resync was done: {syncing}"
    silent = [host for host, disk in disks.items() if not disk]
    if silent:
        raise Unknown(f"no event told the disk state of {' and '.join(silent)} before Walrus started")


def synchronised_the_wrong_way(evidence: Evidence) -> Iterator[str]:
    wrong = {("sync-source", evidence.additional), ("sync-target", evidence.original)}
    for event in _before_commit(evidence):
        if (event.kind, event.host) in wrong:
            yield f"{event.host} became {event.kind} at {event.at:g} s; only {evidence.original} may be source"


def discarded(evidence: Evidence) -> Iterator[str]:
    for event in in_order(evidence):
        if event.kind == "destroy" and "discard" in event.detail:
            yield f"data was discarded on {event.host} at {event.at:g} s: {event.detail}"


def would_discard(evidence: Evidence) -> Iterator[str]:
    """Nor does what the move leaves behind stand ready to, the next time that the pair is split."""
    if not moved(evidence):
        return
    for snapshot in evidence.after:
        for path, text in sorted(snapshot.files.items()):
            for policy in _DISCARDING.findall(text or ""):
                yield f"{snapshot.host}:{path} has `{policy}`: after a split brain one side's data goes unasked"


def made_anew_after_restore(evidence: Evidence) -> Iterator[str]:
    """Once data is being restored, no metadata and no file system is made any more, short of a new freeze."""
    for quiet in quiet_times(evidence):
        restored = [
            sent.at
            for sent in evidence.sent
            if sent.step in RESTORE and sent.effect != "read" and quiet.start <= sent.at <= quiet.end
        ]
        for event in in_order(evidence):
            late = bool(restored) and restored[0] < event.at and (event.at < quiet.end or quiet.committed)
            if late and event.kind == "destroy" and _makes_anew(event) and not _gives_back(evidence, event):
                yield f"{event.host} ran `{event.detail}` at {event.at:g} s, after data was restored onto the device"


def _gives_back(evidence: Evidence, event: Event) -> bool:
    """Taking back a move that had erased the store's own device: DRBD's metadata were wiped from it before."""
    taken = [one for one in evidence.sent if one.at <= event.at and one.host == event.host and one.effect != "read"]
    wiped = any(one.step == "create-metadata" and "wipe-md" in one.what for one in taken)
    own = not any(word.startswith(_REPLICATED) for word in event.detail.split())
    return evidence.reuses_device and wiped and own and "create-md" not in event.detail


def made_anew_after_copying_ahead(evidence: Evidence) -> Iterator[str]:
    """Nor is any while an online move copies ahead, short of taking the file system back."""
    for begin, end in _times_with_a_copy_ahead(evidence):
        for event in in_order(evidence):
            if begin < event.at < end and event.kind == "destroy" and _makes_anew(event):
                yield f"{event.host} ran `{event.detail}` at {event.at:g} s, after data was copied ahead to the device"


def _times_with_a_copy_ahead(evidence: Evidence) -> Iterator[tuple[float, float]]:
    begin: float | None = None
    for sent in evidence.sent:
        words = sent.what.split()
        if begin is None and sent.step == AHEAD and sent.effect != "read":
            begin = sent.at
        elif begin is not None and sent.step == "make-filesystem" and "wipefs" in words and "-a" in words:
            yield begin, sent.at
            begin = None
    if begin is not None:
        yield begin, FOREVER


def _makes_anew(event: Event) -> bool:
    return any(word == "create-md" or word.startswith("mkfs") for word in event.detail.split())


def forced_after_restore(evidence: Evidence) -> Iterator[str]:
    """Whose data counts is declared once, on a pair without data; the attempt alone is wrong afterwards."""
    for quiet in quiet_times(evidence):
        inside = [sent for sent in evidence.sent if quiet.start <= sent.at <= quiet.end and sent.effect != "read"]
        restored = next((sent.at for sent in inside if sent.step in RESTORE), FOREVER)
        for sent in inside:
            if sent.at > restored and _declares(sent.what.split()):
                yield f"`{sent.what}` was sent to {sent.host} at {sent.at:g} s, after data was restored onto the device"


def _declares(words: list[str]) -> bool:
    """Which side's data is good, or that both are equal, said by force."""
    forced = {"--force", "--overwrite-data-of-peer"} & set(words)
    return bool(forced and "primary" in words) or {"new-current-uuid", "--clear-bitmap"} <= set(words)


def split_brain(evidence: Evidence) -> Iterator[str]:
    """A connection that falls to StandAlone by itself: the peers have refused each other."""
    if "split brain" in evidence.claim.lower().replace("-", " "):
        return
    for event, world in replay(evidence):
        fell = event.kind == "connection" and event.detail == "StandAlone" and _was_up(world[event.host])
        if fell and not _asked_to_part(evidence, event):
            yield f"{event.host} fell to StandAlone at {event.at:g} s, although nobody disconnected it"


def _was_up(seen: Seen) -> bool:
    return seen.connection not in ("", "StandAlone", "Unconfigured")


def _asked_to_part(evidence: Evidence, event: Event) -> bool:
    """The engine's own request to part was under way: its effect lies between the record before and its own."""
    before = 0.0
    for sent in evidence.sent:
        parting = {"down", "disconnect"} & set(sent.what.split())
        if sent.host == event.host and parting and before <= event.at <= sent.at + _CLOCKS_AGREE_S:
            return True
        before = sent.at
    return False


def _before_commit(evidence: Evidence) -> Iterator[Event]:
    committed = committed_at(evidence)
    return (event for event in in_order(evidence) if committed is None or event.at < committed)
