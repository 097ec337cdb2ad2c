"""Which states one side of a resource can be in, and which changes its kernel refuses. Pure.

The facts are those of the state engine in the kernel modules 8.3 and 8.4 (drbd_state.c, drbd_main.c); the
tables are written anew. What comes out is measured against recordings of the real module, see tests/conformance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

DISKS = (
    "Diskless", "Attaching", "Failed", "Negotiating", "Inconsistent",
    "Outdated", "DUnknown", "Consistent", "UpToDate",
)  # fmt: skip
CONNECTIONS = (
    "StandAlone", "Disconnecting", "Unconnected", "Timeout", "BrokenPipe", "NetworkFailure", "ProtocolError",
    "TearDown", "WFConnection", "WFReportParams", "Connected", "StartingSyncS", "StartingSyncT", "WFBitMapS",
    "WFBitMapT", "WFSyncUUID", "SyncSource", "SyncTarget", "VerifyS", "VerifyT", "PausedSyncS", "PausedSyncT",
)  # fmt: skip
_DISK_RANK = {word: rank for rank, word in enumerate(DISKS)}
_CONNECTION_RANK = {word: rank for rank, word in enumerate(CONNECTIONS)}

TALKING = frozenset(CONNECTIONS[_CONNECTION_RANK["Connected"] :])
AS_SOURCE = frozenset({"SyncSource", "PausedSyncS"})
AS_TARGET = frozenset({"SyncTarget", "PausedSyncT"})
SYNCING = AS_SOURCE | AS_TARGET
VERIFYING = frozenset({"VerifyS", "VerifyT"})
STARTING = frozenset({"StartingSyncS", "StartingSyncT"})
OTHER_END = {
    "Connected": "Connected",
    "SyncSource": "SyncTarget",
    "SyncTarget": "SyncSource",
    "PausedSyncS": "PausedSyncT",
    "PausedSyncT": "PausedSyncS",
    "VerifyS": "VerifyT",
    "VerifyT": "VerifyS",
    "StartingSyncS": "StartingSyncT",
    "StartingSyncT": "StartingSyncS",
}

# Why the kernel says no
TWO_PRIMARIES, NO_UP_TO_DATE_DISK, NO_LOCAL_DISK, NO_REMOTE_DISK = -1, -2, -4, -5
CONNECTED_OUTDATES, RESYNC_RUNNING, ALREADY_STANDALONE, REFUSED_BY_PEER = -6, -8, -9, -10
IS_DISKLESS, DEVICE_IN_USE, NO_VERIFY_ALGORITHM, NEED_CONNECTION, LOWER_THAN_OUTDATED = -11, -12, -14, -15, -16
REASONS = {
    TWO_PRIMARIES: "Multiple primaries not allowed by config",
    NO_UP_TO_DATE_DISK: "Need access to UpToDate data",
    NO_LOCAL_DISK: "Can not resync without local disk",
    NO_REMOTE_DISK: "Can not resync without remote disk",
    CONNECTED_OUTDATES: "Refusing to be Outdated while Connected",
    RESYNC_RUNNING: "Can not start OV/resync since it is already active",
    ALREADY_STANDALONE: "Can not disconnect a StandAlone device",
    REFUSED_BY_PEER: "State change was refused by peer node",
    IS_DISKLESS: "Device is diskless, the requested operation requires a disk",
    DEVICE_IN_USE: "Device is held open by someone",
    NO_VERIFY_ALGORITHM: "Need a verify algorithm to start online verify",
    NEED_CONNECTION: "Need a connection to start verify or resync",
    LOWER_THAN_OUTDATED: "Disk state is lower than outdated",
}


class State(NamedTuple):
    """One side's view; ``peer_role`` and ``peer_disk`` are what it believes of the other."""

    connection: str
    role: str
    peer_role: str
    disk: str
    peer_disk: str
    paused_by_user: bool
    paused_by_peer: bool


def disk_below(one: str, other: str) -> bool:
    """The first disk state is worse than the second."""
    return _DISK_RANK[one] < _DISK_RANK[other]


def mirrored(state: State, paused_by_peer: bool) -> State:
    """The same state as the other side sees it."""
    return State(
        OTHER_END.get(state.connection, state.connection),
        state.peer_role,
        state.role,
        state.peer_disk,
        state.disk,
        paused_by_peer,
        state.paused_by_user,
    )


# What one part of a state implies for the others: the lowest and highest disk state, here and at the peer.
_ANY = ("Diskless", "UpToDate")
_BOUNDS = {
    "Connected": (_ANY, _ANY),
    "StartingSyncS": (("UpToDate", "UpToDate"), ("Inconsistent", "Consistent")),
    "StartingSyncT": (("Inconsistent", "Outdated"), ("UpToDate", "UpToDate")),
    "SyncSource": (("UpToDate", "UpToDate"), ("Inconsistent", "Inconsistent")),
    "SyncTarget": (("Inconsistent", "Inconsistent"), ("UpToDate", "UpToDate")),
    "PausedSyncS": (("UpToDate", "UpToDate"), ("Inconsistent", "Consistent")),
    "PausedSyncT": (("Inconsistent", "Outdated"), ("UpToDate", "UpToDate")),
    "VerifyS": (("UpToDate", "UpToDate"), ("UpToDate", "UpToDate")),
    "VerifyT": (("UpToDate", "UpToDate"), ("UpToDate", "UpToDate")),
}
_PAUSED = {"SyncSource": "PausedSyncS", "SyncTarget": "PausedSyncT"}
_RUNNING = {paused: running for running, paused in _PAUSED.items()}


def _within(disk: str, bounds: tuple[str, str]) -> str:
    return DISKS[min(max(_DISK_RANK[disk], _DISK_RANK[bounds[0]]), _DISK_RANK[bounds[1]])]


def sanitised(state: State) -> State:
    """The state with everything that follows from its parts."""
    connection, role, peer_role, disk, peer_disk, by_user, by_peer = state
    if connection not in TALKING:
        peer_role, by_peer = "Unknown", False
        if peer_disk not in ("Inconsistent", "Outdated"):
            peer_disk = "DUnknown"
        return State(connection, role, peer_role, disk, peer_disk, by_user, by_peer)
    if connection != "Connected" and (disk_below(disk, "Negotiating") or disk_below(peer_disk, "Negotiating")):
        connection = "Connected"  # a resync or verify ends with the disk
    disk = "UpToDate" if disk in ("Consistent", "Outdated") else disk
    peer_disk = "UpToDate" if peer_disk in ("Consistent", "Outdated") else peer_disk
    here, there = _BOUNDS[connection]
    disk, peer_disk = _within(disk, here), _within(peer_disk, there)
    names = _PAUSED if by_user or by_peer else _RUNNING
    return State(names.get(connection, connection), role, peer_role, disk, peer_disk, by_user, by_peer)


def impossible(state: State, held_open: bool, options: Mapping[str, str]) -> int:
    """Why a side cannot be in this state; 0 when it can."""
    connection, role, peer_role, disk, peer_disk, *_ = state
    primary, talking = role == "Primary", connection in TALKING
    syncing = talking and connection != "Connected"
    up_to_date, peer_up_to_date = disk == "UpToDate", peer_disk == "UpToDate"
    bad, peer_bad = disk_below(disk, "Outdated"), disk_below(peer_disk, "Outdated")
    rules = (
        (primary and peer_role == "Primary", TWO_PRIMARIES),
        (not primary and held_open, DEVICE_IN_USE),
        (primary and not talking and not up_to_date, NO_UP_TO_DATE_DISK),
        (primary and bad and peer_bad, NO_UP_TO_DATE_DISK),
        (syncing and disk_below(disk, "Inconsistent"), NO_LOCAL_DISK),
        (syncing and disk_below(peer_disk, "Inconsistent"), NO_REMOTE_DISK),
        (syncing and not up_to_date and not peer_up_to_date, NO_UP_TO_DATE_DISK),
        (disk == "Outdated" and (connection == "Connected" or connection in AS_SOURCE), CONNECTED_OUTDATES),
        (connection in VERIFYING and not options.get("verify-alg"), NO_VERIFY_ALGORITHM),
        (primary and not up_to_date and not peer_up_to_date, NO_UP_TO_DATE_DISK),
        (connection in STARTING and peer_disk == "DUnknown", NEED_CONNECTION),
        (talking and peer_disk == "DUnknown", CONNECTED_OUTDATES),
    )
    return next((reason for applies, reason in rules if applies), 0)


def declined(old: State, new: State) -> int:
    """Why the change from one possible state to another is declined; 0 when it is not. The last reason counts."""
    rules = (
        (new.connection in STARTING and old.connection in TALKING - {"Connected"}, RESYNC_RUNNING),
        (old.disk == "Diskless" and new.disk not in ("Diskless", "Attaching"), IS_DISKLESS),
        (new.disk == "Outdated" and disk_below(old.disk, "Outdated"), LOWER_THAN_OUTDATED),
        (new.connection in VERIFYING and old.connection not in TALKING, NEED_CONNECTION),
        (
            new.connection in VERIFYING and new.connection != old.connection and old.connection != "Connected"
            and old.connection in TALKING,
            RESYNC_RUNNING,
        ),
        (new.connection in STARTING and old.connection not in TALKING, NEED_CONNECTION),
    )  # fmt: skip
    return next((reason for applies, reason in reversed(rules) if applies), 0)


def refusal(old: State, new: State, held_open: bool, options: Mapping[str, str]) -> int:
    """Why the kernel refuses a sanitised change; 0 when it does not."""
    if new == old:
        return 0
    if old.connection not in TALKING and new.connection in TALKING:
        return NEED_CONNECTION
    reason = impossible(new, held_open, options)
    if reason and impossible(old, held_open, options) != reason:
        return reason
    return declined(old, new)
