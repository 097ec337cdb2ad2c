"""The simulated world as a sweep asks for it: what two worlds have in common, and where complete copies lie.

``key`` is the same for two worlds from which the same story follows. Left out is what no program decides by: logs, byte
counters, numbers of processes and inodes, the time. Names that are made on the way (generation ids, boot ids, epochs)
are told apart from each other and nothing more.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fakes.fence import HeldByOther, OtherLife, StaleEpoch
from fakes.memory import MemoryFilesystem
from fakes.program import Call
from fakes.simulated import COMMAND_S, SimulatedMachine, SimulatedWorld
from fakes.survival import VolumeImages
from fakes.tree import Change, Node, Tree
from fakes.volume import Volume
from fakes.world import Disk, HostRow, Metadata, Side, WalrusState
from harness.hosts.command import (
    Claim,
    Command,
    ContinueJob,
    Fence,
    KeepRecord,
    PauseJob,
    PutFile,
    Request,
    StartJob,
    StopJob,
)
from harness.inventory import Inventory
from harness.labs.premises import BACKING_DEVICE, EUCALYPTUS_ID, NAMES, place_path

ANSWER_S = COMMAND_S  # what a request takes that has no duration of its own
_NOBODY_READS = ("/var/log", "/tmp/looking-glass")
_NOT_OURS = ("/var/log", "/var/run", "/tmp", "/var/lib/eucalyptus/keys")
_OF_PROCESSES = "/var/run/"
_PID_FILE, _PID_TEXT = "/var/run/eucalyptus/eucalyptus-cloud.pid", "a process' number"
_CALENDAR_STARTS_NS = 1_400_000_000 * 10**9  # later times were set on the way
_SILENT_S = 30.0
_MOST_IMAGES = 256  # of one disk after a power cut; where there are more, what was flushed and what was written
_PLACES = ("store", "old-store", "returning-store", "staging", "second-staging")
_STAGED = ("staging", "second-staging")
_ROOT_MODE = 0o700
_BROUGHT_ALONG = "lru_cache"  # the module that drbd needs: unloading drbd leaves it behind, a boot does not

Shape = Any  # nested tuples of plain values


class Names:
    """Names made on the way, replaced by the order in which they are met."""

    def __init__(self) -> None:
        self._met: dict[object, int] = {}

    def of(self, name: object) -> int | None:
        """The number of a name; nothing has none."""
        return None if not name else self._met.setdefault(name, len(self._met))

    def of_generation(self, uuid: int) -> object:
        """A generation id: 0 and 4 mean something, and so does the lowest bit."""
        return uuid if uuid in (0, 4) else (self.of(uuid >> 1), uuid & 1)


def digest(shape: Shape) -> str:
    """A short name for a shape, the same in every process."""
    return hashlib.blake2b(repr(shape).encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


@dataclass
class Treasure:
    """The store as it was before the move, and whether a directory of some tree still equals it."""

    entries: dict[str, Shape]
    _known: dict[tuple[object, ...], tuple[list[Node], bool]] = field(default_factory=dict)
    _seen: dict[tuple[int, str], tuple[Tree, bool]] = field(default_factory=dict)
    _times_ns: frozenset[int] = frozenset()

    @classmethod
    def of(cls, tree: Tree, root: str) -> Treasure:
        return cls(_without_lost_found(dict(_entries(tree, root))))

    @property
    def times_ns(self) -> frozenset[int]:
        """The times that its entries have."""
        if not self._times_ns:
            self._times_ns = frozenset(shape[4] for shape in self.entries.values())
        return self._times_ns

    def lies_in(self, tree: Tree, root: str) -> bool:
        """The directory holds the store and nothing else. The tree must not be written to any more."""
        seen = self._seen.get((id(tree), root))
        if seen is None or seen[0] is not tree:
            seen = self._seen[id(tree), root] = (tree, self._holds(tree, root))
        return seen[1]

    def _holds(self, tree: Tree, root: str) -> bool:
        paths, nodes = tree.paths, tree.nodes
        if root not in paths:
            return False
        inside = [root, *tree.below(root)]
        found = [nodes[paths[path]] for path in inside]
        print_ = (root, *inside, *(paths[path] for path in inside), *map(id, found))
        known = self._known.get(print_)
        if known is None:  # the inodes are kept, so that no other ever has their identity
            known = self._known[print_] = (found, self._equals(tree, root))
        return known[1]

    def _equals(self, tree: Tree, root: str) -> bool:
        found = _without_lost_found(dict(_entries(tree, root)))
        return found.keys() == self.entries.keys() and all(
            said == self.entries[path] or (not path and _root_drift(self.entries[path], said))
            for path, said in found.items()
        )


def _without_lost_found(entries: dict[str, Shape]) -> dict[str, Shape]:
    """What every ext file system brings along is no part of the store."""
    if entries.get("/lost+found", ("",))[0] == "directory":
        del entries["/lost+found"]
    return entries


def _root_drift(before: Shape, after: Shape) -> bool:
    """What Walrus does to the root of its store when it mounts it: owner eucalyptus, mode 0700, a new time."""
    kind, mode, uid, gid, _, *rest = after
    owned = (uid, gid) in ((EUCALYPTUS_ID, EUCALYPTUS_ID), (before[2], before[3]))
    return bool(owned and mode in (_ROOT_MODE, before[1]) and (kind, *rest) == (before[0], *before[5:]))


def _entries(tree: Tree, root: str) -> Iterator[tuple[str, Shape]]:
    """Everything from a directory down by its path below it, with all that a faithful copy keeps."""
    inside = [root, *tree.below(root)]
    sets: dict[int, list[str]] = {}
    for path in inside:
        sets.setdefault(tree.paths[path], []).append(path[len(root) :])
    for path in inside:
        number = tree.paths[path]
        node, names = tree.nodes[number], sets[number]
        linked = min(names) if node.kind == "file" and len(names) > 1 else ""
        shape = (node.kind, node.mode, node.uid, node.gid, node.mtime_ns, node.content, node.target, node.xattrs)
        yield path[len(root) :], (*shape, linked)


@dataclass
class WorldState:
    """One simulated world, looked at from outside."""

    world: SimulatedWorld
    inventory: Inventory
    treasure: Treasure = field(init=False)
    _trees: dict[tuple[int, bool], tuple[Tree, str]] = field(default_factory=dict)
    _nodes: dict[int, tuple[Node, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        original = self.machine("original")
        self._store = place_path(self.inventory.settings, "store")
        volume, inside = self._lies(original.files, self._store)
        self.treasure = Treasure.of(volume.tree, inside)
        self.on_device = volume is not _root_of(original.files)  # the store lay on a disk of its own before the move

    on_device: bool = field(init=False)

    def machine(self, role: str) -> SimulatedMachine:
        return self.world.machines[NAMES[role]]

    # What two worlds have in common

    def key(self, names: Names) -> Shape | None:
        """The world's shape; None while a program is under way that will go on by itself."""
        if any(machine._processes.busy for machine in self.world.machines.values()):
            return None
        self.world.settle()
        return tuple(self.parts(names).items())

    def parts(self, names: Names) -> dict[str, Shape]:
        """The shape in parts that can be compared one by one."""
        state = self.world.state
        found: dict[str, Shape] = {}
        for name, machine in self.world.machines.items():
            row = state.hosts[name]
            found[f"{name} kernel"] = _row_shape(row, names, self._content_of)
            found[f"{name} files"] = self._files_shape(machine.files, bool(machine._daemons))
            found[f"{name} daemons"] = tuple(sorted(set(machine._daemons.values())))
        cloud = state.cloud
        found["cloud"] = (
            tuple(_walrus_shape(walrus, self.world.now) for _, walrus in sorted(cloud.walruses.items())),
            (tuple(sorted(cloud.properties.items())), cloud.drbd_row, tuple(sorted(cloud.key_deliveries.items()))),
            (cloud.key_sync_fails, cloud.next_enabled),
        )
        found["links"] = tuple(map(tuple, state.cut_links))
        found["resources"] = tuple((one.name, one.minor, one.sync_stalled) for one in state.resources.values())
        return found

    def files(self) -> dict[str, frozenset[str]]:
        """What lies on each host, one line an entry; what registration brings to a newcomer is not ours."""
        return {
            name: frozenset(line for volume in _fixed(machine.files) for line in self._entry_lines(volume.tree))
            for name, machine in self.world.machines.items()
        }

    def _entry_lines(self, tree: Tree) -> Iterator[str]:
        """One line an entry; what ext file systems bring along, and cp copies with the rest, is passed over."""
        for line in self._tree_lines(tree, _NOT_OURS):
            entry = line.partition(" = ")[2]
            if "/lost+found' ('directory'" not in entry:
                yield entry

    def observed(self) -> dict[str, Shape]:
        """What an uninvolved observer compares two finished moves by: without what DRBD keeps for itself."""
        files, found = self.files(), dict[str, Shape]()
        for name, row in self.world.state.hosts.items():
            kernel, mounts, _, sides = _row_shape(row, Names(), self._content_of)
            kernel = (*kernel[:2], tuple(one for one in kernel[2] if one != _BROUGHT_ALONG), *kernel[3:])
            disks = tuple(
                (disk.device, disk.signature, disk.garbage, disk.metadata is not None) for disk in row.disks.values()
            )
            seen = tuple((one, (side[0], side[1][2:4])) for one, side in sides)
            found[name] = (kernel, mounts, disks, seen, tuple(sorted(files[name])))
        cloud = self.world.state.cloud
        walruses = tuple((one.name, one.host, one.state, one.manager) for _, one in sorted(cloud.walruses.items()))
        found["cloud"] = (walruses, tuple(sorted(cloud.properties.items())))
        found["links"] = tuple(map(tuple, self.world.state.cut_links))
        return found

    def holding(self, known: Mapping[bytes, tuple[tuple[int, str, str, str], str]]) -> Iterator[tuple[bytes, str]]:
        """Of hashes, each with size, times and inode as find prints them, those of which such a file is there."""
        files = self.machine("original").files
        there = {
            (volume.device, number, f"{node.ctime_ns // 10**9}.{node.ctime_ns % 10**9:09}0")
            for volume in (_root_of(files), *files._images.values())
            for number, node in volume.tree.nodes.items()
            if node.kind == "file"
        }
        for path, ((_, _, ctime, inode), sha256) in known.items():
            device, _, number = inode.partition(":")
            if (int(device), int(number), ctime) in there:
                yield path, sha256

    def epochs(self) -> dict[str, int]:
        """The epoch that each host has granted."""
        return {name: machine.fence.epoch for name, machine in self.world.machines.items()}

    def grants(self) -> dict[str, tuple[str, bool]]:
        """Which run holds each host, and whether it was granted in the host's present life."""
        rows = self.world.state.hosts
        return {
            name: (machine.fence.run_id, machine.fence.boot_id == rows[name].boot_id)
            for name, machine in self.world.machines.items()
        }

    def job(self, job_id: str) -> Shape:
        """What the hosts know of a detached job."""
        known = (machine._processes.poll_job(job_id) for machine in self.world.machines.values())
        return tuple((word, reply and (reply.exit_status, digest(reply.stdout))) for word, reply in known)

    def _content_of(self, token: str) -> str:
        published = self.world.published.get(token)
        return self._tree_digest(published.tree) if published else ""

    def _files_shape(self, files: MemoryFilesystem, serving: bool) -> Shape:
        images = tuple((name, self._volume_shape(volume, serving)) for name, volume in sorted(files._images.items()))
        mounts = tuple((mount.at, mount.volume.source) for mount in files._names.mounts)
        fixed = tuple(self._volume_shape(volume, serving) for volume in _fixed(files))
        return fixed, images, mounts

    def _volume_shape(self, volume: Volume, serving: bool) -> Shape:
        durable = self._tree_digest(volume.durable, after_boot=True)
        return (
            durable,
            self._tree_digest(_written(volume), after_boot=not serving),
            volume.reserved_bytes,
            bool(volume.lost),
        )

    def _tree_digest(self, tree: Tree, after_boot: bool = False) -> str:
        """What a tree holds; ``after_boot`` passes over what tells of processes, where none runs."""
        known = self._trees.get((id(tree), after_boot))
        if known is not None and known[0] is tree:
            return known[1]
        passed_over = (*_NOBODY_READS, _OF_PROCESSES) if after_boot else _NOBODY_READS
        made = hashlib.blake2b("\n".join(self._tree_lines(tree, passed_over)).encode(), digest_size=12).hexdigest()
        self._trees[id(tree), after_boot] = (tree, made)
        return made

    def _tree_lines(self, tree: Tree, passed_over: tuple[str, ...]) -> Iterator[str]:
        met: dict[int, int] = {}
        nodes, texts = tree.nodes, self._nodes
        for path, number in sorted(tree.paths.items()):
            if path.startswith(passed_over):
                continue
            node = nodes[number]
            known = texts.get(id(node))
            if known is None or known[0] is not node:
                known = texts[id(node)] = (node, self._node_text(node))
            text = _PID_TEXT if path == _PID_FILE else known[1]
            yield f"{met.setdefault(number, len(met))} = {path!r} {text}"

    def _node_text(self, node: Node) -> str:
        """An inode; of times set on the way only those count that the store had before: they are compared with it."""
        time_ns: int | str = node.mtime_ns
        if node.mtime_ns >= _CALENDAR_STARTS_NS and node.mtime_ns not in self.treasure.times_ns:
            time_ns = "new"
        content = node.content
        said = hashlib.blake2b(content, digest_size=12).hexdigest() if isinstance(content, bytes) else repr(content)
        return repr((node.kind, node.mode, node.uid, node.gid, time_ns, said, node.target, node.xattrs))

    # What is true

    def complete_copies(self) -> dict[str, list[str]]:
        """Where the store lies complete, as written and as a power cut would leave it."""
        found: dict[str, list[str]] = {"as written": [], "after a power cut": []}
        files = self.machine("original").files
        root = _root_of(files)
        for place, path in self._places():
            self._count(found, place, *self._lies(files, path))
        if not self._untouched_elsewhere(files) and not self._in_every_image(root):
            found["after a power cut"] = []
        for name, volume in files._images.items():
            self._count(found, f"device {name}", volume, "")
        for role in ("original", "additional"):
            disk = self.world.state.hosts[NAMES[role]].disks[BACKING_DEVICE]
            published = self.world.published.get(disk.image_token)
            # What a side was told and has not put into its image yet lies on its disk all the same. What the original
            # writes past that is looked at above.
            stale = role == "original" and disk.written
            if published and not disk.garbage and not stale and self.treasure.lies_in(published.tree, ""):
                found["as written"].append(f"{role} device")
                found["after a power cut"].append(f"{role} device")
        return found

    def _count(self, found: dict[str, list[str]], place: str, volume: Volume, root: str) -> None:
        if self.treasure.lies_in(_written(volume), root):
            found["as written"].append(place)
        if self.treasure.lies_in(volume.durable, root):
            found["after a power cut"].append(place)

    def _places(self) -> list[tuple[str, str]]:
        """The places of the original that may hold a copy, and their paths."""
        second = self.inventory.settings.second_staging
        names = [place for place in _PLACES if second or place != "second-staging"]
        return [(place, place_path(self.inventory.settings, place)) for place in names]

    @staticmethod
    def _lies(files: MemoryFilesystem, path: str) -> tuple[Volume, str]:
        """The volume that a path is on now, and the path inside it; what is not mounted cannot be seen there."""
        place = files._names.locate(path)
        return place.volume, place.inside

    def _untouched_elsewhere(self, files: MemoryFilesystem) -> bool:
        """A copy on another disk than the system's is flushed, and nothing since has to do with it."""
        places = [self._lies(files, path) for _, path in self._places()]
        places += [(volume, "") for volume in files._images.values()]
        return any(
            volume is not _root_of(files)
            and self.treasure.lies_in(volume.durable, inside)
            and not _touched(volume.durable, inside, _unflushed(volume))
            for volume, inside in places
        )

    def _in_every_image(self, root: Volume) -> bool:
        """Whatever of the unflushed survives a power cut, the store is somewhere on the original's own disk."""
        changes = _unflushed(root)
        places = [path for _, path in self._places()]
        kept = [place for place in places if self.treasure.lies_in(root.durable, place)]
        if any(not _touched(root.durable, place, changes) for place in kept):
            return True
        images = VolumeImages(root)
        number = images.count(_MOST_IMAGES)
        trees = [images.nth(one) for one in range(number)] if number <= _MOST_IMAGES else [root.durable, root.tree]
        return all(any(self.treasure.lies_in(tree, place) for place in places) for tree in trees)

    def treasure_is_served_by(self, role: str) -> None:
        """From now on what counts is the store as this host has it mounted."""
        mounted = next(one.volume for one in self.machine(role).files._names.mounts if one.at == self._store)
        self.treasure = Treasure.of(_written(mounted), "")

    def source_is_unchanged(self, on_the_way_back: bool = False) -> bool:
        """The original's store is as it was, at its place or renamed aside; on the way back the pair's on this side.

        Where it lay on the device to be replicated, that is left alone until two copies are whole on stable storage.
        """
        files = self.machine("original").files
        if on_the_way_back:
            return any(self.treasure.lies_in(_written(volume), "") for volume in files._images.values())
        if self.on_device:
            copies = [self._lies(files, place_path(self.inventory.settings, one)) for one in _STAGED]
            whole = all(self.treasure.lies_in(volume.durable, inside) for volume, inside in copies)
            return whole or any(self.treasure.lies_in(_written(one), "") for one in files._images.values())
        root = _root_of(files)
        places = (place_path(self.inventory.settings, place) for place in ("old-store", "store"))
        return any(self.treasure.lies_in(_written(root), place) for place in places)

    def holds_store_at(self, role: str) -> bool:
        """What a reader sees at the store's path on a host, mounted device or not, is the store."""
        files = self.machine(role).files
        mounted = [mount.volume for mount in files._names.mounts if mount.at == self._store]
        volume, root = (mounted[-1], "") if mounted else (_root_of(files), self._store)
        return self.treasure.lies_in(_written(volume), root)

    def roles(self) -> list[str]:
        """The DRBD roles of the sides that are up."""
        return [side.role for row in self.world.state.hosts.values() for side in row.sides.values()]

    def events_after(self, seen: int) -> Iterator[tuple[str, str, str]]:
        """Host, kind and detail of what happened after the first so many events; kinds as in the evidence."""
        for event in self.world.state.events[seen:]:
            yield event.host, event.kind, event.detail

    def unsupported(self) -> list[str]:
        """Calls that a fake refused to model, so far."""
        return self.world.state.unsupported

    def arrive(self, role: str, request: Request, fence: Fence | None) -> None:
        """Carry a request out although nobody waits for its answer any more; a stale one is refused by the fence."""
        machine = self.machine(role)
        row = self.world.state.hosts[machine.name]
        if not row.powered or row.frozen:
            return
        with contextlib.suppress(StaleEpoch, OtherLife, HeldByOther, OSError):
            if fence is not None:
                machine.check(fence.run_id, fence.epoch)
            match request:
                case Command(argv=argv, stdin=stdin):
                    machine._leave(machine._process(Call(argv, stdin)), 0.0)
                case PutFile(path=path, content=content, mode=mode):
                    machine.files.replace(path, content, mode)
                case StartJob(job_id=job_id, command=command):
                    machine._processes.start_job(job_id, machine._process(Call(command.argv, command.stdin)))
                case StopJob(job_id=job_id):
                    machine._processes.stop_job(job_id)
                case PauseJob(job_id=job_id):
                    machine._processes.pause_job(job_id)
                case ContinueJob(job_id=job_id):
                    machine._processes.continue_job(job_id)
                case Claim(fence=wanted, release=False):
                    machine.fence.claim(wanted.run_id, wanted.epoch, row.boot_id, request.takes_over)
                case KeepRecord(name=record, content=content, offset=offset):
                    machine.records.keep(record, content, offset)
                case Claim(fence=wanted):
                    machine.fence.release(wanted.run_id, wanted.epoch, row.boot_id)

    def enabled(self) -> list[str]:
        """The roles of the hosts whose Walrus the cloud has ENABLED."""
        addresses = {row.address: row.role for row in self.world.state.hosts.values()}
        return [addresses[one.host] for one in self.world.state.cloud.walruses.values() if one.state == "ENABLED"]


def _touched(tree: Tree, place: str, changes: Sequence[Change]) -> bool:
    """Some change that is not flushed has to do with what lies at a place."""
    numbers = {tree.paths[path] for path in (place, *tree.below(place))}
    return any(
        change.number in numbers
        or any(name == place or name.startswith(f"{place}/") for name in (change.path, change.new))
        for change in changes
    )


def _written(volume: Volume) -> Tree:
    """A volume's tree as it is now; the next write copies it first, so that this one stays as it is."""
    return volume.publish().tree


def _unflushed(volume: Volume) -> Sequence[Change]:
    """What a power cut may take away again."""
    changes, count = volume.snapshot().changes
    return changes[:count]


def _fixed(files: MemoryFilesystem) -> list[Volume]:
    """The file systems that are there from boot on, the system's own first."""
    return [mount.volume for mount in files._names.mounts[: files._names.fixed]]


def _root_of(files: MemoryFilesystem) -> Volume:
    return files._names.mounts[0].volume


def _row_shape(row: HostRow, names: Names, content_of: Callable[[str], str]) -> Shape:
    services = tuple((name, one.running, one.starts_at_boot) for name, one in sorted(row.services.items()))
    return (
        (row.powered, row.frozen, tuple(row.modules), services, tuple(row.listening)),
        tuple((one.device, one.at, one.fstype, one.options, one.user) for one in row.mounts),
        tuple(_disk_shape(disk, names, content_of) for _, disk in sorted(row.disks.items())),
        tuple((name, _side_shape(side, row)) for name, side in sorted(row.sides.items())),
    )


def _disk_shape(disk: Disk, names: Names, content_of: Callable[[str], str]) -> Shape:
    return (
        (disk.device, disk.signature, names.of(disk.uuid), disk.image, _metadata_shape(disk.metadata, names)),
        (tuple(disk.holders), disk.swap, content_of(disk.image_token), disk.held_token == disk.image_token),
        (disk.written, names.of(disk.lineage), disk.garbage, disk.filesystem_kib, disk.residue, disk.foreign),
        _metadata_shape(disk.misplaced, names),
    )


def _metadata_shape(metadata: Metadata | None, names: Names) -> Shape:
    if metadata is None:
        return None
    uuids = (metadata.current_uuid, metadata.bitmap_uuid, *metadata.history)
    return (
        names.of(metadata.device_uuid),
        tuple(names.of_generation(uuid) for uuid in uuids),
        (metadata.consistent, metadata.up_to_date, metadata.primary, metadata.connected, metadata.full_sync),
        (metadata.peer_outdated, metadata.crashed_primary, metadata.marked_on_disk, metadata.effective_kib),
        _share(metadata.oos_kib, metadata.effective_kib),
    )


def _share(part_kib: int, whole_kib: int) -> str:
    if part_kib == 0:
        return "none"
    return "all" if part_kib >= whole_kib else "some"


def _side_shape(side: Side, row: HostRow) -> Shape:
    return (
        (side.configured, side.role, side.disk, side.connection, side.wants_connection, side.paused_by_user),
        (side.discard_my_data, tuple(side.opened_by), side.peer_role, side.peer_disk, side.paused_by_peer),
        (side.activity_log_suspended, side.backing, side.minor, side.device, side.local, side.remote),
        (tuple(sorted(side.options.items())), side.boot_id == row.boot_id, bool(side.verify_left_kib)),
        side.crashed_primary,
    )


def _walrus_shape(walrus: WalrusState, now: float) -> Shape:
    silent = bool(walrus.seen_at) and now - walrus.seen_at > _SILENT_S
    return walrus.name, walrus.partition, walrus.host, walrus.state, walrus.manager, walrus.message, silent
