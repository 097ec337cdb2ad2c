"""What a run remembers: the journal read as answers to the engine's questions, and the frozen manifest beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from harness.clock import Clock
from harness.errors import JournalDamaged, UnexpectedOutput
from harness.migration import ledger
from harness.migration.journal import Entry, Journal
from harness.migration.ledger import Hashes, Known
from harness.systems import saved, store
from harness.systems.keeping import Kept

_ENDS = ("rolled-back", "reversed")  # of a run: what was remembered before counts no more
REVERSING, PAIR_SERVES_AGAIN = "reversing", "reverse-taken-back"
_TAKE_BACK = (*_ENDS, PAIR_SERVES_AGAIN)  # records that are about others
STOPPING = "stop-services"  # the step that opens the window
_CHUNK_BYTES = 1024 * 1024
_FRESH_S = 60.0  # as long as a proof is good


class _Present(NamedTuple):
    """The records since the last complete rollback, and which kinds there are of which step."""

    of: int  # so many records of the journal were read
    entries: list[Entry]
    kinds: frozenset[str]
    marks: frozenset[tuple[str, str]]
    facts: dict[str, Any]  # the latest value of each, in the order in which they were first noted

    def grown(self, of: int, more: list[Entry]) -> _Present:
        """With more records that count, up to so many of the journal."""
        return _Present(
            of,
            [*self.entries, *more],
            self.kinds.union(entry.kind for entry in more),
            self.marks.union((entry.kind, entry.step) for entry in more),
            self.facts | {entry.data["name"]: entry.data["value"] for entry in more if entry.kind == "fact"},
        )


_NOTHING = _Present(0, [], frozenset(), frozenset(), {})


class Memory:
    """The memory of one run. After a rollback the run starts anew and earlier steps and facts no longer count.

    A reverse move is a chapter of its own within the run: it has its own commit point and its own rollback, and once it
    was taken back nothing of it counts any more. ``committed``, ``completed`` and ``rolling_back`` tell of the chapter.
    """

    def __init__(self, journal: Journal, folder: Path, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self.folder = folder
        self._loaded: tuple[str, store.Manifest] | None = None
        self._hashes: dict[str, Hashes] = {}
        self._present_now = _NOTHING
        self._seen: dict[str, tuple[Any, float]] = {}  # trees that listed as frozen: by which manifest, and when
        self.attributes: dict[str, Kept[Any]] = {}  # by tree; see harness.migration.attributes

    # What happened

    @property
    def began(self) -> bool:
        """A run is under way: something was begun and not rolled back."""
        return bool(self.present())

    @property
    def reversing(self) -> bool:
        """A reverse move is under way."""
        return REVERSING in self._read().kinds

    @property
    def moved(self) -> bool:
        """The move's own commit point is passed: the pair has the store, also while it is being taken back."""
        return self._noted("committed", self._of_the_move)

    @property
    def committed(self) -> bool:
        return self._noted("committed", self._chapter)

    @property
    def completed(self) -> bool:
        return self._noted("completed", self._chapter)

    @property
    def reversed(self) -> bool:
        """The last thing that happened was a reverse move that came to its end."""
        entries = self._journal.entries
        return not self.present() and bool(entries) and entries[-1].kind == "reversed"

    @property
    def rolled_back(self) -> bool:
        """The last thing that happened was a complete rollback, or a reverse move."""
        return bool(self._journal.entries) and not self.present()

    @property
    def rolling_back(self) -> bool:
        """A rollback began and did not finish."""
        return self._noted("undoing", self._chapter)

    @property
    def run_id(self) -> str | None:
        """What the hosts know this run by; another name since another controller adopted it."""
        return next(iter(reversed(self.run_ids)), None)

    @property
    def run_ids(self) -> list[str]:
        """All names that this run has had, the present one last."""
        named = (entry for entry in self._journal.entries if entry.kind in ("begun", "adopted"))
        return [str(entry.data["run_id"]) for entry in named]

    @property
    def entries(self) -> list[Entry]:
        """Every record of the run, whether it still counts or not."""
        return self._journal.entries

    @property
    def promised(self) -> dict[str, str]:
        """What of the inventory the present run was begun with; empty before it began."""
        begun = next((entry for entry in reversed(self.present()) if entry.kind == "begun"), None)
        promised = begun.data.get("promised") if begun else None
        return {key: str(value) for key, value in promised.items()} if isinstance(promised, dict) else {}

    @property
    def plan(self) -> str | None:
        """The hash of the plan that the present run was begun by, None for one that was begun without."""
        begun = next((entry for entry in reversed(self.present()) if entry.kind == "begun"), None)
        return begun.data.get("plan") if begun else None

    @property
    def rehearsal(self) -> dict[str, Any]:
        """What the present run was rehearsed by, or why it was begun without; empty where neither was asked for."""
        begun = next((entry for entry in reversed(self.present()) if entry.kind == "begun"), None)
        found = begun.data.get("rehearsal") if begun else None
        return found if isinstance(found, dict) else {}

    @property
    def plans(self) -> set[str]:
        """The hashes of all plans that ever began something here."""
        return {entry.data["plan"] for entry in self._journal.entries if entry.kind == "begun" and "plan" in entry.data}

    @property
    def epoch(self) -> int:
        """The highest epoch this run was ever granted."""
        return max((entry.data["epoch"] for entry in self._journal.entries if entry.kind == "epoch"), default=0)

    @property
    def window_open(self) -> bool:
        """The services may be down: they were to be stopped and have not been seen to run again."""
        stopping = self.intended(STOPPING) and not self.undone(STOPPING)
        return stopping and not self.done("start-services")

    def intended(self, step: str) -> bool:
        """The step was begun, so its effect may be there in whole or in part."""
        return ("intent", step) in self._marks()

    def done(self, step: str) -> bool:
        """The step was seen satisfied after it acted."""
        return ("done", step) in self._marks()

    def retiring(self, path: str) -> bool:
        """Deleting what the move had left there was begun."""
        return any(entry.kind == "retiring" and entry.data["path"] == path for entry in self.present())

    def retired(self, path: str) -> bool:
        """What the move had left there was deleted, on purpose and for good."""
        return any(entry.kind == "retired" and entry.data["path"] == path for entry in self.present())

    def undone(self, step: str) -> bool:
        """The step was taken back in the rollback that is under way."""
        return ("undone", step) in self._marks()

    def fact(self, name: str, default: Any = None) -> Any:
        """The latest value noted under this name."""
        return self._read().facts.get(name, default)

    def facts(self, prefix: str) -> dict[str, Any]:
        """The latest value of every fact whose name begins like this, in the order in which they were first noted."""
        return {name: value for name, value in self._read().facts.items() if name.startswith(prefix)}

    def present(self) -> list[Entry]:
        """The records that count: those since the last complete rollback."""
        return self._read().entries

    def _chapter(self) -> list[Entry]:
        """The reverse move's own records while one is under way, otherwise those of the move."""
        entries = self.present()
        return entries[_start_of_reverse(entries) :] if self.reversing else entries

    def _of_the_move(self) -> list[Entry]:
        entries = self.present()
        return entries[: _start_of_reverse(entries)]

    def _noted(self, kind: str, among: Callable[[], list[Entry]]) -> bool:
        """A record of this kind is among those of a chapter; where there is none at all, nobody looks for chapters."""
        return kind in self._read().kinds and any(entry.kind == kind for entry in among())

    def _marks(self) -> frozenset[tuple[str, str]]:
        return self._read().marks

    def _read(self) -> _Present:
        entries, known = self._journal.entries, self._present_now
        if len(entries) != known.of:  # a journal only grows
            more = entries[known.of :]
            if any(entry.kind in _TAKE_BACK for entry in more):
                known, more = _NOTHING, counting(entries)
            self._present_now = known.grown(len(entries), more)
        return self._present_now

    # What is to be remembered

    def note(self, kind: str, step: str = "", **data: Any) -> None:
        """Write a record; durable when this returns."""
        self._journal.append(kind, step, self._clock.date(), **data)

    def remember(self, name: str, value: Any) -> None:
        """Note a fact, unless it is noted already with this value."""
        if self.fact(name) != value:
            self.note("fact", name=name, value=value)

    def note_taken_back(self) -> None:
        """All that was begun is taken back: of the reverse move while one is under way, otherwise of the move."""
        self.note(PAIR_SERVES_AGAIN if self.reversing else "rolled-back")

    # Hashes that hold as long as a file has its stamp

    def known_hashes(self, tree: str) -> Hashes:
        """What was read of a tree before, by this run or an engine that died in it."""
        if tree not in self._hashes:
            self._hashes[tree] = ledger.load(self._ledger_path(tree))
        return self._hashes[tree]

    def learn_hashes(self, tree: str, learned: Iterable[Known]) -> None:
        """Remember more of a tree; durable when this returns."""
        if ledger.append(self._ledger_path(tree), learned):
            self._hashes.pop(tree, None)

    def _ledger_path(self, tree: str) -> Path:
        return self.folder / f"{tree}.hashes"

    # The frozen manifest

    @property
    def frozen_as(self) -> str:
        """The name under which the manifest is remembered: the store of the old disk, or that of the pair."""
        return "frozen-pair" if self.reversing else "frozen"

    def _manifest_path(self, name: str) -> Path:
        return self.folder / f"{name}.manifest"

    def freeze(self, manifest: Iterable[store.Entry]) -> None:
        """Keep the manifest of the stopped store; durable, and its digest in the journal."""
        path = self._manifest_path(self.frozen_as)
        temporary = path.with_suffix(".new")
        digest = saved.save(manifest, temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.rename(path)
        self.remember(self.frozen_as, digest)

    def take_manifest(self, content: Iterable[bytes], name: str) -> None:
        """Keep a frozen manifest that was saved elsewhere; ``frozen`` tells whether it is the right one."""
        self._loaded = None
        with self._manifest_path(name).open("wb") as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())

    def frozen_text(self) -> Iterator[bytes]:
        """The frozen manifest as it is kept, piece by piece."""
        with self._manifest_path(self.frozen_as).open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    def frozen(self, name: str | None = None) -> store.Manifest | None:
        """The manifest of the stopped store, None before it was taken; ``name`` another than the one that counts now.

        Raises:
            JournalDamaged: when the file is not the one whose digest the journal holds.
        """
        name = name or self.frozen_as
        digest, path = self.fact(name), self._manifest_path(name)
        if digest is None:
            return None
        if self._loaded and self._loaded[0] == digest:
            return self._loaded[1]
        self._require_whole(path, digest)
        try:
            manifest = saved.load(path)
        except (OSError, UnexpectedOutput) as error:
            raise JournalDamaged(f"{path}: the frozen manifest cannot be read: {error}") from error
        self._loaded = (digest, manifest)
        return manifest

    def _require_whole(self, path: Path, digest: str) -> None:
        try:
            found = saved.digest_of(path)
        except OSError as error:
            raise JournalDamaged(f"{path}: the frozen manifest cannot be read: {error}") from error
        if found != digest:
            raise JournalDamaged(f"{path}: the frozen manifest is not the one that the journal names")

    def note_listing(self, digest: str, copy: str = "") -> None:
        """What find prints of the store that was frozen just now, or of a proven ``copy`` of it, has this digest."""
        name = f"{self.frozen_as}-listing"
        self.remember(f"{name}:{copy}" if copy else name, [self.fact(self.frozen_as), digest])

    def lists_as_noted(self, digest: str) -> bool:
        """True for a digest that was noted of what equals the manifest that counts; it is whole then.

        Raises:
            JournalDamaged: as ``frozen``.
        """
        manifest = self.fact(self.frozen_as)
        if manifest is None or [manifest, digest] not in self.facts(f"{self.frozen_as}-listing").values():
            return False
        if not (self._loaded and self._loaded[0] == manifest):
            self._require_whole(self._manifest_path(self.frozen_as), manifest)
        return True

    # What this process has just seen

    def saw_as_frozen(self, tree: str, at_s: float) -> None:
        """At that time the tree was listed and was as it was frozen; this engine does nothing to it meanwhile."""
        self._seen[tree] = (self.fact(self.frozen_as), at_s)

    def just_saw_as_frozen(self, tree: str) -> bool:
        """It was so a moment ago, as the engine's clock counts."""
        manifest, at_s = self._seen.get(tree, (None, 0.0))
        return manifest is not None and manifest == self.fact(self.frozen_as) and self._clock.now() - at_s <= _FRESH_S

    def just_seen(self) -> list[str]:
        """The trees that were as frozen a moment ago."""
        return sorted(filter(self.just_saw_as_frozen, self._seen))

    def forget_what_was_seen(self) -> None:
        """Hosts were left alone for a while, or may have rebooted: all is looked at again."""
        self._seen.clear()


def counting(entries: list[Entry]) -> list[Entry]:
    """The records that count: those of the run under way, but none of a reverse move that was taken back."""
    last_end = max((at for at, entry in enumerate(entries) if entry.kind in _ENDS), default=-1)
    kept: list[Entry] = []
    if not any(entry.kind == PAIR_SERVES_AGAIN for entry in entries[last_end + 1 :]):
        return entries[last_end + 1 :]
    for entry in entries[last_end + 1 :]:
        if entry.kind == PAIR_SERVES_AGAIN:
            del kept[_start_of_reverse(kept) :]
        else:
            kept.append(entry)
    return kept


def _start_of_reverse(entries: list[Entry]) -> int:
    return next((at for at, entry in enumerate(entries) if entry.kind == REVERSING), len(entries))
