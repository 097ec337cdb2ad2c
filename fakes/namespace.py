"""Paths of one machine in memory: what is mounted where, and where a path leads."""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

from fakes.tree import Node
from fakes.volume import Volume

_MOST_LINKS_FOLLOWED = 40


def failure(number: int, path: str) -> OSError:
    """The error that the system call would give."""
    return OSError(number, os.strerror(number), path)


class Mount(NamedTuple):
    """A volume shown at a path."""

    at: str  # "" for the root
    below: str  # prefix of every path in it
    volume: Volume


class Place(NamedTuple):
    """Where a path leads: a volume and the path inside it, whether something is there or not."""

    volume: Volume
    base: str  # what stands before ``inside`` in the full path
    inside: str

    @property
    def full(self) -> str:
        return self.base + self.inside

    @property
    def node(self) -> Node | None:
        return self.volume.tree.node(self.inside)

    @property
    def found(self) -> Node:
        """The inode of something that is known to be there."""
        tree = self.volume.tree
        return tree.nodes[tree.paths[self.inside]]

    def require_parent(self, path: str) -> None:
        """There is a directory to hold it.

        Raises:
            OSError: ENOENT, ENOTDIR.
        """
        if not self.inside:
            return
        parent = self.volume.tree.node(self.inside.rpartition("/")[0])
        if parent is None or parent.kind != "directory":
            raise failure(errno.ENOTDIR if self._leads_through_a_file() else errno.ENOENT, path)

    def _leads_through_a_file(self) -> bool:
        leading = self.inside
        while leading:
            leading = leading.rpartition("/")[0]
            node = self.volume.tree.node(leading)
            if node is not None:
                return node.kind != "directory"
        return False


class Namespace:
    """The mount table and the meaning of paths. Later mounts hide earlier ones."""

    def __init__(self, root: Volume) -> None:
        self.mounts: tuple[Mount, ...] = (Mount("", "/", root),)
        self.fixed = 1  # mounts that are there from boot on stand first
        self._known: dict[str, Place] = {}  # places of paths, as long as the mounts are these

    def mount(self, mounts: tuple[Mount, ...]) -> None:
        """Have exactly these mounts."""
        self.mounts = mounts
        self._known = {}

    def add_fixed(self, at: str, volume: Volume) -> None:
        """A mount that is there from boot on."""
        self.mount((*self.mounts[: self.fixed], Mount(at, at + "/", volume), *self.mounts[self.fixed :]))
        self.fixed += 1

    def add(self, at: str, volume: Volume) -> None:
        self.mount((*self.mounts, Mount(at, at + "/", volume)))

    def remove(self, at: str) -> Volume:
        """Take the latest mount at a path away.

        Raises:
            OSError: EINVAL where nothing is mounted, EBUSY while something is mounted inside.
        """
        for number in range(len(self.mounts) - 1, self.fixed - 1, -1):
            if self.mounts[number].at == at:
                if self.inside(at):
                    raise failure(errno.EBUSY, at)
                gone = self.mounts[number]
                self.mount((*self.mounts[:number], *self.mounts[number + 1 :]))
                return gone.volume
        raise failure(errno.EINVAL, at)

    def remove_all(self) -> None:
        """Only what is mounted from boot on remains."""
        self.mount(self.mounts[: self.fixed])

    def inside(self, top: str) -> list[Mount]:
        """What is mounted strictly below a path, earliest first."""
        start = top + "/"
        return [mount for mount in self.mounts[1:] if mount.at.startswith(start)]

    def locate(self, path: str) -> Place:
        """The place of a path, links not looked at.

        Raises:
            OSError: ENOENT for a relative or empty path.
        """
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self._locate(path)
        return known

    def _locate(self, path: str) -> Place:
        if not path.startswith("/"):
            raise failure(errno.ENOENT, path)
        if "//" in path or "/." in path or path.endswith("/"):
            path = os.path.normpath(path).lstrip("/")
            path = f"/{path}" if path else ""
        for at, below, volume in reversed(self.mounts):
            if path.startswith(below) or path == at:
                return Place(volume, at, path[len(at) :])
        raise failure(errno.ENOENT, path)

    def resolve(self, path: str, follow: bool = False, budget: int = _MOST_LINKS_FOLLOWED) -> Place:
        """Where the path leads; links in its middle are followed, at its end when ``follow``.

        Raises:
            OSError: ELOOP, ENOENT for a relative path. Nothing needs to be there.
        """
        place = self.locate(path)
        node = place.node
        if node is None:
            parent = place.volume.tree.node(place.inside.rpartition("/")[0])
            if parent is not None and parent.kind == "directory":
                return place
            return self._over_links(place.full, follow, budget)
        if follow and node.kind == "symlink":
            return self._follow(place.full, node.target, "", True, budget)
        return place

    def _over_links(self, path: str, follow: bool, budget: int) -> Place:
        """As ``resolve`` for a path whose parent is not there under this name: look for a link on the way."""
        names = path.split("/")
        for depth in range(2, len(names)):
            leading = "/".join(names[:depth])
            node = self.locate(leading).node
            if node is None:
                break
            if node.kind == "symlink":
                return self._follow(leading, node.target, "/" + "/".join(names[depth:]), follow, budget)
        return self.locate(path)

    def _follow(self, link: str, target: str, rest: str, follow: bool, budget: int) -> Place:
        if budget == 0:
            raise failure(errno.ELOOP, link)
        pointed_to = target if target.startswith("/") else f"{link.rpartition('/')[0]}/{target}"
        return self.resolve(pointed_to + rest, follow, budget - 1)

    def find(self, path: str, follow: bool = False) -> Place:
        """As ``resolve``, and something is there.

        Raises:
            OSError: ENOENT, ENOTDIR, ELOOP.
        """
        place = self.resolve(path, follow)
        if place.inside not in place.volume.tree.paths:
            place.require_parent(path)
            raise failure(errno.ENOENT, path)
        return place
