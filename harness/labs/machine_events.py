"""What a host's kernel told on its console, as events of the evidence. Pure: text in, events out.

A log holds several boots one after the other, for the file outlives power cuts. The kernel stamps its lines with the
seconds since it started; lines that begin with ``walrus-lab:`` come from the lab's own words in the guest:

- ``clock SECONDS``: it is so late, in seconds since 1970; written at every boot and now and then,
- ``mount DEVICE PLACE`` and ``unmount DEVICE PLACE``: the kernel itself names only the device, and not for every kind,
- ``destroy COMMAND``: a program that destroys has ended well,
- ``look DEVICE``: the lab reads a disk through that device, whose complaints are the reader's own affair.

A boot with ``lab.rescue=1`` on its command line served the lab alone; nothing in it belongs to the trial.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.evidence import Event

_FIRST_LINE = "Linux version "
_RESCUE = re.compile(r"Kernel command line: .*\blab\.rescue=1\b")
_OURS = "walrus-lab: "
_STAMPED = re.compile(r"\[ *(\d+\.\d{6})\] (.*?)\s*$")  # perhaps behind what a program wrote without ending its line
_CHANGE = re.compile(r"\b(role|conn|disk)\( (\w+) -> (\w+) \)")
_KINDS = {"conn": "connection", "role": "role", "disk": "disk"}  # in the order in which they are told

# What the kernel says when it does something that cannot be taken back, and the command that it comes from.
_DESTROYS = (
    ("Forced to consider local data as UpToDate!", "drbdadm primary --force"),
    ("Preparing to skip initial sync", "drbdadm new-current-uuid --clear-bitmap"),
    ("conn( Connected -> StartingSyncT )", "drbdadm invalidate"),
    ("disk( UpToDate -> Inconsistent )", "drbdadm invalidate"),  # without a peer
    ("manually solved. Sync from peer node", "drbdadm connect --discard-my-data"),
    ("automatically solved. Sync from peer node", "after-sb policy: discard the data of"),
)

# What no healthy trial makes a kernel say. A check weighs them against the faults that were proven.
_COMPLAINTS = re.compile(
    r"Split-Brain detected|I/O error|\bIO error|\bIO ERROR|\bIO failed|drbd\d+: \w+: error=\d|drbd_md_\w+\(.* failed"
    r"|meta data update failed"
    r"|EXT4-fs error|EXT4-fs \(\S+\): (?:error|Remounting|failed|previous I/O)|JBD2: (?:Error|Detected)"
    r"|Aborting journal"
    r"|XFS \(\S+\): .*(?:[Cc]orruption|shut ?down)"
    r"|Out of sync: start=|found \d+ 4k blocks? out of sync|Digest (?:integrity check|mismatch)"
    r"|Unrelated data, aborting|ASSERT|\bBUG\b|\bOops\b|Kernel panic|Call Trace"
)


@dataclass
class _Boot:
    """The stamped lines of one life of a kernel."""

    lines: list[tuple[float, str]] = field(default_factory=list)

    @property
    def rescues(self) -> bool:
        return any(_RESCUE.match(text) for _, text in self.lines)

    def looks(self) -> re.Pattern[str]:
        """What names a device that the lab made for a look of its own."""
        look = f"{_OURS}look "
        made = {re.escape(text.removeprefix(look)) for _, text in self.lines if text.startswith(look)}
        return re.compile(rf"\b({'|'.join(sorted(made))})\b" if made else r"(?!)")

    def started_at(self) -> float | None:
        """The moment of stamp zero, or None when the kernel died before it knew the time.

        Every clock line was written a little after its time was taken, so the latest start that one names is the best.
        """
        starts = [
            float(text.removeprefix(f"{_OURS}clock ")) - stamp
            for stamp, text in self.lines
            if re.fullmatch(rf"{_OURS}clock \d+(\.\d+)?", text)
        ]
        return max(starts, default=None)


def kernel_events(host: str, log: str, resource: str) -> list[Event]:
    """The events that a host's console log tells of, in its order.

    A boot that never told the time holds no events: it ended before anything of the trial could happen in it.
    """
    found: list[Event] = []
    for number, boot in enumerate(_boots(log)):
        start = boot.started_at()
        if start is None or boot.rescues:
            continue
        if number:
            found.append(Event(start, host, "power", "on"))
        looks = boot.looks()
        for stamp, text in boot.lines:
            found += [
                Event(start + stamp, host, kind, detail)
                for kind, detail in _told(text, resource)
                if kind != "complaint" or not looks.search(text)
            ]
    return found


def _boots(log: str) -> list[_Boot]:
    boots = [_Boot()]
    for line in log.splitlines():
        stamped = _STAMPED.search(line)
        if stamped is None:
            continue
        stamp, text = float(stamped[1]), stamped[2]
        if text.startswith(_FIRST_LINE) and boots[-1].lines:
            boots.append(_Boot())
        boots[-1].lines.append((stamp, text))
    return boots


def _told(text: str, resource: str) -> Iterator[tuple[str, str]]:
    """Kind and detail of every event in a line."""
    if text.startswith(_OURS):
        kind, _, detail = text.removeprefix(_OURS).partition(" ")
        if kind in ("mount", "unmount", "destroy"):
            yield kind, detail
        return
    if text.startswith(("block drbd", "drbd ")):
        yield from _told_by_drbd(text, resource)
    if _COMPLAINTS.search(text):
        yield "complaint", text


def _told_by_drbd(text: str, resource: str) -> Iterator[tuple[str, str]]:
    changes = {_KINDS[word]: after for word, _, after in _CHANGE.findall(text)}
    yield from ((kind, changes[kind]) for kind in _KINDS.values() if kind in changes)
    yield from (("destroy", f"{command} {resource}") for words, command in _DESTROYS if words in text)
    for words, kind in (
        ("Began resync as SyncSource ", "sync-source"),
        ("Began resync as SyncTarget ", "sync-target"),
        ("Resync done ", "sync-done"),
    ):
        if words in text:
            yield kind, resource


def merged(*told: list[Event]) -> list[Event]:
    """Events of several sources by time; those of one moment stay in the order of the sources."""
    return sorted((event for events in told for event in events), key=lambda event: event.at)
