"""Evidence: all that judging needs, collected by a trial, saved as one JSON file and loadable again.

Nothing in here comes from the engine's own parsers: manifests and events come from the lab's truth door, what
the engine sent and said is recorded at its transports and its exit. Names of objects are bytes; in evidence
they stand as text in which each character is one byte (latin-1), which is lossless and needs no escapes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

FORMAT = 1
BEFORE_ERASING = "before the store's own device is erased"  # the moment of a census

Kind = Literal["file", "directory", "symlink", "other"]
EffectName = Literal["read", "write", "destroy"]
CommandName = Literal[
    "migrate",
    "rollback",
    "retire",
    "adopt",
    "second_migrate",  # another engine, started in between
    "other_adopt",  # another controller, while the engine stands still
    "other_migrate",
    "other_rollback",
]
StrategyName = Literal["staged", "online"]  # how the steps are ordered
DriverName = Literal["engine", "vendor"]  # our engine, or somebody who types the vendor's text


@dataclass(frozen=True)
class Entry:
    """One entry below the store; ``path`` is relative to it, the root itself is ``.``."""

    path: str
    kind: Kind
    size: int
    mode: int  # permission bits, set-id and sticky included
    uid: int
    gid: int
    mtime_ns: int
    sha256: str | None = None  # of a file's content
    target: str | None = None  # of a symbolic link
    same_as: str | None = None  # the first path of its hard-link set, when that has more than one member
    xattrs: dict[str, str] = Field(default_factory=dict)  # name to value in hexadecimal


@dataclass(frozen=True)
class Manifest:
    """Everything found below one directory; ``entries`` sorted by path. ``error`` when it could not be read."""

    entries: list[Entry]
    error: str | None = None

    def by_path(self) -> dict[str, Entry]:
        return {entry.path: entry for entry in self.entries}


@dataclass(frozen=True)
class HostSnapshot:
    """What an uninvolved observer sees on a host, taken before and after.

    ``files`` maps the watched configuration files (fstab, eucalyptus.conf, drbd.conf ...) to their content as text,
    None where absent. ``services`` maps a service to ``running`` and ``starts at boot``. ``disks`` maps each candidate
    device to what its first look says (``blank``, ``ext4``, ``drbd`` ...). ``mounts`` lists device and mount point.
    """

    host: str
    reachable: bool
    files: dict[str, str | None] = Field(default_factory=dict)
    services: dict[str, dict[str, bool]] = Field(default_factory=dict)
    disks: dict[str, str] = Field(default_factory=dict)
    mounts: list[list[str]] = Field(default_factory=list)
    leftovers: list[str] = Field(default_factory=list)  # paths of ours: staged copy, renamed stores, backups


@dataclass(frozen=True)
class Event:
    """One change of the world as the lab itself saw it, in the lab's seconds.

    Kinds and their ``detail``: ``role`` (Primary, Secondary), ``mount`` and ``unmount`` (device mountpoint), ``walrus``
    (the service state word: STOPPED LOADED NOTREADY DISABLED ENABLED BROKEN), ``power`` and ``frozen`` (on, off),
    ``link`` (cut peer, healed peer), ``sync-source`` and ``sync-target`` (a resync began in that role), ``sync-done``,
    ``disk`` (new DRBD disk state), ``connection`` (new DRBD connection state), ``destroy`` (the command line of a
    create-md, mkfs, wipefs, forced primary, invalidate, discard or new-current-uuid that took effect), ``complaint``
    (what a kernel said and none should: a split brain, an I/O error, blocks that differ, a crash).
    """

    at: float
    host: str
    kind: str
    detail: str


@dataclass(frozen=True)
class Sent:
    """One request of the engine, as seen at its transport."""

    at: float
    attempt: int
    host: str
    step: str
    what: str  # the request as text
    effect: EffectName
    outcome: str  # "status 0", "done", "running", "Indeterminate: ..."
    wire: str = ""  # SHA-256 of all that it makes a host do: arguments and input, or path, mode and content


@dataclass(frozen=True)
class Attempt:
    """One run of the engine from start to end, or to its death."""

    command: CommandName
    started_at: float
    ended_at: float
    outcome: str  # completed, rolled_back, reversed, stopped, refused, operator_needed, killed, undetermined ...
    exit_status: int | None  # None when killed
    last_words: str  # what an operator read last
    bytes_copied: int = 0  # by the copy jobs of this attempt, as counted on the receiving side
    findings: list[str] = Field(default_factory=list)  # preflight errors that it was refused for
    acted: list[str] = Field(default_factory=list)  # the steps that acted, in order


@dataclass(frozen=True)
class Foretold:
    """One command as a plan has it."""

    host: str
    step: str
    what: str
    effect: EffectName
    wire: str


@dataclass(frozen=True)
class Look:
    """What a plan said before, or between, attempts, and whether looking changed anything."""

    at: float
    attempts: int  # made before it
    to_do: list[str]  # the steps that the plan says will act
    changed: list[str] = Field(default_factory=list)  # HOST:PATH that is not as before the look, journal included
    sent: list[str] = Field(default_factory=list)  # requests of the look that change a host
    window_s: list[float] = Field(default_factory=list)  # the estimated window at best and at worst
    commands: list[Foretold] | None = None  # each that the move is to send; None: not asked for


@dataclass(frozen=True)
class Receipt:
    """Proof, from the lab, that a fault happened; ``proven`` False makes the trial INCONCLUSIVE."""

    at: float
    fault: str
    proven: bool
    detail: str


@dataclass(frozen=True)
class Census:
    """Which places held a complete, intact copy of the frozen store at one moment, read by the lab.

    Places are ``HOST:store``, ``HOST:old-store``, ``HOST:staging``, ``HOST:device``, and on the way back
    ``HOST:returning-store``. ``current`` are those that hold besides what clients had written and deleted by then.
    """

    at: float
    moment: str
    complete: list[str]
    current: list[str] | None = None


@dataclass(frozen=True)
class ObjectRead:
    """One object asked of Walrus by an HTTP client that is not the engine."""

    at: float
    when: str  # before, after
    key: str
    status: int
    sha256: str | None
    expected_sha256: str


@dataclass(frozen=True)
class Replication:
    """What the pair itself says of its two sides, block by block, once nothing writes any more.

    ``differing`` are the KiB that each side counts as out of sync after DRBD compared all blocks; ``sha256`` that of
    each side's disk, as far as DRBD replicates it. Where the first synchronisation was skipped, blocks that were never
    written may differ: ``unwritten_differ`` then, and neither figure is held against the pair.
    """

    verified: bool
    differing: dict[str, int]
    sha256: dict[str, str]
    unwritten_differ: bool = False


@dataclass(frozen=True)
class Expectation:
    """What the scenario says must come out."""

    outcome: str
    checks: list[str]
    copied_again: float | None = None  # share of already copied bytes that may be copied again
    exit_status: int | None = None  # of the last attempt; None: any that fits the outcome
    findings: list[str] = Field(default_factory=list)  # errors that a refusal must name, these and no others
    caught_by: list[str] = Field(default_factory=list)  # checks that must find something wrong: a negative control
    caught_saying: list[str] = Field(default_factory=list)  # words that these checks must say of it
    window_at_most_s: float | None = None  # in which no Walrus may serve; None: any length


@dataclass(frozen=True)
class OfSite:
    """The real site that a trial rehearses: how much of it there is, and the window that is foreseen for all of it.

    ``window_s`` is least, likely and most, in nine moves of ten; empty where nothing is foreseen. ``as_fast``: the
    trial's hosts were as fast as the site's. ``whole``: there was as much to read, copy and replicate as on the site.
    """

    scale: str
    window_s: list[float] = Field(default_factory=list)
    as_fast: bool = False
    whole: bool = False


@dataclass
class Evidence:
    """All of it, for one trial."""

    scenario: str
    claim: str
    lab: str
    seed: int
    expectation: Expectation
    original: str
    additional: str
    format: int = FORMAT
    driver: DriverName = "engine"
    strategy: StrategyName = "staged"
    reuses_device: bool = False  # the store lay on the device to be replicated, which had to be erased for it
    beside: str = ""  # the vendor's scenario whose start this trial of our engine shares
    of_site: OfSite | None = None  # None: of no site that there is
    frozen: Manifest | None = None  # the store as seeded and as clients changed it before the window, read by the lab
    before: list[HostSnapshot] = Field(default_factory=list)
    after: list[HostSnapshot] = Field(default_factory=list)
    attempts: list[Attempt] = Field(default_factory=list)
    sent: list[Sent] = Field(default_factory=list)
    events: list[Event] = Field(default_factory=list)
    receipts: list[Receipt] = Field(default_factory=list)
    censuses: list[Census] = Field(default_factory=list)
    changed: list[str] | None = None  # "HOST:PATH KIND" not as before, outside the data's places; None: not seen
    leaks: list[str] = Field(default_factory=list)  # artefacts in which the planted secret stands
    looks: list[Look] = Field(default_factory=list)
    written: list[Entry] = Field(default_factory=list)  # entries as a client left them on the served store afterwards
    deleted: list[str] = Field(default_factory=list)  # paths that a client removed from the served store
    reads: list[ObjectRead] = Field(default_factory=list)
    served: Manifest | None = None  # what lies under the store's path on the ENABLED (or original) host at the end
    replica: Manifest | None = None  # read from the other side after promoting it, when the move completed
    replica_refusal: str = ""  # what the other side answered when it could not be promoted or mounted
    replication: Replication | None = None  # where the lab has disks to compare, when the move completed
    unsupported: list[str] = Field(default_factory=list)  # invocations that a fake does not model
    unserved_s: float | None = None  # in which no Walrus served, from the first attempt to the end of the last
    trace_hash: str = ""
    seconds: float = 0.0
    notes: list[str] = Field(default_factory=list)  # what the trial could not find out, and why

    def save(self, path: Path) -> None:
        """Write the evidence as JSON."""
        path.write_bytes(_ADAPTER.dump_json(self, indent=1))

    @classmethod
    def load(cls, path: Path) -> Evidence:
        """Read evidence that was saved.

        Raises:
            pydantic.ValidationError: when the file is not evidence of this format.
        """
        return _ADAPTER.validate_json(path.read_bytes())


_ADAPTER = TypeAdapter(Evidence)
