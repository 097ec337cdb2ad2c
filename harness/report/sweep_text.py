"""A sweep's report for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

_SHOWN = 20


class Swept(Protocol):
    """What is shown of a sweep."""

    depth: int
    enumerated: int
    passed: int
    failed: int
    inconclusive: int
    executed: int
    trace_hash: str
    seconds: float
    blank: Counter[str]
    cells: Counter[tuple[str, str]]

    @property
    def run(self) -> int: ...
    @property
    def trials_per_second(self) -> float: ...
    def failing(self) -> Sequence[tuple[str, str, str]]:
        """The command line that reproduces each trial that did not pass, what was hit, and what was wrong."""
        ...


def render(swept: Swept, faults: Sequence[str], moments: Sequence[str]) -> str:
    """The table of what was run, what cannot exist and why, the figures, and what failed."""
    return "\n".join([*_table(swept, faults, moments), "", *_blank(swept), "", *_figures(swept), *_failures(swept)])


def _table(swept: Swept, faults: Sequence[str], moments: Sequence[str]) -> Iterator[str]:
    yield f"{'trials run':<16}" + "".join(f"{moment:>12}" for moment in moments)
    for fault in faults:
        counts = (swept.cells[fault, moment] for moment in moments)
        yield f"{fault:<16}" + "".join(f"{count or '-':>12}" for count in counts)


def _blank(swept: Swept) -> Iterator[str]:
    yield f"blank: {sum(swept.blank.values())} cells that cannot exist"
    for reason, count in swept.blank.most_common():
        yield f"{count:>8}  {reason}"


def _figures(swept: Swept) -> Iterator[str]:
    yield (
        f"depth {swept.depth}: {swept.enumerated} points enumerated, {swept.run} run: "
        f"{swept.passed} pass, {swept.failed} fail, {swept.inconclusive} inconclusive"
    )
    yield (
        f"{swept.executed} distinct stories told, the others are the same as one of them; "
        f"{swept.seconds:.1f} s, {swept.trials_per_second:g} trials a second"
    )
    yield f"trace {swept.trace_hash}"


def _failures(swept: Swept) -> Iterator[str]:
    failing = swept.failing()
    for command, what, why in failing[:_SHOWN]:
        yield f"\n{why}\n  at: {what}\n  reproduce: {command}"
    if len(failing) > _SHOWN:
        yield f"\nand {len(failing) - _SHOWN} more"
