"""Reversibility: what did not go through left no trace; hosts, disks, files and services are as they were."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TypeVar

from harness.checks.finding import Finding, Unknown, not_asked, weigh
from harness.checks.groundwork import snapshot_of
from harness.checks.manifests import differences, lines, printable, require, require_frozen
from harness.checks.phases import changes_by, last_outcome, moved, recorded, reversed_, went_back
from harness.evidence import Evidence, HostSnapshot, Sent

Value = TypeVar("Value")

_UNDONE_BY = (("--register-walrus", "--deregister-walrus"), ("modprobe", "rmmod"), ("claim", "release"))
_GONE_WITH_POWER = ("modprobe",)
_KEPT_COPIES = ("/bukkits.before-ha", "/newlocation/bukkits")
_REMAINS = "Not taken back yet"


def reversibility(evidence: Evidence) -> Finding:
    """After a rollback or a refusal the hosts are as before; a refused run did not even try to change one."""
    refused = any(attempt.outcome == "refused" for attempt in evidence.attempts)
    if reversed_(evidence):
        looks = (refused_but_changed, hosts_differ, pair_not_kept, never_taken_back)
        return weigh("reversibility", evidence, looks, "the hosts are as before the move, and the pair's data is kept")
    if moved(evidence) and went_back(evidence):
        left = (refused_but_changed, returning_store_left)
        return weigh("reversibility", evidence, left, "of the reverse move that was taken back nothing is left")
    taken_back = last_outcome(evidence) in ("rolled_back", "refused") and not moved(evidence)
    if not refused and not taken_back:
        return not_asked("reversibility", "nothing was taken back or refused")
    looks = (refused_but_changed, *((hosts_differ, store_differs, never_taken_back) if taken_back else ()))
    return weigh("reversibility", evidence, looks, "every host that answers is as it was before")


def refused_but_changed(evidence: Evidence) -> Iterator[str]:
    for number, attempt in enumerate(recorded(evidence), 1):
        if attempt.outcome == "refused":
            for sent in changes_by(evidence, number):
                yield f"attempt {number} was refused, and had sent a {sent.effect} to {sent.host}: {sent.what}"


def pair_not_kept(evidence: Evidence) -> Iterator[str]:
    """A reverse move leaves the pair's data where it is, on both disks."""
    for host in (evidence.original, evidence.additional):
        after = snapshot_of(evidence.after, host)
        if after is not None and after.reachable and "drbd" not in after.disks.values():
            yield f"{host}: no disk holds the pair's data any more: {json.dumps(after.disks)}"


def returning_store_left(evidence: Evidence) -> Iterator[str]:
    """Once the pair serves again, the store that was to return is gone from the old disk."""
    for after in evidence.after:
        yield from (f"{after.host}: left over: {path}" for path in after.leftovers if path.endswith(".after-ha"))


def store_differs(evidence: Evidence) -> Iterator[str]:
    frozen = require_frozen(evidence.frozen)
    yield from lines("the original's store", differences(frozen, require(evidence.served, "the original's store")))


def hosts_differ(evidence: Evidence) -> Iterator[str]:
    """Hosts that do not answer any more cannot be compared; the original must answer."""
    unseen = []
    for before in evidence.before:
        after = snapshot_of(evidence.after, before.host)
        if after is None:
            unseen.append(f"there is no snapshot of {before.host} after the trial")
        elif not before.reachable:
            unseen.append(f"{before.host} was not seen before the trial")
        elif after.reachable:
            kept = reversed_(evidence)
            yield from (f"{before.host}: {change}" for change in _changes(before, after, kept))
        elif before.host == evidence.original:
            unseen.append(f"{before.host} does not answer, so nobody knows how it was left")
    if not evidence.before:
        unseen.append("there is no snapshot from before the trial")
    if unseen:
        raise Unknown("; ".join(unseen))


def never_taken_back(evidence: Evidence) -> Iterator[str]:
    """What no snapshot shows: a registration, a loaded module, a host that is still claimed.

    A host that does not answer at the end is passed over, and so is the whole move while its last words say that
    something remains.
    """
    if _REMAINS in evidence.attempts[-1].last_words:
        return
    silent = {seen.host for seen in evidence.after if not seen.reachable}
    for deed, undoing in _UNDONE_BY:
        for host in sorted({sent.host for sent in evidence.sent} - silent):
            if (sent := _last(evidence, host, deed, undoing)) and deed in sent.what.split():
                yield f"`{sent.what}` on {host} was never taken back"


def _last(evidence: Evidence, host: str, *words: str) -> Sent | None:
    """The last request that holds one of the words and went well, since the host has power."""
    booted = max((one.at for one in evidence.events if (one.host, one.kind) == (host, "power")), default=0.0)
    found = [
        sent
        for sent in evidence.sent
        if sent.host == host and sent.effect != "read" and set(words) & set(sent.what.split())
        if sent.outcome in ("done", "status 0") and (words[0] not in _GONE_WITH_POWER or sent.at > booted)
    ]
    return found[-1] if found else None


def _changes(before: HostSnapshot, after: HostSnapshot, kept: bool) -> Iterator[str]:
    """``kept`` where a finished move was taken back: its old store, staged copy and disks stay, and nothing else."""
    for path, was, is_now in _differing(before.files, after.files):
        yield f"{printable(path)} {_file_word(was, is_now)}"
    for name, state, state_now in _differing(before.services, after.services):
        yield f"service {name} was {json.dumps(state)}, is {json.dumps(state_now)}"
    for device, held, holds in _differing(before.disks, after.disks):
        if kept and (held, holds) == ("blank", "drbd"):
            continue
        yield f"{device} was {held or 'absent'}, is {holds or 'absent'}"
    if sorted(before.mounts) != sorted(after.mounts):
        yield f"mounts were {_mounts(before)}, are {_mounts(after)}"
    for path in sorted(set(after.leftovers) - set(before.leftovers)):
        if kept and path.endswith(_KEPT_COPIES):
            continue
        yield f"left over: {printable(path)}"


def _differing(
    before: Mapping[str, Value], after: Mapping[str, Value]
) -> Iterator[tuple[str, Value | None, Value | None]]:
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield key, before.get(key), after.get(key)


def _file_word(was: str | None, is_now: str | None) -> str:
    if was is None:
        return "did not exist and was left behind"
    return "is gone" if is_now is None else "is not as it was"


def _mounts(snapshot: HostSnapshot) -> str:
    return ", ".join(" on ".join(map(printable, mount)) for mount in sorted(snapshot.mounts)) or "none"
