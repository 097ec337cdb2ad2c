"""Names and inodes of one file system at one moment, and the changes that lead from one moment to the next."""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Iterator
from typing import Literal, NamedTuple

from fakes.content import Content, size_of

Kind = Literal["file", "directory", "symlink", "other"]
BLOCK_BYTES = 4096
SHORT_LINK_BYTES = 60  # shorter targets live in the inode


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
    ctime_ns: int = 0

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
        return next(self.below(directory), None) is None

    def below(self, path: str) -> Iterator[str]:
        """Everything strictly below a directory, in no order."""
        start = f"{path}/"
        return iter([found for found in self.paths if found.startswith(start)])

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

    # Changes

    def add(self, path: str, number: int, node: Node) -> None:
        """A new inode under a name that is free, in a directory that is there."""
        parent = self.nodes[self.paths[path.rpartition("/")[0]]]
        if parent.mode & modes.S_ISGID:
            inherited = modes.S_ISGID if node.kind == "directory" else 0
            node = node._replace(gid=parent.gid, mode=node.mode | inherited)
        self.paths[path] = number
        self.nodes[number] = node
        self.blocks += node.blocks
        self._touch_parent(path, 1 if node.kind == "directory" else 0, node.ctime_ns)

    def put(self, number: int, node: Node) -> None:
        """Another state of an inode."""
        self.blocks += node.blocks - self.nodes[number].blocks
        self.nodes[number] = node

    def add_name(self, path: str, number: int, now_ns: int) -> None:
        """A hard link."""
        self.paths[path] = number
        self.nodes[number] = self.nodes[number]._replace(links=self.nodes[number].links + 1, ctime_ns=now_ns)
        self._touch_parent(path, 0, now_ns)

    def remove(self, path: str, now_ns: int) -> None:
        """Take a name away, and the inode with its last one; directories are empty."""
        number = self.paths.pop(path)
        node = self.nodes[number]
        if node.kind != "directory" and node.links > 1:
            self.nodes[number] = node._replace(links=node.links - 1, ctime_ns=now_ns)
        else:
            del self.nodes[number]
            self.blocks -= node.blocks
        self._touch_parent(path, -1 if node.kind == "directory" else 0, now_ns)

    def rename(self, old: str, new: str, now_ns: int) -> None:
        """Move a name, and all that is below it, to one that is free."""
        moves_directory = self.nodes[self.paths[old]].kind == "directory"
        if moves_directory:
            for name in list(self.below(old)):
                self.paths[new + name[len(old) :]] = self.paths.pop(name)
        number = self.paths[new] = self.paths.pop(old)
        self.nodes[number] = self.nodes[number]._replace(ctime_ns=now_ns)
        self._touch_parent(old, -int(moves_directory), now_ns)
        self._touch_parent(new, int(moves_directory), now_ns)

    def _touch_parent(self, path: str, links: int, now_ns: int) -> None:
        number = self.paths[path.rpartition("/")[0]]
        parent = self.nodes[number]
        self.nodes[number] = parent._replace(mtime_ns=now_ns, ctime_ns=now_ns, links=parent.links + links)


class Change(NamedTuple):
    """One change of names or of an inode, as the journal of the file system would hold it."""

    kind: Literal["add", "put", "link", "remove", "rename"]
    number: int  # of the inode that it concerns
    path: str = ""
    new: str = ""
    node: Node | None = None
    at_ns: int = 0


def follow(tree: Tree, change: Change) -> None:
    """Make a change to an earlier tree; one that a flush of a single file has overtaken is passed over."""
    kind, number, path, new, node, at_ns = change
    if kind == "put":
        if node is not None and number in tree.nodes:
            tree.put(number, node._replace(links=tree.nodes[number].links))
        return
    if kind == "add":
        if node is not None and path not in tree.paths and _has_room(tree, path):
            tree.add(path, number, node)
    elif kind == "link":
        if number in tree.nodes and new not in tree.paths and _has_room(tree, new):
            tree.add_name(new, number, at_ns)
    elif tree.paths.get(path) != number:
        return
    elif kind == "rename":
        if new not in tree.paths and _has_room(tree, new):
            tree.rename(path, new, at_ns)
    elif tree.nodes[number].kind != "directory" or tree.is_empty(path):
        tree.remove(path, at_ns)


def _has_room(tree: Tree, path: str) -> bool:
    parent = tree.node(path.rpartition("/")[0])
    return parent is not None and parent.kind == "directory"
