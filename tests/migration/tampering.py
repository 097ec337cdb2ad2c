"""Others at work on the simulated hosts, and a witness who knows what is really there when something is destroyed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from fakes.memory import MemoryFilesystem
from fakes.world import Disk, HostRow, Metadata, Mount
from harness.checks.manifests import differences
from harness.evidence import Manifest
from harness.hosts.command import Answer, Command, Effect, Fence, PutFile, Request, Result, StartJob, effect_of
from harness.hosts.transport import Connection, Transport
from harness.inventory import Inventory, Node
from harness.labs.lab import ORIGINAL, Opened
from harness.labs.premises import BACKING_DEVICE, NAMES
from harness.labs.simulated_state import WorldState

FOREIGN = "f0e1d2c3-0000-4000-8000-000000000000"


@dataclass
class Ground:
    """The simulated world without any program of it: what is really there."""

    opened: Opened
    frozen: Manifest = field(init=False)

    def __post_init__(self) -> None:
        self.frozen = self.opened.truth.manifest(ORIGINAL, "store")
        self.settings = self.opened.inventory.settings

    @property
    def state(self) -> WorldState:
        assert isinstance(self.opened.state, WorldState)
        return self.opened.state

    def row(self, host: str) -> HostRow:
        return self.state.world.state.hosts[host]

    def disk(self, host: str) -> Disk:
        return self.row(host).disks[BACKING_DEVICE]

    def files(self, host: str) -> MemoryFilesystem:
        return self.state.world.machines[host].files

    def mounted(self, host: str, device: str) -> bool:
        return any(mount.device == device for mount in self.row(host).mounts)

    def is_empty_directory(self, host: str, path: str) -> bool:
        files = self.files(host)
        return files.exists(path) and files.stat(path).kind == "directory" and not files.listdir(path)

    def is_whole(self, place: str) -> bool:
        """All that was there before the move is in this place; what others added is theirs."""
        found = self.opened.truth.manifest(ORIGINAL, place)
        said = [line for line in differences(self.frozen, found) if not line.startswith("extra")]
        return found.error is None and not said


def is_change(request: Request) -> bool:
    """A command or file that may change the host; epochs and what a run keeps there of its journal do not count."""
    return isinstance(request, Command | StartJob | PutFile) and effect_of(request) is not Effect.READ


# What others do


def plant_filesystem(ground: Ground, host: str) -> None:
    disk = ground.disk(host)
    disk.signature, disk.uuid = "ext4", FOREIGN


def plant_metadata(ground: Ground, host: str) -> None:
    ground.disk(host).metadata = Metadata(FOREIGN)


def plant_swap(ground: Ground, host: str) -> None:
    ground.disk(host).swap = True


def plant_holder(ground: Ground, host: str) -> None:
    ground.disk(host).holders.append("vg0-data")


def mount_disk(ground: Ground, host: str) -> None:
    ground.row(host).mounts.append(Mount(BACKING_DEVICE, "/mnt", "ext4"))


def declare_good(ground: Ground, host: str) -> None:
    for side in ground.row(host).sides.values():
        side.disk = "UpToDate"


def promote(ground: Ground, host: str) -> None:
    for side in ground.row(host).sides.values():
        side.role = "Primary"


def drop_a_file_in_the_store(ground: Ground, host: str) -> None:
    if ground.files(host).exists(ground.settings.store):
        ground.files(host).write(f"{ground.settings.store}/stray", b"written by somebody")


def occupy_the_staging_area(ground: Ground, host: str) -> None:
    files, place = ground.files(host), f"{ground.settings.staging}/{ground.settings.store.rsplit('/', 1)[-1]}"
    if files.exists(ground.settings.staging) and not files.exists(place):
        files.mkdir(place)
        files.write(f"{place}/theirs", b"somebody's only copy")


def edit_the_configuration(ground: Ground, host: str) -> None:
    path = ground.settings.drbd_conf
    if ground.files(host).exists(path):
        ground.files(host).write(path, b"# by hand\n")


Tampering = Callable[[Ground, str], None]
TAMPERINGS: tuple[Tampering, ...] = (
    plant_filesystem,
    plant_metadata,
    plant_swap,
    plant_holder,
    mount_disk,
    declare_good,
    promote,
    drop_a_file_in_the_store,
    occupy_the_staging_area,
    edit_the_configuration,
)


@dataclass(frozen=True)
class Deed:
    """Right after the nth change that the engine makes, somebody does something on a host."""

    after_change: int
    what: Tampering
    host: str


@dataclass
class Witness:
    """Stands at every transport: lets others act, fails a change on purpose, and weighs each destroying command."""

    ground: Ground
    deeds: list[Deed]
    fails_at: int = 0
    changes: int = 0
    destroyed: list[str] = field(default_factory=list)
    bypasses: list[str] = field(default_factory=list)
    made: set[str] = field(default_factory=set)  # uuids that the engine's own commands brought into the world
    wrote: dict[tuple[str, str], bytes] = field(default_factory=dict)
    begun: set[tuple[str, str]] = field(default_factory=set)  # hosts' directories that the engine made, empty

    @property
    def staged(self) -> bool:
        return any(path.startswith(self.ground.settings.staging) for _, path in self.begun)

    def before(self, host: str, request: Request) -> Result | None:
        """The answer to give instead of sending, or None."""
        if effect_of(request) is Effect.DESTROY:
            command = request.command if isinstance(request, StartJob) else request
            assert isinstance(command, Command)
            self.destroyed.append(f"{host}: {command}")
            if harm := self._harm(host, command.argv):
                self.bypasses.append(f"{host}: `{command}`: {harm}")
        if is_change(request):
            self.changes += 1
            if self.changes == self.fails_at and isinstance(request, Command):
                return Result(1, b"", b"failed on purpose\n")
        return None

    def after(self, host: str, request: Request) -> None:
        if isinstance(request, PutFile):
            self.wrote[host, request.path] = request.content
        if isinstance(request, Command):
            self._note(host, request.argv)
        if is_change(request):
            for deed in self.deeds:
                if deed.after_change == self.changes:
                    deed.what(self.ground, deed.host)

    def _note(self, host: str, argv: tuple[str, ...]) -> None:
        disk = self.ground.disk(host) if host in NAMES.values() and self.ground.row(host).disks else None
        if "create-md" in argv and disk and disk.metadata:
            self.made.add(disk.metadata.device_uuid)
        if argv[0] == "mkdir" and self.ground.is_empty_directory(host, argv[-1]):
            self.begun.add((host, argv[-1]))

    def _harm(self, host: str, argv: tuple[str, ...]) -> str | None:
        """What the command would destroy that is not ours; None when it is harmless."""
        words = " ".join(argv)
        if "create-md" in words or words.startswith("dd if=/dev/zero"):
            return self._not_blank(host, or_ours=False)
        if words.startswith("mkfs"):
            return "a file system is there" if self.ground.disk(host).signature else None
        if "wipe-md" in words:
            metadata = self.ground.disk(host).metadata
            return None if metadata and metadata.device_uuid in self.made else f"metadata {metadata}"
        if words.startswith("wipefs"):
            return self._foreign_or_mounted(host, argv[-1])
        if "new-current-uuid" in words or "primary" in words:
            return self._not_fresh()
        if words.startswith("mount "):
            return None if self.ground.is_empty_directory(host, argv[-1]) else f"{argv[-1]} is not empty"
        if words.startswith("rm -rf"):
            # A copy that was to bring the store back from the pair is as good as the pair.
            whole = self.ground.is_whole("device" if argv[-1].endswith(".after-ha") else "store")
            return None if whole and (host, argv[-1]) in self.begun else "the only copy, or somebody else's"
        if words.startswith("rm -f"):
            same = self.ground.files(host).read(argv[-1]) == self.wrote.get((host, argv[-1]))
            return None if same or argv[-1].endswith(".new") else f"{argv[-1]} is not as we wrote it"
        return "nobody knows what this destroys"

    def _not_blank(self, host: str, or_ours: bool) -> str | None:
        disk = self.ground.disk(host)
        if disk.metadata and not (or_ours and disk.metadata.device_uuid in self.made):
            return f"metadata {disk.metadata.device_uuid}"
        if disk.signature and not (or_ours and disk.uuid != FOREIGN):
            return f"{disk.signature} {disk.uuid}"
        if disk.holders or disk.swap or self.ground.mounted(host, BACKING_DEVICE):
            return "in use"
        return None

    def _foreign_or_mounted(self, host: str, device: str) -> str | None:
        """What is erased is ours. A disk under DRBD is DRBD's alone: others can use it only where DRBD does not."""
        if device == BACKING_DEVICE:
            return self._not_blank(host, or_ours=True)
        disk = self.ground.disk(host)
        if disk.signature and disk.uuid == FOREIGN:
            return f"{disk.signature} {disk.uuid}"
        return "mounted" if self.ground.mounted(host, device) else None

    def _not_fresh(self) -> str | None:
        for node in self.ground.opened.inventory.pair:
            for side in self.ground.row(node.name).sides.values():
                if (side.disk, side.role) != ("Inconsistent", "Secondary"):
                    return f"{node.name} is {side.role} and {side.disk}"
            if self.ground.disk(node.name).image is not None:
                return f"{node.name} was written to"
        return None


@dataclass(frozen=True)
class _Watched:
    inner: Connection
    witness: Witness

    def open(self, name: str) -> Transport:
        return _Door(name, self.inner.open(name), self.witness)

    def describe(self) -> str:
        return self.inner.describe()

    def weakness(self) -> str | None:
        return self.inner.weakness()


@dataclass(frozen=True)
class _Door:
    name: str
    inner: Transport
    witness: Witness

    def send(self, request: Request, fence: Fence | None = None) -> Answer:
        instead = self.witness.before(self.name, request)
        answer = instead if instead is not None else self.inner.send(request, fence)
        self.witness.after(self.name, request)
        return answer

    def close(self) -> None:
        self.inner.close()


def watched(inventory: Inventory, witness: Witness) -> Inventory:
    """The same hosts with the witness in front of each."""

    def at(node: Node) -> Node:
        return replace(node, connection=_Watched(node.connection, witness))

    original, additional, clc = map(at, inventory.nodes())
    return replace(inventory, original=original, additional=additional, clc=clc)
