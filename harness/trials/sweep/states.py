"""Names for the states that a story comes to: two states of one name have the same future."""

from __future__ import annotations

import math
from typing import NamedTuple

from harness.clock import Clock
from harness.labs.simulated_shapes import Names, Shape, digest
from harness.labs.simulated_state import WorldState
from harness.migration.memory import Memory
from harness.trials.sweep.conductor import Conductor

_FRESH_S = 0.2  # a name holds so long while nothing but questions go by: the moment of a daemon's tick decides nothing
_NEVER_READ = ("fact", "epoch", "stopped")  # kinds of records that are no mark for the engine


class _Remembered(NamedTuple):
    """What the engine can read of its memory, as long as no record is added."""

    records: int
    marks: Shape
    facts: list[tuple[str, Shape]]
    epoch: int


class _Core(NamedTuple):
    """The name of world and memory, and what must not have changed since for it to hold."""

    turns: int
    records: int
    at: float
    name: str


class States:
    """Names the present state of one story."""

    def __init__(self, world: WorldState, conductor: Conductor, clock: Clock) -> None:
        self._world, self._conductor, self._clock = world, conductor, clock
        self._core: _Core | None = None
        self._remembered: _Remembered | None = None

    def name(self, position: str, held: Shape) -> str | None:
        """The digest of all that the rest of the story depends on; None while something is under way by itself.

        ``held`` tells which hosts the running engine holds.
        """
        core = self._named()
        if core is None:
            return None
        now = self._clock.now()
        pending = sorted((what, math.ceil(at - now)) for what, at in self._conductor.pending)
        return digest((position, pending, core, held))

    def _named(self) -> str | None:
        """World and memory."""
        turns, now = self._conductor.turns, self._clock.now()
        records, known = len(self._conductor.notebook.entries), self._core
        if known is not None and known[:2] == (turns, records) and now - known.at <= _FRESH_S:
            return known.name
        names = Names()
        world = self._world.key(names)
        if world is None:
            return None
        name = digest((world, self._memory(names), self._grants()))
        self._core = _Core(turns, records, now, name)
        return name

    def _reads(self) -> _Remembered:
        memory = self._conductor.notebook.memory(self._clock)
        known, records = self._remembered, len(memory.entries)
        if known is None or known.records != records:
            known = self._remembered = _remembered(memory)
        return known

    def _memory(self, names: Names) -> Shape:
        """The run's memory as the engine reads it: which records there are, and the latest value of each fact."""
        reads = self._reads()
        shaped = [(name, self._fact(name, value, names)) for name, value in reads.facts]
        return reads.marks, shaped, self._hashes()

    def _hashes(self) -> Shape:
        """Which files the run has a hash of, and whether it still holds for the file that is there."""
        return tuple(
            (tree.partition("-")[0], tuple(sorted(self._world.holding(known))))
            for tree, known in sorted(self._conductor.notebook.hashes.items())
        )

    def _fact(self, name: str, value: Shape, names: Names) -> Shape:
        if name.startswith("job:"):
            return self._world.job(value["id"])
        return names.of(value) if name.startswith("metadata:") else value

    def _grants(self) -> Shape:
        """Who holds the hosts, and the order of the epochs; the numbers themselves decide nothing."""
        epochs, remembered = self._world.epochs(), self._reads().epoch
        order = sorted({*epochs.values(), remembered})
        ranks = {name: order.index(epoch) for name, epoch in epochs.items()}
        return self._world.grants(), ranks, order.index(remembered)


def _remembered(memory: Memory) -> _Remembered:
    marks = sorted({(one.kind, one.step) for one in memory.present() if one.kind not in _NEVER_READ})
    facts = [
        (name, value if name.startswith(("job:", "metadata:")) else repr(value))
        for name, value in sorted(memory.facts("").items())
        if not _over(name, value)
    ]
    told = (marks, memory.committed, memory.completed, memory.rolled_back, memory.run_id)
    return _Remembered(len(memory.entries), told, facts, memory.epoch)


def _over(name: str, value: Shape) -> bool:
    """A collected job only lends the next one its number; when a reading began is told by what it found."""
    return name.startswith("reading:") or (name.startswith("job:") and bool(value["collected"]))
