"""A plan as a file: what was seen, and every command that the move will send, bound together by a hash.

The file is JSON. ``sha256`` is over everything else in it, so that an edited or cut plan is not taken for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from harness import jsonfile, sealed
from harness.errors import InvalidInput, Problem
from harness.migration.preflight.finding import Finding, error
from harness.migration.survey import StoreSeen, Survey
from harness.yamlmodel import Strict, validate

FORMAT = 1
_LEAST_SHARE_LEFT = 0.5  # a store that lost more than half its entries is not the store that was planned for


@dataclass(frozen=True)
class PlannedCommand:
    """One command: in which step, on which host, what it does, its text, and the hash of all its bytes."""

    step: str
    host: str
    effect: str  # read, write, destroy
    text: str
    sha256: str


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class _CommandFile(Strict):
    step: str
    host: str
    effect: Literal["read", "write", "destroy"]
    text: str
    sha256: Sha256


class _StoreFile(Strict):
    root: Sha256
    entries: Count
    bytes: Count


class PlanFile(Strict):
    """What stands in the file."""

    format: Literal[1]
    run: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    made: str
    inventory: str
    window_s: Annotated[list[Count], Field(min_length=2, max_length=2)]
    store: _StoreFile
    facts: dict[str, str]
    commands: list[_CommandFile]
    sha256: Sha256


@dataclass(frozen=True)
class Plan:
    """A plan that was made or read; ``run`` is the id that the move will have."""

    run: str
    made: str
    inventory: str
    window_s: tuple[int, int]
    store: StoreSeen
    facts: Mapping[str, str]
    commands: Sequence[PlannedCommand]

    @property
    def sha256(self) -> str:
        """The plan's name everywhere: in its file, in the journal of the run that is made by it."""
        return sealed.digest(self._body())

    def _body(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "run": self.run,
            "made": self.made,
            "inventory": self.inventory,
            "window_s": list(self.window_s),
            "store": asdict(self.store),
            "facts": dict(sorted(self.facts.items())),
            "commands": [asdict(command) for command in self.commands],
        }

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all, readable by its owner only."""
        sealed.save(self._body(), path)


def read_plan(path: Path) -> Plan:
    """The plan in a file.

    Raises:
        InvalidInput: it is damaged, is no plan, or was changed since it was made; with file, line and column.
    """
    document = jsonfile.read(path)
    parsed = validate(document, PlanFile)
    document.require_sound()
    assert parsed is not None, "a sound document gives a plan"
    fields = parsed.model_dump()
    if sealed.digest(fields) != parsed.sha256:
        line, column = document.mark((sealed.SEAL,))
        message = "the plan is not as it was made: its hash does not match what stands in it"
        raise InvalidInput(Problem(str(path), line, column, message, "make it anew with: walrus-ha plan -o"))
    return Plan(
        parsed.run,
        parsed.made,
        parsed.inventory,
        (parsed.window_s[0], parsed.window_s[1]),
        StoreSeen(parsed.store.root, parsed.store.entries, parsed.store.bytes),
        parsed.facts,
        [PlannedCommand(**one.model_dump()) for one in parsed.commands],
    )


def made_of(run: str, made: str, inventory: str, seen: Survey, commands: Sequence[PlannedCommand]) -> Plan:
    """The plan for what was just seen."""
    window_s = (round(seen.window.least_s), round(seen.window.most_s))
    return Plan(run, made, inventory, window_s, seen.store, seen.facts, commands)


def differences(plan: Plan, seen: Survey, host: str) -> Iterator[Finding]:
    """Everything that is not as the plan has it, each with what was expected and what was found.

    The store may have changed: clients go on writing until the window. It must not have lost half its entries.
    """
    mend = "Look why, and make the plan anew: walrus-ha plan -i INVENTORY -o PLAN."
    for fact in sorted({*plan.facts, *seen.facts}):
        expected, found = plan.facts.get(fact, "nothing"), seen.facts.get(fact, "nothing")
        if expected != found:
            where = fact.partition(": ")[0] if ": " in fact else host
            yield error("plan-differs", where, f"{fact}: expected {expected}, found {found}", mend)
    if seen.store.entries < plan.store.entries * _LEAST_SHARE_LEFT:
        what = f"the store: expected {plan.store.entries} entries or more, found {seen.store.entries}"
        yield error("plan-store-shrank", host, what, mend)
