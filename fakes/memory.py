"""The files of a machine in memory; see fakes.volume for what a power cut takes and leaves."""

from __future__ import annotations

import errno
import os
import stat as modes
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from fakes import content as contents
from fakes.content import Content
from fakes.filesystem import Stat
from fakes.memory_doors import Doors
from fakes.namespace import Mount, Namespace, Place, failure
from fakes.tree import BLOCK_BYTES, Node, Tree
from fakes.volume import Published, Snapshot, Volume

_ROOT_BYTES = 100 * 1024**3
_IMAGE_BYTES = 1024**3
# Share of a device that ext4 keeps for inode tables, journal and the superuser.
_OVERHEAD = 0.06


class Usage(NamedTuple):
    """As statvfs(3) tells, and which file system it is."""

    source: str
    at: str
    total_bytes: int
    used_bytes: int
    free_bytes: int
    inodes: int
    free_inodes: int


class MemorySnapshot(NamedTuple):
    """A file system's whole state, to return to."""

    volumes: tuple[tuple[Volume, Snapshot], ...]
    images: dict[str, Volume]
    mounts: tuple[Mount, ...]
    received: Counter[str]


class MemoryFilesystem(Doors):
    """Implements fakes.filesystem.Filesystem.

    ``now_ns`` gives the time of changes; ``published`` is shared by the machines of one world.
    """

    def __init__(
        self,
        now_ns: Callable[[], int] = lambda: 0,
        published: dict[str, Published] | None = None,
        root_bytes: int = _ROOT_BYTES,
    ) -> None:
        self._now_ns = now_ns
        self._published = {} if published is None else published
        self._names = Namespace(Volume("/dev/sda1", os.makedev(8, 1), root_bytes, now_ns=now_ns))
        self._images: dict[str, Volume] = {}
        self._unreadable: set[tuple[int, int]] = set()
        self.received: Counter[str] = Counter()  # bytes that copies wrote, by destination

    def grow_root(self, needed_bytes: int) -> None:
        """Make the root disk at least this large, before anything is on it."""
        root = self._names.find("/").volume
        if needed_bytes > root.capacity_blocks * BLOCK_BYTES:
            root.capacity_blocks = needed_bytes // BLOCK_BYTES

    # Looking

    def stat(self, path: str) -> Stat:
        place = self._names.find(path)
        return self._stat(place.volume, place.volume.tree.paths[place.inside])

    @staticmethod
    def _stat(volume: Volume, number: int) -> Stat:
        node = volume.tree.nodes[number]
        return Stat(
            *(node.kind, node.size, node.mode, node.uid, node.gid, node.mtime_ns),
            *(number, volume.device, node.links, node.ctime_ns),
        )

    def exists(self, path: str) -> bool:
        place = self._names.resolve(path)
        return place.inside in place.volume.tree.paths

    def listdir(self, path: str) -> list[str]:
        place = self._names.find(path, follow=True)
        if place.found.kind != "directory":
            raise failure(errno.ENOTDIR, path)
        start = len(place.inside) + 1
        below = place.volume.tree.below(place.inside)
        return sorted((name[start:] for name in below if name.find("/", start) < 0), key=os.fsencode)

    def walk(self, path: str) -> Iterator[str]:
        found = [entry for entry, _ in self.scan(path, one_volume=False)]
        return iter(found)

    def scan(self, path: str, one_volume: bool) -> list[tuple[str, Stat]]:
        """Every path from ``path`` down with its status, in the order of ``walk``; ``one_volume`` as find -xdev."""
        place = self._names.find(path)
        top = path.rstrip("/")
        found = {place.base + inside: inside for inside in _subtree(place)}
        if place.base + place.inside != top:  # reached over a symbolic link: print the path that was asked for
            cut = len(place.base + place.inside)
            found = {top + full[cut:]: inside for full, inside in found.items()}
        entries = {full: (place.volume, place.volume.tree.paths[inside]) for full, inside in found.items()}
        for mount in self._names.inside(top):
            entries = {full: entry for full, entry in entries.items() if not full.startswith(mount.below)}
            inside_mount = mount.volume.tree.paths
            entries[mount.at] = (mount.volume, inside_mount[""])
            if not one_volume:
                entries.update({mount.at + name: (mount.volume, number) for name, number in inside_mount.items()})
        ordered = sorted(entries.items(), key=lambda item: os.fsencode(item[0]).replace(b"/", b"\0"))
        return [(full or "/", self._stat(volume, number)) for full, (volume, number) in ordered]

    def read(self, path: str) -> bytes:
        content = self.content(path)
        try:
            return contents.to_bytes(content)
        except ValueError as too_large:
            raise OSError(errno.EFBIG, str(too_large), path) from None

    def content(self, path: str) -> Content:
        """A file's content as it is kept, links followed."""
        place = self._names.find(path, follow=True)
        node = place.found
        if node.kind == "directory":
            raise failure(errno.EISDIR, path)
        return self._as_read(place, path) if self._unreadable or place.volume.lost else node.content

    def blocks(self, path: str) -> int:
        """Blocks of BLOCK_BYTES that a file, directory or link occupies."""
        return self._names.find(path).found.blocks

    def sha256(self, path: str) -> str:
        return contents.sha256(self.content(path))

    def readlink(self, path: str) -> str:
        node = self._names.find(path).found
        if node.kind != "symlink":
            raise failure(errno.EINVAL, path)
        return node.target

    def xattrs(self, path: str) -> dict[str, bytes]:
        return dict(self._names.find(path).found.xattrs)

    def resolve(self, path: str) -> str:
        """The path without symbolic links, as readlink -f prints it: only the last part may be missing.

        Raises:
            OSError: ENOENT, ENOTDIR, ELOOP.
        """
        place = self._names.resolve(path, follow=True)
        if place.inside not in place.volume.tree.paths:
            place.require_parent(path)
        return place.base + place.inside or "/"

    def fixed_mounts(self) -> list[tuple[str, str]]:
        """Device and mount point of the file systems that are there from boot on."""
        return [(mount.volume.source, mount.at or "/") for mount in self._names.mounts[: self._names.fixed]]

    def usage(self, path: str) -> Usage:
        """Room of the file system that holds the path."""
        place = self._names.find(path, follow=True)
        volume = place.volume
        total, free = volume.capacity_blocks * BLOCK_BYTES, volume.free_blocks * BLOCK_BYTES
        free_inodes = volume.inodes - len(volume.tree.nodes)
        return Usage(volume.source, place.base or "/", total, total - free, free, volume.inodes, free_inodes)

    # Changing

    def write(self, path: str, content: bytes, mode: int | None = None) -> None:
        self.put_content(path, content, mode)

    def put_content(self, path: str, content: Content, mode: int | None = None) -> None:
        """As ``write``, with content that need not be bytes."""
        place = self._names.resolve(path, follow=True)
        node = place.node
        if node is None:
            self._create(path, Node("file", 0o644 if mode is None else mode, 0, 0, self._now_ns(), content), place)
            return
        if node.kind == "directory":
            raise failure(errno.EISDIR, path)
        place.volume.change(place.inside, node._replace(content=content, mtime_ns=self._now_ns()))

    def replace(self, path: str, content: bytes, mode: int | None = None) -> None:
        place = self._names.resolve(path)
        node = place.node
        if node is not None and node.kind == "directory":
            raise failure(errno.EISDIR, path)
        kept = node or Node("file", 0o644, 0, 0, 0)
        mode = kept.mode if mode is None else mode
        if node is not None:
            place.volume.remove(place.inside, self._now_ns())
        self._create(path, Node("file", mode, kept.uid, kept.gid, self._now_ns(), content), place)
        place.volume.harden(place.inside)

    def mkdir(self, path: str, mode: int = 0o755) -> None:
        self._create(path, Node("directory", mode, 0, 0, self._now_ns(), links=2))

    def symlink(self, target: str, path: str) -> None:
        self._create(path, Node("symlink", 0o777, 0, 0, self._now_ns(), target=target))

    def make_node(self, path: str) -> None:
        """A device node: it is there, and has no content of its own."""
        self._create(path, Node("other", 0o660, 0, 0, self._now_ns()))

    def _create(self, path: str, node: Node, place: Place | None = None) -> None:
        place = place or self._names.resolve(path)
        place.require_parent(path)
        if place.node is not None:
            raise failure(errno.EEXIST, path)
        place.volume.create(place.inside, node)

    def link(self, old: str, new: str) -> None:
        source, place = self._names.find(old), self._names.resolve(new)
        place.require_parent(new)
        if place.node is not None:
            raise failure(errno.EEXIST, new)
        if source.volume is not place.volume:
            raise failure(errno.EXDEV, new)
        if source.found.kind == "directory":
            raise failure(errno.EPERM, old)
        place.volume.add_name(source.inside, place.inside, self._now_ns())

    def rmdir(self, path: str) -> None:
        place = self._names.find(path)
        if place.found.kind != "directory":
            raise failure(errno.ENOTDIR, path)
        if not place.inside:
            raise failure(errno.EBUSY, path)
        if not place.volume.tree.is_empty(place.inside):
            raise failure(errno.ENOTEMPTY, path)
        place.volume.remove(place.inside, self._now_ns())

    def unlink(self, path: str) -> None:
        place = self._names.find(path)
        if place.found.kind == "directory":
            raise failure(errno.EISDIR, path)
        place.volume.remove(place.inside, self._now_ns())

    def rename(self, old: str, new: str) -> None:
        source, place = self._names.resolve(old), self._names.resolve(new)
        self._check_rename(source, place, old, new)
        tree = place.volume.tree
        if place.inside in tree.paths:
            if tree.paths[place.inside] == tree.paths[source.inside]:
                return  # two names of one file: rename(2) does nothing
            place.volume.remove(place.inside, self._now_ns())
        place.volume.rename(source.inside, place.inside, self._now_ns())

    def _check_rename(self, source: Place, place: Place, old: str, new: str) -> None:
        # In the kernel's own order, so that of two reasons the same one is given.
        source.require_parent(old)
        place.require_parent(new)
        # Linux would move what is mounted below along; nobody does that here, and refusing is louder.
        if not source.inside or not place.inside or self._names.inside(source.full):
            raise failure(errno.EBUSY, old)
        if source.volume is not place.volume:
            raise failure(errno.EXDEV, new)
        if source.node is None:
            raise failure(errno.ENOENT, old)
        if place.inside.startswith(source.inside + "/"):
            raise failure(errno.EINVAL, new)
        present, moves_directory = place.node, source.found.kind == "directory"
        if present is None:
            return
        if (present.kind == "directory") != moves_directory:
            raise failure(errno.ENOTDIR if moves_directory else errno.EISDIR, new)
        if moves_directory and present != source.found and not place.volume.tree.is_empty(place.inside):
            raise failure(errno.ENOTEMPTY, new)

    def chmod(self, path: str, mode: int) -> None:
        place = self._names.find(path, follow=True)
        place.volume.change(place.inside, place.found._replace(mode=mode))

    def chown(self, path: str, uid: int, gid: int) -> None:
        """As lchown(2): a link itself; a file loses its set-id bits."""
        place = self._names.find(path)
        node = place.found
        mode = node.mode
        if node.kind == "file":
            mode &= ~modes.S_ISUID
            mode &= ~modes.S_ISGID if mode & modes.S_IXGRP else ~0
        place.volume.change(place.inside, node._replace(uid=uid, gid=gid, mode=mode))

    def utime(self, path: str, mtime_ns: int) -> None:
        """A link itself, not what it points to."""
        place = self._names.find(path)
        place.volume.change(place.inside, place.found._replace(mtime_ns=mtime_ns))

    def set_xattr(self, path: str, name: str, value: bytes) -> None:
        if self.stat(path).kind == "symlink" and name.startswith("user."):
            raise failure(errno.EPERM, path)
        self.put_xattrs(path, {**self.xattrs(path), name: value})

    def put_xattrs(self, path: str, pairs: dict[str, bytes]) -> None:
        """Have exactly these extended attributes."""
        place = self._names.find(path)
        place.volume.change(place.inside, place.found._replace(xattrs=tuple(sorted(pairs.items()))))

    def sync(self) -> None:
        """As sync(2), which tells nobody when a disk refuses."""
        for volume in self._volumes():
            volume.flush()

    def sync_filesystem(self, path: str) -> None:
        """As syncfs(2): everything on the file system that holds the path.

        Raises:
            OSError: EIO.
        """
        if not self._names.find(path, follow=True).volume.flush():
            raise failure(errno.EIO, path)

    def sync_file(self, path: str) -> None:
        """As fsync(2): a file with its name, or a directory with the names in it.

        Raises:
            OSError: EIO.
        """
        place = self._names.find(path, follow=True)
        if place.found.kind == "directory":
            place.volume.harden_names()
        else:
            place.volume.harden(place.inside)

    def drop_clean_pages(self) -> None:
        """What is read from now on comes from the disks, as far as it was flushed."""
        for volume in self._volumes():
            volume.drop_clean_pages()

    # Images of block devices

    def make_image(self, image: str, size_bytes: int | None = None) -> None:
        usable = int((_IMAGE_BYTES if size_bytes is None else size_bytes) * (1 - _OVERHEAD))
        number = list(self._images).index(image) if image in self._images else len(self._images)
        volume = Volume(image, os.makedev(147, number + 1), usable, now_ns=self._now_ns)
        lost_and_found = Node("directory", 0o700, 0, 0, self._now_ns(), links=2)
        root = Node("directory", 0o755, 0, 0, self._now_ns(), links=3)
        tree = Tree({"": 2, "/lost+found": 11}, {2: root, 11: lost_and_found}, 2)
        volume.adopt(Published(tree, volume.capacity_blocks, volume.inodes))
        self._images[image] = volume

    def has_image(self, image: str) -> bool:
        return image in self._images

    def drop_image(self, image: str) -> None:
        self._images.pop(image, None)

    def mount_image(self, image: str, at: str) -> None:
        at = self.resolve(at)
        if self.stat(at).kind != "directory":
            raise failure(errno.ENOTDIR, at)
        self._names.add(at, self._image(image))

    def unmount_image(self, at: str) -> None:
        volume = self._names.remove(at.rstrip("/"))
        volume.flush()
        volume.drop_clean_pages()

    def publish_image(self, image: str, token: str) -> None:
        self._published[token] = self._image(image).publish()

    def adopt_image(self, image: str, token: str) -> None:
        if token not in self._published:
            raise failure(errno.ENOENT, token)
        if image not in self._images:
            self.make_image(image)
        self._images[image].adopt(self._published[token])

    def _image(self, image: str) -> Volume:
        if image not in self._images:
            raise failure(errno.ENOENT, image)
        return self._images[image]

    # Snapshots

    def snapshot(self) -> MemorySnapshot:
        """The whole state; taking it copies no tree."""
        volumes = tuple((volume, volume.snapshot()) for volume in self._volumes())
        return MemorySnapshot(volumes, self._images.copy(), self._names.mounts, self.received.copy())

    def restore(self, found: MemorySnapshot) -> None:
        """Return to a snapshot of this file system."""
        for volume, state in found.volumes:
            volume.restore(state)
        self._images = found.images.copy()
        self._names.mount(found.mounts)
        self.received = found.received.copy()

    def _volumes(self) -> list[Volume]:
        mounted = [mount.volume for mount in self._names.mounts]
        return mounted + [volume for volume in self._images.values() if volume not in mounted]


def _subtree(place: Place) -> Iterator[str]:
    yield place.inside
    yield from place.volume.tree.below(place.inside)
