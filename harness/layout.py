"""The layout of a store: how many entries of which kind, size, depth and oddity, without a single name.

What a copy can lose is in it; what an object is called or holds is not.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from harness.yamlmodel import Strict, wrong

Count = Annotated[int, Field(ge=0, le=10_000_000_000)]
Size = Annotated[int, Field(ge=0, le=2**60)]
Mode = Annotated[str, Field(pattern=r"^[0-7]{4}$")]
OddName = Literal[
    "dot-at-top",  # begins with a dot, directly in the store: the vendor's star passes it over
    "control",  # a line feed, an escape or their kind
    "not-utf8",
    "dash",  # begins with a dash: programs take it for an option
    "backslash",
    "blank",  # begins or ends with a blank
    "shell",  # a shell would read something into it
    "long",  # more than 200 bytes
    "beyond-ascii",
    "dot",
]
"""Kinds of names that careless programs trip over; a name counts for the first of them that it is."""


class SizeClass(Strict):
    """Files of at least half of ``below`` bytes and of less than it, each hard-link set once."""

    below: Annotated[int, Field(ge=1, le=2**60)]
    files: Annotated[int, Field(ge=1, le=10_000_000_000)]
    bytes: Size

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.below & (self.below - 1):
            raise wrong(f"{self.below} is no power of two", "1, 2, 4, 8 and so on", "below")
        if not self.files * (self.below // 2) <= self.bytes <= self.files * (self.below - 1):
            message = f"{self.files} files of {self.below // 2} to {self.below - 1} bytes cannot have {self.bytes}"
            raise wrong(message, "the class has the files that are this large", "bytes")
        return self


class Depth(Strict):
    """How many entries lie so deep; the first one is what lies directly in the store."""

    directories: Count = 0
    files: Count = 0  # names: those of one hard-link set count each
    symlinks: Count = 0


class Layout(Strict):
    """A store without its names."""

    depths: Annotated[list[Depth], Field(max_length=200)] = Field(default_factory=list)
    sizes: Annotated[list[SizeClass], Field(max_length=62)] = Field(default_factory=list)
    hard_link_sets: Count = 0
    hard_link_names: Count = 0  # of all these sets
    sparse_files: Count = 0
    hole_bytes: Size = 0
    with_xattrs: Count | None = 0  # None: getfattr is not there to tell
    odd_names: dict[OddName, Count] = Field(default_factory=dict)
    file_modes: dict[Mode, Count] = Field(default_factory=dict)
    directory_modes: dict[Mode, Count] = Field(default_factory=dict)
    foreign_owner: Count = 0  # neither of the store's own user
    others: Count = 0  # sockets, pipes, devices
    fullest_directory: Count = 0  # entries in one
    most_subdirectories: Count = 0  # of one

    @property
    def files(self) -> int:
        """Names of files."""
        return sum(depth.files for depth in self.depths)

    @property
    def directories(self) -> int:
        return sum(depth.directories for depth in self.depths)

    @property
    def symlinks(self) -> int:
        return sum(depth.symlinks for depth in self.depths)

    @property
    def entries(self) -> int:
        """Everything in the store, without its root."""
        return self.files + self.directories + self.symlinks + self.others

    @property
    def inodes(self) -> int:
        """Files, each hard-link set once."""
        return sum(one.files for one in self.sizes)

    @property
    def bytes(self) -> int:
        """Their bytes."""
        return sum(one.bytes for one in self.sizes)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        for number, (above, depth) in enumerate(zip(self.depths, self.depths[1:], strict=False), 2):
            if not above.directories and depth.directories + depth.files + depth.symlinks:
                raise wrong(f"entries at depth {number}, and no directory to hold them", "", "depths")
        if self.hard_link_names < 2 * self.hard_link_sets or (self.hard_link_names and not self.hard_link_sets):
            message = f"{self.hard_link_sets} sets of hard links cannot have {self.hard_link_names} names"
            raise wrong(message, "a set has two or more", "hard_link_names")
        if self.inodes + self.hard_link_names - self.hard_link_sets != self.files:
            message = f"{self.inodes} files by size do not make {self.files} names by depth"
            raise wrong(message, "sizes count each set of hard links once, depths each name", "sizes")
        if self.hard_link_sets > self.inodes or self.sparse_files > self.inodes:
            raise wrong("more files are linked or sparse than there are", "", "sparse_files")
        return self._modes_add_up()

    def _modes_add_up(self) -> Self:
        for name, modes, most in (
            ("file_modes", self.file_modes, self.inodes),
            ("directory_modes", self.directory_modes, self.directories),
        ):
            if sum(modes.values()) > most:
                raise wrong(f"{sum(modes.values())} modes for {most} entries", "each entry has one", name)
        return self

    def scaled(self, entries: float, size: float) -> Layout:
        """So much of it: of the entries, and of each file's size. What is there at all is still there once."""
        if (entries, size) == (1.0, 1.0):
            return self.model_copy(update={"others": 0})
        depths = [
            Depth(
                directories=_share(depth.directories, entries),
                files=_share(depth.files, entries),
                symlinks=_share(depth.symlinks, entries),
            )
            for depth in self.depths
        ]
        files = sum(depth.files for depth in depths)
        sets = min(_share(self.hard_link_sets, entries), files // 2)
        names = min(max(2 * sets, _share(self.hard_link_names, entries)), files) if sets else 0
        sizes = _classes(self.sizes, files - names + sets, size)
        inodes, directories = sum(one.files for one in sizes), sum(depth.directories for depth in depths)
        return Layout(
            depths=depths,
            sizes=sizes,
            hard_link_sets=sets,
            hard_link_names=names,
            sparse_files=min(_share(self.sparse_files, entries), inodes),
            hole_bytes=int(self.hole_bytes * entries * size),
            with_xattrs=_share(self.with_xattrs or 0, entries),
            odd_names=_fitting(self.odd_names, entries, files + sum(depth.symlinks for depth in depths)),
            file_modes=_parts(self.file_modes, inodes),
            directory_modes=_parts(self.directory_modes, directories),
            foreign_owner=_share(self.foreign_owner, entries),
            fullest_directory=max(_share(self.fullest_directory, entries), _fullest(depths, False)),
            most_subdirectories=max(_share(self.most_subdirectories, entries), _fullest(depths, True)),
        )


def size_class(size: int) -> int:
    """The ``below`` of the class that a size falls into."""
    return 1 << size.bit_length()


def _share(count: int, factor: float) -> int:
    """So much of a count; of something never nothing."""
    return max(1, round(count * factor)) if count else 0


def _fullest(depths: list[Depth], only_directories: bool) -> int:
    """What one directory has at least, as so many have to lie somewhere."""
    parents, most = 1, 0
    for depth in depths:
        there = depth.directories if only_directories else depth.directories + depth.files + depth.symlinks
        most, parents = max(most, -(-there // max(1, parents))), depth.directories
    return most


def _fitting(counts: dict[OddName, int], factor: float, room: int) -> dict[OddName, int]:
    """So much of each kind, as many kinds as there is room for."""
    found: dict[OddName, int] = {}
    for kind, count in counts.items():
        if share := min(room, _share(count, factor)):
            found[kind] = share
            room -= share
    return found


def _parts(counts: dict[Mode, int], whole: int) -> dict[Mode, int]:
    """The same proportions of another whole; the commonest first, as many kinds as there is room for."""
    total, found, left = sum(counts.values()), {}, whole
    for mode, count in sorted(counts.items(), key=lambda one: one[1]):  # the rare ones are those that matter
        found[mode] = min(left, _share(count, min(1.0, whole / total)))
        left -= found[mode]
    if found and left > 0:
        found[max(counts, key=lambda mode: counts[mode])] += left
    return {mode: count for mode, count in sorted(found.items()) if count}


def _classes(sizes: list[SizeClass], files: int, factor: float) -> list[SizeClass]:
    """Size classes for so many files, each file's size by the factor; the largest classes are kept at any rate."""
    total = sum(one.files for one in sizes)
    wanted = [(one, _share(one.files, files / total)) for one in sizes] if total else []
    surplus = sum(count for _, count in wanted) - files
    counts = dict(enumerate(count for _, count in wanted))
    for number in sorted(counts, key=lambda at: -counts[at]) * (abs(surplus) + 1):
        if surplus == 0:
            break
        step = 1 if surplus > 0 else -1
        if counts[number] - step >= 0:
            counts[number] -= step
            surplus -= step
    found: dict[int, tuple[int, int]] = {}
    for number, (one, _) in enumerate(wanted):
        each = int(one.bytes / one.files * factor)
        here, size = found.get(size_class(each), (0, 0))
        found[size_class(each)] = here + counts[number], size + each * counts[number]
    return [SizeClass(below=below, files=n, bytes=size) for below, (n, size) in sorted(found.items()) if n]
