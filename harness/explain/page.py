"""The pages, each about one name; the texts lie in ``texts``, what a step does is asked of the step."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, Field

from harness import yamlfile
from harness.errors import InvalidInput, kebab
from harness.explain.steps import Told, told_by_the_steps
from harness.yamlmodel import Strict, validate

_TEXTS = Path(__file__).parent / "texts"
_NEAREST = 3
_ONLY_READS = "Nothing: it was only looked at, and nothing was changed."

Prose = Annotated[str, Field(min_length=3)]


class _Text(Strict):
    """One entry of a file of texts."""

    means: Prose = ""
    why: Prose
    needs: Prose
    undo: Prose = ""
    risk: Prose
    vendor: Prose = ""
    traps: tuple[str, ...] = Field(default=(), strict=False)


class _Texts(Strict):
    pages: dict[str, _Text]


class _Traps(Strict):
    traps: dict[str, Prose]


@dataclass(frozen=True)
class Trap:
    """A trap of the vendor's text (1 to 29) or one of its hazards (H1 to H8)."""

    id: str
    text: str


@dataclass(frozen=True)
class Page:
    """All that is told of one name."""

    kind: str  # step, finding, error, status, check
    name: str
    means: str
    why: str
    needs: str
    undo: str
    risk: str
    vendor: str
    traps: tuple[Trap, ...]
    strategies: tuple[str, ...] = ()  # of a step: the plans that have it


KINDS = {"step": "steps", "finding": "findings", "error": "errors", "status": "statuses", "check": "checks"}
"""What a name can be the name of, and the file with its texts."""


@cache
def pages() -> tuple[Page, ...]:
    """Every page, by kind, in the order of the files: that of the plan for steps."""
    return tuple(page for kind, file in KINDS.items() for page in _pages(kind, file))


def _pages(kind: str, file: str) -> Iterator[Page]:
    known = _traps()
    steps = told_by_the_steps() if kind == "step" else {}
    for name, text in _read(file, "pages", _Texts).pages.items():
        traps = tuple(Trap(one, known[one]) for one in text.traps)
        told = steps.get(name, Told((), text.means))
        undo = text.undo or _ONLY_READS
        yield Page(kind, name, told.summary, text.why, text.needs, undo, text.risk, text.vendor, traps, told.strategies)


def _traps() -> dict[str, str]:
    return _read("traps", "traps", _Traps).traps


Model = TypeVar("Model", bound=BaseModel)


def _read(file: str, key: str, model: type[Model]) -> Model:
    """A file of texts, which is one map, as the model that has it under ``key``.

    Raises:
        InvalidInput: it is not as it must be; with file, line and column.
    """
    document = yamlfile.read(_TEXTS / f"{file}.yaml").gather({key: ()}, ())
    found = validate(document, model)
    document.require_sound()
    assert found is not None, "a sound document gives texts"
    return found


def find(asked: str) -> list[Page]:
    """The pages of a name; an error's class and a bare exit status will do.

    Raises:
        InvalidInput: there is none; names the nearest.
    """
    name = _plain(asked)
    if found := [page for page in pages() if page.name == name]:
        return found
    near = difflib.get_close_matches(name, names(), n=_NEAREST, cutoff=0.5)
    meant = f"the nearest are {', '.join(near)}; all" if near else "all"
    raise InvalidInput(f"there is no page on {asked!r}; {meant} are listed by: walrus-ha explain")


def names() -> list[str]:
    """Every name that has a page, once."""
    return list(dict.fromkeys(page.name for page in pages()))


def _plain(asked: str) -> str:
    """The name as pages have it: ``StepBlocked`` is step-blocked, ``4`` and ``exit 4`` are exit-4."""
    if re.fullmatch(r"(exit)?[ _-]?[0-9]+", asked):
        return f"exit-{re.sub(r'[^0-9]', '', asked)}"
    return kebab(asked) if re.fullmatch(r"([A-Z][a-z]+)+", asked) else asked.strip().lower().replace("_", "-")
