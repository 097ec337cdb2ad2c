"""The store as it was before a move, to be recognised wherever it lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fakes.tree import Node, Tree
from harness.labs.premises import EUCALYPTUS_ID
from harness.labs.simulated_shapes import Shape

_ROOT_MODE = 0o700


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
