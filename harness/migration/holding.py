"""Whether a store that clients have used since still holds everything that was frozen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.systems.comparing import join, same_time
from harness.systems.store import Entry, shown

_FEW = 5
_OF_THE_LISTING = frozenset({"same_as"})  # a set of hard links is renamed when a client deletes its first name


@dataclass(frozen=True)
class Holding:
    """Entries that are as frozen, that clients changed later, that are gone, and that differ with their old time."""

    same: int
    changed: int
    gone: tuple[bytes, ...]
    damaged: tuple[str, ...]
    may_be_gone: int = 0

    def __str__(self) -> str:
        return f"{self.same} entries as frozen, {self.changed} changed since, {len(self.gone)} deleted since"

    def fault(self) -> str | None:
        """Why this is not everything, None when it is."""
        if self.damaged:
            return f"the pair does not give back what was frozen: {_few(self.damaged)}"
        if len(self.gone) > self.may_be_gone:
            names = _few(tuple(shown(path) for path in self.gone))
            how = f"if clients deleted them, say --deleted {len(self.gone)}"
            return f"the pair does not hold {len(self.gone)} entries that were frozen: {names}; {how}"
        return None


def compare(frozen: Iterable[Entry], found: Iterable[Entry], may_be_gone: int = 0) -> Holding:
    """What became of every frozen entry. The root is left aside: Walrus changes its owner and mode, clients its time.

    An entry that differs must have another time as well: then somebody wrote it. With the time that it was frozen with
    it is damage. Not "a newer time": objects may have been dated in the future by a host whose clock was wrong.
    """
    same, changed, gone, damaged = 0, 0, [], []
    for want, have in join(frozen, found):
        if want is None or want.path == b"":
            continue
        path = want.path
        if have is None:
            gone.append(path)
        elif not (unlike := _unlike(want, have)):
            same += 1
        elif "mtime" in unlike:
            changed += 1
        else:
            damaged.append(f"{shown(path)} has another {' and '.join(unlike)} and the time that it was frozen with")
    return Holding(same, changed, tuple(gone), tuple(damaged), may_be_gone)


def _unlike(want: Entry, have: Entry) -> list[str]:
    """The names of the properties that differ; a link's own time is not kept by every file system."""
    skipped = _OF_THE_LISTING | ({"mtime"} if want.kind == "symlink" else set())
    if same_time(want.mtime, have.mtime):  # by an old rsync, and not by a client
        skipped |= {"mtime"}
    pairs = zip(Entry._fields, want, have, strict=True)
    return [name for name, wanted, found in pairs if name not in skipped and wanted != found]


def _few(said: tuple[str, ...]) -> str:
    more = f" and {len(said) - _FEW} more" if len(said) > _FEW else ""
    return "; ".join(said[:_FEW]) + more
