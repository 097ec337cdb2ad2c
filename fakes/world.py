"""The state that fake programs share: plain data, one row a machine, one resource, one cloud.

In the simulation the world is an object; in containers it is a JSON file on a volume that the hosts share, read and
replaced under a lock by each program that runs. Nothing runs in the background for DRBD: whatever should have happened
since the last look (a resync's progress, a lost connection) is computed from elapsed time by
``programs.drbd_model.settle``. A lab calls it before it changes a link, a speed or a power state, so that everything
up to that instant has happened; see ``programs.drbd_content.replicate`` for what the peer then holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Metadata:
    """DRBD metadata as it lies on a backing disk."""

    device_uuid: str
    current_uuid: int = 4  # 4: just created
    bitmap_uuid: int = 0
    history: list[int] = field(default_factory=lambda: [0, 0])
    consistent: bool = False
    up_to_date: bool = False
    primary: bool = False  # was Primary when last written: found set after a power cut
    oos_kib: int = 0  # blocks marked out of sync towards the peer
    connected: bool = False
    full_sync: bool = False  # in the progress of setting all bits
    peer_outdated: bool = False  # the peer's disk was outdated or inconsistent
    crashed_primary: bool = False  # was Primary when it crashed, and has not seen its peer since
    marked_on_disk: bool = False  # a Primary's mark of the current generation, as it was when last written down
    effective_kib: int = 0  # size of the replicated device when last agreed on; 0: never attached


@dataclass
class Disk:
    """One block device of one host: what lies on it, attached or not."""

    device: str
    size_bytes: int
    signature: str | None = (
        None  # what blkid and wipefs find besides DRBD metadata: ext4, ext3, xfs, swap, LVM2_member ...
    )
    uuid: str = ""  # of that signature
    image: str | None = None  # name of the Filesystem image with its content; None: never formatted
    metadata: Metadata | None = None
    holders: list[str] = field(default_factory=list)
    swap: bool = False
    image_token: str = ""  # content that this disk holds as far as published; see programs.drbd_content
    number: str = "8:16"  # major:minor
    held_token: str = ""  # content that the local image was last made equal to
    written: bool = False  # the local image changed, or may have, since it was last published
    lineage: str = ""  # two disks of one lineage differ only in blocks that DRBD knows of
    garbage: bool = False  # half overwritten by a resync that has not finished
    filesystem_kib: int = 0  # how much of the disk the signature's file system covers
    residue: bool = False  # the first 68 KiB are not zero although no signature is left
    misplaced: Metadata | None = None  # where the disk ended before it grew
    label: str = ""  # of that signature
    foreign: str = ""  # metadata of DRBD 0.7 (v07) or 9 (v09), which 8.4 does not take for its own


@dataclass
class Side:
    """One host's side of a resource as its kernel knows it; lost at a power cut."""

    configured: bool = False  # up: minor allocated
    role: str = "Secondary"
    disk: str = "Diskless"
    connection: str = "StandAlone"
    wants_connection: bool = False
    paused_by_user: bool = False
    discard_my_data: bool = False
    opened_by: list[str] = field(default_factory=list)  # mountpoints or programs holding the device
    counters: dict[str, int] = field(default_factory=dict)  # ns nr dw dr al bm
    sync_started_at: float = 0.0
    sync_oos_at_start_kib: int = 0
    peer_role: str = "Unknown"
    peer_disk: str = "DUnknown"
    paused_by_peer: bool = False
    activity_log_suspended: bool = False
    backing: str = ""  # device of the attached disk
    minor: int = 0
    device: str = ""  # /dev/drbdN
    local: str = ""  # address of its own end, "" without a network configuration
    remote: str = ""
    options: dict[str, str] = field(default_factory=dict)  # of net and disk, under their names in 8.4
    boot_id: str = ""  # of the kernel that knows this
    verify_left_kib: int = 0
    crashed_primary: bool = False  # attached after a power cut that hit a Primary, and not UpToDate with its peer since


@dataclass
class Resource:
    """What both sides share about a resource while they talk."""

    name: str
    minor: int
    device: str
    settled_at: float = 0.0
    sync_bytes_per_s: int = 200 * 1024 * 1024
    sync_stalled: bool = False


@dataclass
class Mount:
    """One line of /proc/mounts that a fake made."""

    device: str
    at: str
    fstype: str
    options: str = "rw,relatime"
    user: str = "root"


@dataclass
class Service:
    """One init script's service on one host."""

    running: bool = False
    pid: int = 0
    starts_at_boot: bool = True


@dataclass
class HostRow:
    """One machine: what its kernel and init know. ``powered`` and ``frozen`` are set by the lab."""

    name: str
    address: str
    boot_id: str
    role: str  # original, additional, clc: the lab's word; the host of that last role runs the cloud controller
    powered: bool = True
    frozen: bool = False
    modules: list[str] = field(default_factory=list)
    disks: dict[str, Disk] = field(default_factory=dict)
    sides: dict[str, Side] = field(default_factory=dict)
    mounts: list[Mount] = field(default_factory=list)
    services: dict[str, Service] = field(default_factory=dict)
    listening: list[int] = field(default_factory=list)  # TCP ports of other programs
    next_pid: int = 2000
    drbd_version: str = ""  # of this host, where it is not the world's
    replication_address: str = ""  # where DRBD listens, where that is not its address
    has_cloud: bool = False  # a Walrus host on which the cloud controller runs too, in the same service

    @property
    def runs_cloud(self) -> bool:
        return self.role == "clc" or self.has_cloud


@dataclass
class WalrusState:
    """One registered Walrus as the cloud controller sees it."""

    name: str
    partition: str
    host: str  # address
    state: str = "LOADED"
    changed_at: float = 0.0
    manager: str = ""  # storage manager class the running process chose at its start
    message: str = ""
    seen_at: float = 0.0  # when its process last gave a sign of life; 0: never, and then it is not judged by that


@dataclass
class Cloud:
    """The cloud controller's database, as far as Walrus goes."""

    walruses: dict[str, WalrusState] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)  # set values, e.g. walrus.blockdevice
    drbd_row: bool = False  # the DRBD properties' row exists: only a start with DRBDStorageManager makes it
    epoch: int = 1
    key_deliveries: dict[str, str] = field(
        default_factory=dict
    )  # address to key file in hex, on its way by rsync or scp
    key_sync_fails: bool = False  # planted: registration exits 0 although the key copy failed
    next_enabled: str = ""  # which Walrus wins the next election ("" : the first able one by name)
    ticked_at: float = 0.0
    tick_s: float = 10.0
    check_ticks: int = 1  # a Walrus that is ENABLED or DISABLED is checked about every so many ticks


@dataclass
class Occurrence:
    """One change of the world, for the truth door; kinds as in the harness' evidence."""

    at: float
    host: str
    kind: str
    detail: str


@dataclass
class World:
    """Everything the fakes share. ``version`` is the DRBD they play: 8.3 or 8.4."""

    version: str = "8.4"
    hosts: dict[str, HostRow] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    cloud: Cloud = field(default_factory=Cloud)
    sync_bytes_per_s: int = 200 * 1024 * 1024  # of resources that come up from now on
    blocked_ports: list[int] = field(default_factory=list)  # TCP ports that a firewall between the hosts drops
    silent_ports: list[list[str | int]] = field(default_factory=list)  # host and port whose answers never arrive
    cut_links: list[list[str]] = field(default_factory=list)  # pairs of host names, sorted
    events: list[Occurrence] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    counter: int = 0  # source of UUIDs: no randomness in the fakes

    def record(self, at: float, host: str, kind: str, detail: str) -> None:
        """Note a change for the truth door."""
        self.events.append(Occurrence(at, host, kind, detail))

    def linked(self, one: str, other: str) -> bool:
        """Both machines run and the cable between them is whole."""
        a, b = self.hosts[one], self.hosts[other]
        alive = a.powered and b.powered and not a.frozen and not b.frozen
        return alive and sorted([one, other]) not in self.cut_links


def played(row: HostRow, world: World) -> str:
    """The DRBD version that this host plays: the world's, unless its own package is another one."""
    return row.drbd_version or world.version
