"""A run's memory kept in this process: what the journal's file would hold, without the file.

Processes made by fork each have their own. That a record is durable before what it announces is the journal's own
promise, and its tests'; here a record is there or not.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.clock import Clock
from harness.inventory import Inventory
from harness.migration import ledger
from harness.migration.engine import Engine
from harness.migration.journal import Entry, Journal
from harness.migration.ledger import Hashed, Hashes, Known
from harness.migration.memory import Memory
from harness.migration.run import Listeners, Migration
from harness.systems import saved, store

Hook = Callable[[str, str], None]  # kind and step of a record


@dataclass
class Notebook:
    """The records of one run, its frozen manifest and the hashes that it knows, across the attempts of a trial."""

    before: Hook = lambda kind, step: None
    after: Hook = lambda kind, step: None
    entries: list[Entry] = field(default_factory=list)
    manifests: dict[str, store.Manifest] = field(default_factory=dict)
    hashes: dict[str, dict[bytes, Hashed]] = field(default_factory=dict)
    _memory: Memory | None = None

    def memory(self, clock: Clock) -> Memory:
        """The memory of the run, to ask: always the same, which reads on from where it was."""
        if self._memory is None:
            self._memory = _KeptMemory(_KeptJournal(self), self, clock)
        return self._memory


class _KeptJournal(Journal):
    def __init__(self, notebook: Notebook) -> None:
        super().__init__(Path("kept in this process"), -1, notebook.entries)
        self._notebook = notebook

    def append(self, kind: str, step: str = "", date: str = "", **data: Any) -> Entry:
        self._notebook.before(kind, step)
        entry = Entry(len(self.entries), kind, step, json.loads(json.dumps(data)), date, "")
        self.entries.append(entry)
        self._notebook.after(kind, step)
        return entry


class _KeptMemory(Memory):
    def __init__(self, journal: Journal, notebook: Notebook, clock: Clock) -> None:
        super().__init__(journal, journal.path, clock)
        self._notebook = notebook

    def freeze(self, manifest: Iterable[store.Entry]) -> None:
        kept = self._notebook.manifests[self.frozen_as] = store.manifest(manifest)
        self.remember(self.frozen_as, saved.digest(kept))

    def frozen_text(self) -> Iterator[bytes]:
        return saved.lines(self._notebook.manifests[self.frozen_as])

    def frozen(self, name: str | None = None) -> store.Manifest | None:
        name = name or self.frozen_as
        return self._notebook.manifests[name] if self.fact(name) is not None else None

    def _require_whole(self, path: Path, digest: str) -> None:
        """There is no file that could be torn or exchanged."""

    def known_hashes(self, tree: str) -> Hashes:
        return ledger.kept(sorted(self._notebook.hashes.get(tree, {}).items()))

    def learn_hashes(self, tree: str, learned: Iterable[Known]) -> None:
        self._notebook.hashes.setdefault(tree, {}).update(learned)


class KeptMigration(Migration):
    """The migration with its memory in a notebook instead of a folder; all else is the engine's own."""

    def __init__(
        self, inventory: Inventory, notebook: Notebook, clock: Clock, listeners: Listeners, run_id: str
    ) -> None:
        super().__init__(inventory, Path("RUN"), clock, listeners, lambda: run_id)
        self._notebook = notebook
        self.engine: Engine | None = None

    def _memory(self, journal: Journal) -> Memory:
        return _KeptMemory(journal, self._notebook, self.clock)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Engine]:
        with self._engine(_KeptJournal(self._notebook)) as engine:
            self.engine = engine
            yield engine
