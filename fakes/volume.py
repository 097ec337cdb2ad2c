"""One file system in memory, with what is written and what is on stable storage told apart.

Paths inside a volume are relative to its root: ``""`` is the root, ``/a/b`` lies below it. Trees are copied on the
first write after they were shared, so that a flush or a snapshot of any size costs next to nothing.
"""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from fakes.content import Content, size_of

Kind = Literal["file", "directory", "symlink", "other"]
BLOCK_BYTES = 4096
SHORT_LINK_BYTES = 60  # shorter targets live in the inode
INODE_EVERY_BYTES = 16384  # as mke2fs(8) lays them out by default


class Node(NamedTuple):
    """An inode. ``content`` belongs to files, ``target`` to symbolic links."""

    kind: Kind
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    content: Content = b""
    target: str = ""
    xattrs: tuple[tuple[str, bytes], ...] = ()
    links: int = 1

    @property
    def size(self) -> int:
        if self.kind == "file":
            return size_of(self.content)
        return BLOCK_BYTES if self.kind == "directory" else len(os.fsencode(self.target))

    @property
    def blocks(self) -> int:
        """Blocks that the content occupies."""
        if self.kind == "file":
            return -(-size_of(self.content) // BLOCK_BYTES)
        return int(self.kind == "directory" or len(self.target) >= SHORT_LINK_BYTES)


class Tree:
    """Names and inodes at one moment."""

    __slots__ = ("blocks", "nodes", "paths")

    def __init__(self, paths: dict[str, int], nodes: dict[int, Node], blocks: int) -> None:
        self.paths = paths
        self.nodes = nodes
        self.blocks = blocks

    def copy(self) -> Tree:
        return Tree(self.paths.copy(), self.nodes.copy(), self.blocks)

    def node(self, path: str) -> Node | None:
        number = self.paths.get(path)
        return None if number is None else self.nodes[number]

    def is_empty(self, directory: str) -> bool:
        return not any(True for _ in self.below(directory))

    def below(self, path: str) -> Iterator[str]:
        """Everything strictly below a directory, in no order."""
        start = f"{path}/"
        return (found for found in self.paths if found.startswith(start))

    def recount(self) -> None:
        """Make link counts and blocks agree with the names, after names were merged from two trees."""
        links: dict[int, int] = {}
        for path, number in self.paths.items():
            is_directory = self.nodes[number].kind == "directory"
            links[number] = links.get(number, 0) + (2 if is_directory else 1)
            if is_directory and path:
                parent = self.paths[path.rpartition("/")[0]]
                links[parent] = links.get(parent, 0) + 1
        self.nodes = {number: self.nodes[number]._replace(links=count) for number, count in links.items()}
        self.blocks = sum(node.blocks for node in self.nodes.values())


class Published(NamedTuple):
    """A volume's content as other machines adopt it."""

    tree: Tree
    capacity_blocks: int
    inodes: int


# What survives a power cut, from what is durable and what was written: (durable, written) -> found after the restart.
Survival = Callable[[Tree, Tree], Tree]


def only_flushed(durable: Tree, written: Tree) -> Tree:
    """The most pessimistic legal outcome: nothing that was not flushed is there."""
    del written
    return durable


class Snapshot(NamedTuple):
    """A volume's state, to return to."""

    tree: Tree
    durable: Tree
    next_inode: int
    reserved_bytes: int


class Volume:
    """A file system of a fixed size: root:root 0755 at the start, and durable as such."""

    def __init__(self, source: str, device: int, capacity_bytes: int, inodes: int | None = None) -> None:
        self.source = source  # the device's name as df prints it
        self.device = device
        self.capacity_blocks = capacity_bytes // BLOCK_BYTES
        self.inodes = inodes if inodes is not None else max(16, capacity_bytes // INODE_EVERY_BYTES)
        self.reserved_bytes = 0  # taken by somebody else; a lab's way to fill the disk
        self.tree = Tree({"": 2}, {2: Node("directory", 0o755, 0, 0, 0, links=2)}, 1)
        self.durable = self.tree
        self._private = False
        self._next_inode = 11

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
        tree = self.own()
        parent = tree.nodes[tree.paths[path.rpartition("/")[0]]]
        if parent.mode & modes.S_ISGID:
            inherited = modes.S_ISGID if node.kind == "directory" else 0
            node = node._replace(gid=parent.gid, mode=node.mode | inherited)
        self._next_inode += 1
        tree.paths[path] = self._next_inode
        tree.nodes[self._next_inode] = node
        tree.blocks += node.blocks
        self._touch_parent(path, 1 if node.kind == "directory" else 0, node.mtime_ns)

    def change(self, path: str, node: Node) -> None:
        """Another state of the inode under a name.

        Raises:
            OSError: ENOSPC.
        """
        number = self.tree.paths[path]
        more = node.blocks - self.tree.nodes[number].blocks
        self._demand(more, 0, path)
        tree = self.own()
        tree.nodes[number] = node
        tree.blocks += more

    def add_name(self, old: str, new: str, now_ns: int) -> None:
        """A hard link."""
        tree = self.own()
        number = tree.paths[old]
        tree.paths[new] = number
        tree.nodes[number] = tree.nodes[number]._replace(links=tree.nodes[number].links + 1)
        self._touch_parent(new, 0, now_ns)

    def remove(self, path: str, now_ns: int) -> None:
        """Take a name away, and the inode with its last one; directories are empty."""
        tree = self.own()
        number = tree.paths.pop(path)
        node = tree.nodes[number]
        if node.kind != "directory" and node.links > 1:
            tree.nodes[number] = node._replace(links=node.links - 1)
        else:
            del tree.nodes[number]
            tree.blocks -= node.blocks
        self._touch_parent(path, -1 if node.kind == "directory" else 0, now_ns)

    def rename(self, old: str, new: str, now_ns: int) -> None:
        """Move a name, and all that is below it, to one that is free."""
        tree = self.own()
        moves_directory = tree.nodes[tree.paths[old]].kind == "directory"
        if moves_directory:
            for name in list(tree.below(old)):
                tree.paths[new + name[len(old) :]] = tree.paths.pop(name)
        tree.paths[new] = tree.paths.pop(old)
        self._touch_parent(old, -int(moves_directory), now_ns)
        self._touch_parent(new, int(moves_directory), now_ns)

    def _touch_parent(self, path: str, links: int, now_ns: int) -> None:
        number = self.tree.paths[path.rpartition("/")[0]]
        parent = self.tree.nodes[number]
        self.tree.nodes[number] = parent._replace(mtime_ns=now_ns, links=parent.links + links)

    def _demand(self, blocks: int, inodes: int, path: str) -> None:
        short = blocks > 0 and blocks > self.free_blocks
        if short or (inodes and len(self.tree.nodes) + inodes > self.inodes):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    @property
    def free_blocks(self) -> int:
        return max(0, self.capacity_blocks - self.tree.blocks - -(-self.reserved_bytes // BLOCK_BYTES))

    def flush(self) -> None:
        """Make everything durable."""
        self.durable = self.tree
        self._private = False

    def harden(self, path: str) -> None:
        """Make one file and its name durable, with the directories that lead to it."""
        durable = self.durable.copy()
        names = path.split("/")
        for depth in range(1, len(names) + 1):
            part = "/".join(names[:depth])
            if part == path or part not in durable.paths:
                number = self.tree.paths[part]
                durable.paths[part] = number
                durable.nodes[number] = self.tree.nodes[number]
        durable.recount()
        self.durable = durable

    def power_cut(self, survival: Survival) -> None:
        """Go back to what stable storage holds."""
        self.tree = self.durable = survival(self.durable, self.tree)
        self._private = False

    def adopt(self, found: Published) -> None:
        """Hold another volume's content from now on, durably."""
        self.tree = self.durable = found.tree
        self.capacity_blocks, self.inodes = found.capacity_blocks, found.inodes
        self._private = False
        self._next_inode = max(self._next_inode, max(found.tree.nodes))

    def publish(self) -> Published:
        """The present content, for others to keep; the next write copies it first."""
        self._private = False
        return Published(self.tree, self.capacity_blocks, self.inodes)

    def snapshot(self) -> Snapshot:
        self._private = False
        return Snapshot(self.tree, self.durable, self._next_inode, self.reserved_bytes)

    def restore(self, found: Snapshot) -> None:
        self.tree, self.durable, self._next_inode, self.reserved_bytes = found
        self._private = False
