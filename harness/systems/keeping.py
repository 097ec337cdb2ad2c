"""Sequences as long as a store has objects: few items are held, many lie in a file without a name."""

from __future__ import annotations

import heapq
import itertools
import marshal
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from harness.hosts.spool import Spool

Item = TypeVar("Item")
Plain = TypeVar("Plain", bound=tuple[Any, ...])  # of bytes, texts, numbers and tuples of them

_HELD = 16384
_RUN = 16384
_BLOCK_BYTES = 64 * 1024
_LENGTH_BYTES = 4


class Kept(Generic[Item]):
    """Items in the order in which they came, read from the first to the last as often as wanted.

    ``plain`` and ``back`` say an item as a plain tuple and the other way round.
    """

    def __init__(
        self, items: Iterable[Item], plain: Callable[[Item], tuple[Any, ...]], back: Callable[[tuple[Any, ...]], Item]
    ) -> None:
        given = iter(items)
        self._held = list(itertools.islice(given, _HELD + 1))
        self._length = len(self._held)
        self._back = back
        self._spool: Spool | None = None
        if self._length > _HELD:
            self._spool, self._length = Spool(), 0
            held, self._held = self._held, []
            for item in itertools.chain(held, given):
                _add(self._spool, plain(item))
                self._length += 1

    __hash__ = None  # type: ignore[assignment]  # it would have to read everything

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Kept):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Item]:
        if self._spool is None:
            return iter(self._held)
        return map(self._back, _read(self._spool, 0, self._spool.length))


class Sorting(Generic[Plain]):
    """Plain tuples that are wanted in their order; few are held at a time."""

    def __init__(self) -> None:
        self._run: list[Plain] = []
        self._spool = Spool()
        self._runs: list[tuple[int, int]] = []

    def add(self, item: Plain) -> None:
        """Take one more."""
        self._run.append(item)
        if len(self._run) == _RUN:
            self._put_away()

    def _put_away(self) -> None:
        begin = self._spool.length
        for item in sorted(self._run):
            _add(self._spool, item)
        self._runs.append((begin, self._spool.length))
        self._run.clear()

    def items(self) -> Iterator[Plain]:
        """All that were taken, sorted."""
        if not self._runs:
            return iter(sorted(self._run))
        self._put_away()
        return heapq.merge(*(_read(self._spool, begin, end) for begin, end in self._runs))


def in_order(items: Iterable[Plain]) -> Iterator[Plain]:
    """The items sorted. All of them are taken before the first one is given."""
    sorting = Sorting[Plain]()
    for item in items:
        sorting.add(item)
    return sorting.items()


def _add(spool: Spool, item: tuple[Any, ...]) -> None:
    said = marshal.dumps(item)
    spool.add(len(said).to_bytes(_LENGTH_BYTES, "little") + said)


def _read(spool: Spool, at: int, end: int) -> Iterator[Any]:
    """The items that were added between two places."""
    block, used = b"", 0
    while used < len(block) or at < end:
        begin = used + _LENGTH_BYTES
        ends = begin + int.from_bytes(block[used:begin], "little")
        if begin <= len(block) and ends <= len(block):
            yield marshal.loads(block[begin:ends])
            used = ends
            continue
        more = spool.read(at, min(max(_BLOCK_BYTES, ends - used), end - at))
        assert more, "a file without a name holds what was written to it"
        block, used, at = block[used:] + more, 0, at + len(more)
