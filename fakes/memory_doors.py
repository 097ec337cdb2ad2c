"""What only a lab does to files in memory: take room, damage the disks, cut the power, look past all damage."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fakes import content as contents
from fakes.content import Content
from fakes.namespace import Namespace, Place, failure
from fakes.survival import MOST_IMAGES, Images
from fakes.tree import BLOCK_BYTES
from fakes.volume import Survival, Volume, only_flushed


class Doors:
    """The part of fakes.memory.MemoryFilesystem that no program calls."""

    _names: Namespace
    _now_ns: Callable[[], int]
    _unreadable: set[tuple[int, int]]
    _laid_bare = False

    def _volumes(self) -> list[Volume]:
        raise NotImplementedError

    def add_volume(self, path: str, size_bytes: int, inodes: int | None = None, source: str = "/dev/sdz1") -> None:
        """Mount a file system of a size of its own over an empty directory, from boot on."""
        number = os.makedev(8, 16 * self._names.fixed + 65)
        self._names.add_fixed(path, Volume(source, number, size_bytes, inodes, self._now_ns))

    def fill(self, path: str, leave_bytes: int) -> None:
        """Take all but so much of the free room of the file system that holds the path, until ``empty``."""
        volume = self._names.find(path, follow=True).volume
        volume.reserved_bytes = 0
        volume.reserved_bytes = max(0, volume.free_blocks * BLOCK_BYTES - leave_bytes)

    def empty(self, path: str) -> None:
        """Give back what ``fill`` took."""
        self._names.find(path, follow=True).volume.reserved_bytes = 0

    def make_unreadable(self, path: str) -> None:
        """From now on reading the file ends in an input/output error, under whatever name."""
        self._unreadable.add(_identity(self._names.find(path, follow=True)))

    def make_readable(self) -> None:
        """End what ``make_unreadable`` did, everywhere."""
        self._unreadable.clear()

    def fail_next_flush(self, path: str) -> None:
        """The disk refuses the content of one file, the next time that unflushed content is flushed to it.

        As Linux has it: its pages count as clean from then on, and another flush succeeds without writing them.
        """
        self._names.find(path, follow=True).volume.fails_next_flush = True

    def forgive_flush(self, path: str) -> bool:
        """End what ``fail_next_flush`` did; False when nothing had been refused."""
        volume = self._names.find(path, follow=True).volume
        waited, volume.fails_next_flush = volume.fails_next_flush, False
        return not waited

    def shorten(self, path: str) -> None:
        """Cut a file to half its length on stable storage, its time kept; nobody is told."""
        status = self._names.find(path, follow=True).found
        self._plant(path, contents.prefix(status.content, status.size // 2))

    def flip_byte(self, path: str) -> None:
        """Change one byte of a file on stable storage; size and all times stay, nobody is told."""
        self._plant(path, contents.flipped(self._names.find(path, follow=True).found.content))

    def _plant(self, path: str, content: Content) -> None:
        """Have another content in a file, and on stable storage too if the file is there."""
        place = self._names.find(path, follow=True)
        volume, number = place.volume, place.volume.tree.paths[place.inside]
        changed = place.found._replace(content=content)
        volume.own().put(number, changed)
        if number in volume.durable.nodes:
            durable = volume.durable.copy()
            durable.put(number, changed)
            volume.durable = durable

    def power_cut(self, survival: Survival = only_flushed) -> None:
        """Lose what was not flushed, as the policy says; images are no longer mounted."""
        self._names.remove_all()
        for volume in self._volumes():
            volume.power_cut(survival)

    def images(self, seed: int = 0, most: int = MOST_IMAGES) -> Images:
        """What a power cut now may leave; each is a policy for ``power_cut``."""
        return Images(self._volumes(), seed, most)

    def _as_read(self, place: Place, path: str) -> Content:
        """A file's content when some of the disk's is damaged."""
        node, number = place.found, place.volume.tree.paths[place.inside]
        if not self._laid_bare:
            if _identity(place) in self._unreadable:
                raise failure(errno.EIO, path)
            return node.content
        lost = place.volume.lost.get(number)
        return lost.on_disk if lost and lost.cached is node.content else node.content

    @contextmanager
    def laid_bare(self) -> Iterator[None]:
        """Reading shows what lies on the disks: past input/output errors, and past pages that only seem clean."""
        self._laid_bare = True
        try:
            yield
        finally:
            self._laid_bare = False


def _identity(place: Place) -> tuple[int, int]:
    return place.volume.device, place.volume.tree.paths[place.inside]
