"""One file system in memory, with what is written and what is on stable storage told apart.

Paths inside a volume are relative to its root: ``""`` is the root, ``/a/b`` lies below it. Trees are copied on the
first write after they were shared, so that a flush or a snapshot of any size costs next to nothing. Between flushes
the changes are noted in their order, for a file system with a journal loses the latest of them first; which states a
power cut may leave behind is the part of fakes.survival.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from fakes.content import Content, damaged, size_of
from fakes.tree import BLOCK_BYTES, Change, Node, Tree, follow

INODE_EVERY_BYTES = 16384  # as mke2fs(8) lays them out by default


class Published(NamedTuple):
    """A volume's content as other machines adopt it."""

    tree: Tree
    capacity_blocks: int
    inodes: int


class Lost(NamedTuple):
    """What a failed flush leaves: pages that count as clean, and what the disk holds instead of them."""

    cached: Content
    on_disk: Content


class Snapshot(NamedTuple):
    """A volume's state, to return to."""

    tree: Tree
    durable: Tree
    next_inode: int
    reserved_bytes: int
    changes: tuple[list[Change], int]
    lost: dict[int, Lost]
    fails_next_flush: bool


class Volume:
    """A file system of a fixed size: root:root 0755 at the start, and durable as such."""

    def __init__(
        self,
        source: str,
        device: int,
        capacity_bytes: int,
        inodes: int | None = None,
        now_ns: Callable[[], int] = lambda: 0,
    ) -> None:
        self._now_ns = now_ns
        self.source = source  # the device's name as df prints it
        self.device = device
        self.capacity_blocks = capacity_bytes // BLOCK_BYTES
        self.inodes = inodes if inodes is not None else max(16, capacity_bytes // INODE_EVERY_BYTES)
        self.reserved_bytes = 0  # taken by somebody else; a lab's way to fill the disk
        self.tree = Tree({"": 2}, {2: Node("directory", 0o755, 0, 0, 0, links=2)}, 1)
        self.durable = self.tree
        self.lost: dict[int, Lost] = {}  # by inode
        self.fails_next_flush = False  # a lab's way to have the disk refuse once what is flushed
        self._private = False
        self._next_inode = 11
        self._changes: list[Change] = []  # since the last flush, in their order
        self._told = 0  # so many of them a snapshot relies on

    def own(self) -> Tree:
        """The tree, to be written to."""
        if not self._private:
            self.tree = self.tree.copy()
            self._private = True
        return self.tree

    def create(self, path: str, node: Node) -> None:
        """A new inode under a name that is free, in a directory that is there.

        Raises:
            OSError: ENOSPC.
        """
        self._demand(node.blocks, 1, path)
        node = node._replace(ctime_ns=self._now_ns())
        self._next_inode += 1
        self.own().add(path, self._next_inode, node)
        self._changes.append(Change("add", self._next_inode, path, "", node))

    def change(self, path: str, node: Node) -> None:
        """Another state of the inode under a name.

        Raises:
            OSError: ENOSPC.
        """
        number = self.tree.paths[path]
        node = node._replace(ctime_ns=self._now_ns())
        more = node.blocks - self.tree.nodes[number].blocks
        self._demand(more, 0, path)
        tree = self.own()
        tree.nodes[number] = node
        tree.blocks += more
        changes, noted = self._changes, Change("put", number, "", "", node)
        if len(changes) > self._told and changes[-1].number == number and changes[-1].kind == "put":
            changes[-1] = noted  # a file that grows piece by piece is one change: a power cut may shorten it anyway
        else:
            changes.append(noted)

    def add_name(self, old: str, new: str, now_ns: int) -> None:
        """A hard link."""
        number = self.tree.paths[old]
        self.own().add_name(new, number, now_ns)
        self._changes.append(Change("link", number, old, new, None, now_ns))

    def remove(self, path: str, now_ns: int) -> None:
        """Take a name away, and the inode with its last one; directories are empty."""
        number = self.tree.paths[path]
        self.own().remove(path, now_ns)
        self._changes.append(Change("remove", number, path, "", None, now_ns))

    def rename(self, old: str, new: str, now_ns: int) -> None:
        """Move a name, and all that is below it, to one that is free."""
        number = self.tree.paths[old]
        self.own().rename(old, new, now_ns)
        self._changes.append(Change("rename", number, old, new, None, now_ns))

    def _demand(self, blocks: int, inodes: int, path: str) -> None:
        short = blocks > 0 and blocks > self.free_blocks
        if short or (inodes and len(self.tree.nodes) + inodes > self.inodes):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    @property
    def free_blocks(self) -> int:
        return max(0, self.capacity_blocks - self.tree.blocks - -(-self.reserved_bytes // BLOCK_BYTES))

    # Flushing

    def flush(self) -> bool:
        """Make everything durable; False when the disk refused some of it, of which only fsync and syncfs tell."""
        failed = self._refuse(self.dirty()) if self.fails_next_flush else False
        self.durable = self._with_lost_pages(self.tree) if self.lost else self.tree
        self._all_noted()
        return not failed

    def harden(self, path: str) -> None:
        """Make one file and its name durable, with the directories that lead to it.

        Raises:
            OSError: EIO: the disk refused; the pages count as clean all the same.
        """
        failed = self._refuse([self.tree.paths[path]]) if self.fails_next_flush else False
        durable, hardened = self.durable.copy(), set[int]()
        names = path.split("/")
        for depth in range(1, len(names) + 1):
            part = "/".join(names[:depth])
            if part == path or part not in durable.paths:
                number = self.tree.paths[part]
                if number in durable.nodes:
                    _move_from_former_name(durable, number, part, self.tree)
                durable.paths[part] = number
                durable.nodes[number] = self.tree.nodes[number]
                hardened.add(number)
        durable.recount()
        self.durable = self._with_lost_pages(durable) if self.lost else durable
        self._changes = [one for one in self._changes if one.number not in hardened or one.kind in ("link", "remove")]
        self._told = 0
        if failed:
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    def harden_names(self) -> None:
        """Commit the journal, as flushing a directory does: every name is durable, contents of files need not be."""
        committed = self.durable.copy()
        for change in self._changes:
            follow(committed, change)
        for number in unflushed_files(committed, self.durable):
            committed.put(number, committed.nodes[number]._replace(content=b""))
        self.durable = committed
        self._changes = [Change("put", number, "", "", self.tree.nodes[number]) for number in self.dirty()]
        self._told = 0

    def dirty(self) -> list[int]:
        """Files whose content is not what the disk holds, by inode."""
        return unflushed_files(self.tree, self.durable)

    def _all_noted(self) -> None:
        self._private = False
        if self._changes:
            self._changes = []
        self._told = 0

    # Flushes that fail

    def _refuse(self, files: list[int]) -> bool:
        """The disk refuses the content of the first of these files, once."""
        victims = [number for number in files if number in unflushed_files(self.tree, self.durable)]
        if not victims:
            return False
        content = self.tree.nodes[victims[0]].content
        self.lost[victims[0]] = Lost(content, damaged(content))
        self.fails_next_flush = False
        return True

    def _with_lost_pages(self, tree: Tree) -> Tree:
        """The tree as the disk has it: what was lost and not written again since is not there."""
        for number, (cached, _) in list(self.lost.items()):
            if number not in self.tree.nodes or self.tree.nodes[number].content is not cached:
                del self.lost[number]
        on_disk = tree.copy()
        for number, (_, content) in self.lost.items():
            if number in tree.nodes:
                on_disk.nodes[number] = tree.nodes[number]._replace(content=content)
        return on_disk

    def drop_clean_pages(self) -> None:
        """What is read from now on comes from the disk, as far as it was flushed."""
        if not self.lost:
            return
        tree = self.own()
        for number, (cached, content) in self.lost.items():
            node = tree.nodes.get(number)
            if node is not None and node.content is cached:
                tree.nodes[number] = node._replace(content=content)
        self.lost = {}

    # Power cuts, copies, snapshots

    def power_cut(self, survival: Survival) -> None:
        """Go back to what stable storage holds."""
        self.tree = self.durable = survival(self)
        self.lost = {}
        self._all_noted()

    def adopt(self, found: Published) -> None:
        """Hold another volume's content from now on, durably."""
        self.tree = self.durable = found.tree
        self.capacity_blocks, self.inodes = found.capacity_blocks, found.inodes
        self._next_inode = max(self._next_inode, max(found.tree.nodes))
        self.lost = {}
        self._all_noted()

    def publish(self) -> Published:
        """The present content, for others to keep; the next write copies it first."""
        self._private = False
        return Published(self.tree, self.capacity_blocks, self.inodes)

    def snapshot(self) -> Snapshot:
        self._private = False
        self._told = len(self._changes)
        changes = self._changes, self._told
        return Snapshot(
            self.tree,
            self.durable,
            self._next_inode,
            self.reserved_bytes,
            changes,
            self.lost.copy(),
            self.fails_next_flush,
        )

    def restore(self, found: Snapshot) -> None:
        self.tree, self.durable, self._next_inode, self.reserved_bytes = found[:4]
        noted, count = found.changes
        self._changes, self._told = noted[:count], 0
        self.lost, self.fails_next_flush = found.lost.copy(), found.fails_next_flush
        self._private = False


# What survives a power cut: the tree that a volume has after the restart.
Survival = Callable[[Volume], Tree]


def only_flushed(volume: Volume) -> Tree:
    """The most pessimistic legal outcome: nothing that was not flushed is there."""
    return volume.durable


def unflushed_files(tree: Tree, durable: Tree) -> list[int]:
    """Files of a tree whose content the durable one does not hold, by inode, the earliest made first."""
    return sorted(_unflushed(tree, durable))


def _unflushed(tree: Tree, durable: Tree) -> Iterator[int]:
    known = durable.nodes
    for number, node in tree.nodes.items():
        if node.kind == "file" and size_of(node.content):
            kept = known.get(number)
            if kept is not node and (kept is None or kept.content != node.content):
                yield number


def _move_from_former_name(durable: Tree, number: int, path: str, written: Tree) -> None:
    """A rename is whole or not at all: what an inode was called before it is not called any more."""
    former = [name for name, found in durable.paths.items() if found == number and written.paths.get(name) != number]
    for name in former:
        for below in list(durable.below(name)):
            durable.paths[path + below[len(name) :]] = durable.paths.pop(below)
        del durable.paths[name]
