"""Stores made after a layout: counts by depth, size, link, hole and oddity, as a site was seen to have them.

Names and contents are of the seed; everything that the layout counts is there as often as it says.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fakes.content import Blob, Content, to_bytes
from fakes.seeding import Item, plan_store

_BLOCK_BYTES = 4096
_FIRST_MTIME_NS, _APART_NS = 1_380_000_000 * 10**9, 61_123_456_789
_XATTR = (("user.comment", b"as on the site"),)
_ODD: dict[str, Callable[[int], str]] = {
    "dot-at-top": lambda number: f".hidden{number}",
    "control": lambda number: f"line\n{number}",
    "not-utf8": lambda number: f"latin-1 \udce9 {number}",
    "dash": lambda number: f"-rf{number}",
    "backslash": lambda number: f"back\\slash\\n{number}",
    "blank": lambda number: f" blank{number} ",
    "shell": lambda number: f"$(reboot) `id` *{number}",
    "long": lambda number: f"long-{number}-{'n' * 220}",
    "beyond-ascii": lambda number: f"snowman \u2603 {number}",
    "dot": lambda number: f".dot{number}",
}


def planned(spec: str) -> list[Item]:
    """The store that a lab is asked for, in JSON: after its layout where there is one, otherwise from its seed."""
    wanted = json.loads(spec)
    if wanted.get("layout") is None:
        return plan_store(wanted["objects"], wanted["bytes"], wanted["seed"], bool(wanted["hostile_names"]))
    return plan_layout(wanted["layout"], wanted["seed"])


def plan_layout(layout: Mapping[str, Any], seed: int) -> list[Item]:
    """A store with that layout; parents come before what they hold."""
    return _Planner(layout, seed).plan()


@dataclass
class _Planner:
    layout: Mapping[str, Any]
    seed: int
    items: list[Item] = field(default_factory=list)
    _odd: dict[str, int] = field(default_factory=dict)
    _made: int = 0
    _plain_at_top: bool = True  # directories directly in the store have plain names, as buckets do

    def plan(self) -> list[Item]:
        self._odd = dict(self.layout["odd_names"])
        below = sum(sum(level.values()) for level in self.layout["depths"]) - self._directories_at_top()
        self._plain_at_top = below >= sum(self._odd.values())
        contents, links = list(self._contents()), 0  # names beyond the first of each set of hard links
        directories, files = [""], list[str]()
        for depth, level in enumerate(self.layout["depths"], 1):
            places = self._places(directories, level)
            below = [self._name(next(places), depth, "d") for _ in range(level["directories"])]
            self.items += [Item(path, "directory", 0o755) for path in below]
            for _ in range(level["files"]):
                path = self._name(next(places), depth, "o")
                if contents:
                    self.items.append(Item(path, "file", 0o644, content=contents.pop(0)))
                    files.append(path)
                else:
                    self.items.append(Item(path, "file", link_to=files[links % self.layout["hard_link_sets"]]))
                    links += 1
            for _ in range(level["symlinks"]):
                self.items.append(Item(self._name(next(places), depth, "l"), "symlink", 0o777, target="../nowhere"))
            directories = below
        return self._dressed()

    def _places(self, parents: Sequence[str], level: Mapping[str, int]) -> Iterator[str]:
        """Where each entry of a depth lies: the first parent is as full as the site's fullest, the others alike."""
        first, others = parents[0], itertools.cycle(parents[1:] or parents)
        there = 0
        for number in range(sum(level.values())):
            most = self.layout["most_subdirectories" if number < level["directories"] else "fullest_directory"]
            there += (fits := there < most)
            yield first if fits else next(others)

    def _name(self, parent: str, depth: int, letter: str) -> str:
        """The next path of a depth: odd ones first, each kind as often as it is wanted."""
        self._made += 1
        kinds = [kind for kind, left in self._odd.items() if left and (kind != "dot-at-top" or depth == 1)]
        kinds = [kind for kind in kinds if kind != "dot" or depth > 1]  # at the top it is the other kind
        if letter == "d" and depth == 1 and self._plain_at_top:
            kinds = [kind for kind in kinds if self._belongs_to_directories(kind)]
        name = f"{letter}{self._made:08x}-{self.seed:x}"
        if kinds:
            kind = "dot-at-top" if "dot-at-top" in kinds else kinds[0]
            self._odd[kind] -= 1
            name = _ODD[kind](self._made)
        return f"{parent}/{name}" if parent else name

    def _directories_at_top(self) -> int:
        return sum(level["directories"] for level in self.layout["depths"][:1])

    def _belongs_to_directories(self, kind: str) -> bool:
        """Only what lies directly in the store can be of this kind, and there are not files enough there."""
        top = self.layout["depths"][0]
        return kind == "dot-at-top" and self._odd[kind] > top["files"] + top["symlinks"]

    def _contents(self) -> Iterator[Content]:
        """One for each file, small ones first; the holes are in the largest."""
        sizes = [
            one["bytes"] // one["files"] + (number < one["bytes"] % one["files"])
            for one in self.layout["sizes"]
            for number in range(one["files"])
        ]
        holes = self._holes(sizes)
        for number, size in enumerate(sizes):
            blob = Blob(f"{self.seed}/{number}", size)
            yield bytes(holes[number]) + to_bytes(blob)[holes[number] :] if holes.get(number) else blob

    def _holes(self, sizes: Sequence[int]) -> dict[int, int]:
        """By the number of a file the bytes of its hole, in whole blocks; where one is too small the next has more."""
        wanted, left = self.layout["sparse_files"], self.layout["hole_bytes"]
        chosen: dict[int, int] = {}
        for turn, number in enumerate(range(len(sizes) - wanted, len(sizes))):
            each = round(left / (wanted - turn) / _BLOCK_BYTES) * _BLOCK_BYTES
            chosen[number] = min(max(_BLOCK_BYTES, each), sizes[number] // _BLOCK_BYTES * _BLOCK_BYTES)
            left -= chosen[number]
        return chosen

    def _dressed(self) -> list[Item]:
        """Modes, owners and attributes, on as many as the layout says."""
        modes = {kind: _spread(self.layout[f"{kind}_modes"]) for kind in ("file", "directory")}
        with_xattrs, foreign = self.layout["with_xattrs"] or 0, self.layout["foreign_owner"]
        names: dict[str, int] = {}  # a hard link has what its file has, and is counted with it
        for item in self.items:
            first = item.link_to or item.path
            names[first] = names.get(first, 0) + 1
        dressed = []
        for number, item in enumerate(self.items):
            if not item.link_to:
                count, item = names[item.path], replace(item, mtime_ns=_FIRST_MTIME_NS + number * _APART_NS)
                if item.kind in modes:
                    item = replace(item, mode=next(modes[item.kind], item.mode))
                if with_xattrs >= count and item.kind != "symlink":
                    item, with_xattrs = replace(item, xattrs=_XATTR), with_xattrs - count
                if foreign >= count:
                    item, foreign = replace(item, of_root=True), foreign - count
            dressed.append(item)
        return dressed


def _spread(counts: Mapping[str, int]) -> Iterator[int]:
    for mode, count in counts.items():
        for _ in range(count):
            yield int(mode, 8)
