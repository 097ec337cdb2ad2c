"""What a power cut may leave: the legal images of a machine's file systems.

As ext3 and ext4 with data=ordered have it. The journal keeps the order of changes to names and inodes, so of what was
not flushed an earlier part survives and a later part is gone; a rename is whole or not at all. Data goes its own way:
a file whose name survived may be empty, or end after any block, until its own content is flushed (delayed allocation).
What was flushed is in every image.

The choice is wider than one kernel's: ``auto_da_alloc`` would flush a file that replaces another by rename, and ext3
writes data before the names that lead to it. A program must not rely on either.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from fakes.content import prefix, size_of
from fakes.tree import BLOCK_BYTES, Node, Tree, follow
from fakes.volume import Survival, Volume, only_flushed, unflushed_files

MOST_IMAGES = 4096


def everything(volume: Volume) -> Tree:
    """The luckiest outcome: all that was written had reached the disk, but for what the disk refused."""
    volume.drop_clean_pages()
    return volume.tree


def names_only(volume: Volume) -> Tree:
    """Every name, time and mode survived, and no content that was not flushed."""
    return _shortened(volume.durable, everything(volume), lambda node: 0)


def torn(volume: Volume) -> Tree:
    """Every name survived; each unflushed file ends in its middle, or is empty where it has but one block."""
    return _shortened(volume.durable, everything(volume), lambda node: _lengths(node)[-2])


def _lengths(node: Node) -> tuple[int, ...]:
    """Sizes that a file may have after the cut, the smallest first: empty, up to a block in its middle, whole."""
    size = size_of(node.content)
    middle = size // 2 // BLOCK_BYTES * BLOCK_BYTES
    return (0, middle, size) if middle else (0, size)


def _shortened(durable: Tree, written: Tree, length: Callable[[Node], int]) -> Tree:
    """A tree with each unflushed file as long as ``length`` says."""
    image = written.copy()
    for number in unflushed_files(image, durable):
        node = image.nodes[number]
        image.put(number, node._replace(content=prefix(node.content, length(node))))
    return image


@dataclass(frozen=True)
class _Moment:
    """The names and inodes after the first changes of those that were not flushed."""

    names: Tree
    choices: tuple[int, ...]  # how many lengths each unflushed file may have
    images: int


class VolumeImages:
    """The legal images of one volume, numbered from the one with least to the one with most."""

    def __init__(self, volume: Volume) -> None:
        kept = volume.snapshot()  # what is written from now on is no part of them
        self._durable, self._written, self._lost = kept.durable, kept.tree, kept.lost
        noted, count = kept.changes
        self._changes = tuple(noted[:count])

    def _names_after(self, count: int) -> Tree:
        if count == len(self._changes):
            return self._written
        names = self._durable.copy()
        for change in self._changes[:count]:
            follow(names, change)
        return names

    def _moments(self) -> Iterator[_Moment]:
        names = self._durable.copy()
        yield self._moment(names)
        for change in self._changes[:-1]:
            follow(names, change)
            yield self._moment(names)
        if self._changes:
            yield self._moment(self._written)

    def _moment(self, names: Tree) -> _Moment:
        choices = tuple(len(_lengths(names.nodes[number])) for number in unflushed_files(names, self._durable))
        images = 1
        for choice in choices:
            images *= choice
        return _Moment(names, choices, images)

    def count(self, limit: int) -> int:
        """How many there are; any number above ``limit`` when there are more."""
        total = 0
        for moment in self._moments():
            total += moment.images
            if total > limit:
                break
        return total

    def nth(self, number: int) -> Tree:
        """Number 0 is what was flushed, the last one all that was written."""
        for moment in self._moments():
            if number < moment.images:
                return self._chosen(moment.names, iter(_digits(number, moment.choices)))
            number -= moment.images
        raise IndexError(number)

    def any(self, rng: random.Random) -> Tree:
        """One of them: any moment, and for each file any length."""
        names = self._names_after(rng.randint(0, len(self._changes)))
        return self._chosen(names, iter(lambda: rng.randrange(6), None))

    def _chosen(self, names: Tree, digits: Iterator[int]) -> Tree:
        def length(node: Node) -> int:
            lengths = _lengths(node)
            return lengths[next(digits) % len(lengths)]

        image = _shortened(self._durable, names, length)
        for number, (cached, on_disk) in self._lost.items():
            if number in image.nodes and image.nodes[number].content is cached:
                image.put(number, image.nodes[number]._replace(content=on_disk))
        return image


def _digits(number: int, choices: tuple[int, ...]) -> Iterator[int]:
    for choice in choices:
        yield number % choice
        number //= choice


class Images:
    """The legal images of all volumes of a machine together: all of them when they are few, else a sample by seed.

    The first four are ``only_flushed``, ``everything``, ``names_only`` and ``torn``; the others come in an order that
    the seed decides. When they are all here, those four come again in their turn.
    """

    def __init__(self, volumes: Sequence[Volume], seed: int = 0, most: int = MOST_IMAGES) -> None:
        self._volumes = {volume: VolumeImages(volume) for volume in volumes}
        self._seed = seed
        self._most = most

    @cached_property
    def _counts(self) -> dict[Volume, int]:
        return {volume: images.count(self._most) for volume, images in self._volumes.items()}

    @cached_property
    def total(self) -> int:
        """How many there are; any number above the bound when there are more."""
        total = 1
        for count in self._counts.values():
            total *= count
        return total

    @property
    def complete(self) -> bool:
        """All of them are here."""
        return self.total <= self._most

    @cached_property
    def _order(self) -> list[int]:
        order = list(range(self.total))
        random.Random(self._seed).shuffle(order)
        return order

    def __len__(self) -> int:
        return len(_FIRST) + (self.total if self.complete else self._most)

    def __getitem__(self, number: int) -> Survival:
        if not 0 <= number < len(self):
            raise IndexError(number)
        if number < len(_FIRST):
            return _FIRST[number]
        trees = self._trees(number - len(_FIRST))
        return lambda volume: trees[volume]

    def _trees(self, number: int) -> dict[Volume, Tree]:
        if not self.complete:
            rng = random.Random(f"{self._seed}/{number}")
            return {volume: images.any(rng) for volume, images in self._volumes.items()}
        left, trees = self._order[number], dict[Volume, Tree]()
        for volume, images in self._volumes.items():
            left, mine = divmod(left, self._counts[volume])
            trees[volume] = images.nth(mine)
        return trees


_FIRST: tuple[Survival, ...] = (only_flushed, everything, names_only, torn)
NAMED: dict[str, Survival] = {"flushed": only_flushed, "all": everything, "torn": torn}
