"""The simulated world as a sweep asks for it: what two worlds have in common, and where complete copies lie.

``key`` is the same for two worlds from which the same story follows. Left out is what no program decides by: logs, byte
counters, numbers of processes and inodes, the time. Names that are made on the way (generation ids, boot ids, epochs)
are told apart from each other and nothing more.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fakes.fence import HeldByOther, OtherLife, StaleEpoch
from fakes.memory import MemoryFilesystem
from fakes.program import Call
from fakes.simulated import COMMAND_S, SimulatedMachine, SimulatedWorld
from fakes.tree import Node, Tree
from fakes.volume import Volume
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
from harness.labs.premises import NAMES
from harness.labs.simulated_copies import Copies, root_of, written
from harness.labs.simulated_shapes import Names, Shape, digest, row_shape, walrus_shape

ANSWER_S = COMMAND_S  # what a request takes that has no duration of its own
_NOBODY_READS = ("/var/log", "/tmp/looking-glass")
_NOT_OURS = ("/var/log", "/var/run", "/tmp", "/var/lib/eucalyptus/keys")
_OF_PROCESSES = "/var/run/"
_PID_FILE, _PID_TEXT = "/var/run/eucalyptus/eucalyptus-cloud.pid", "a process' number"
_CALENDAR_STARTS_NS = 1_400_000_000 * 10**9  # later times were set on the way
_BROUGHT_ALONG = "lru_cache"  # the module that drbd needs: unloading drbd leaves it behind, a boot does not


@dataclass
class WorldState:
    """One simulated world, looked at from outside."""

    world: SimulatedWorld
    inventory: Inventory
    copies: Copies = field(init=False)
    _trees: dict[tuple[int, bool], tuple[Tree, str]] = field(default_factory=dict)
    _nodes: dict[int, tuple[Node, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.copies = Copies(self.world, self.inventory.settings)

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
            found[f"{name} kernel"] = row_shape(row, names, self._content_of)
            found[f"{name} files"] = self._files_shape(machine.files, bool(machine._daemons))
            found[f"{name} daemons"] = tuple(sorted(set(machine._daemons.values())))
        cloud = state.cloud
        found["cloud"] = (
            tuple(walrus_shape(walrus, self.world.now) for _, walrus in sorted(cloud.walruses.items())),
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
            kernel, mounts, _, sides = row_shape(row, Names(), self._content_of)
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
            for volume in (root_of(files), *files._images.values())
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
            self._tree_digest(written(volume), after_boot=not serving),
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
        if node.mtime_ns >= _CALENDAR_STARTS_NS and node.mtime_ns not in self.copies.treasure.times_ns:
            time_ns = "new"
        content = node.content
        said = hashlib.blake2b(content, digest_size=12).hexdigest() if isinstance(content, bytes) else repr(content)
        return repr((node.kind, node.mode, node.uid, node.gid, time_ns, said, node.target, node.xattrs))

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

    def resyncing(self) -> bool:
        """Whether one side of the pair is being brought level with the other."""
        sides = [side for row in self.world.state.hosts.values() for side in row.sides.values()]
        return any(side.connection in ("SyncSource", "SyncTarget") for side in sides)

    def enabled(self) -> list[str]:
        """The roles of the hosts whose Walrus the cloud has ENABLED."""
        addresses = {row.address: row.role for row in self.world.state.hosts.values()}
        return [addresses[one.host] for one in self.world.state.cloud.walruses.values() if one.state == "ENABLED"]


def _fixed(files: MemoryFilesystem) -> list[Volume]:
    """The file systems that are there from boot on, the system's own first."""
    return [mount.volume for mount in files._names.mounts[: files._names.fixed]]
