"""Facts as a file: JSON that a person can read, with a hash over everything in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import jsonfile, sealed
from harness.errors import InvalidInput, Problem
from harness.migration.facts.model import KIND, Facts, FactsFile
from harness.yamlmodel import validate

_ANEW = "collect them anew with: walrus-ha facts -i INVENTORY -o FACTS"


def save(facts: Facts, path: Path) -> None:
    """Write the file, whole or not at all, readable by its owner only."""
    sealed.save(as_values(facts), path)


def as_values(facts: Facts) -> dict[str, Any]:
    """The facts as the file has them; settings that the inventory left open stay so: a forecast asks for that."""
    return facts.model_dump(mode="json") | {"settings": facts.settings.model_dump(mode="json", exclude_unset=True)}


def read_facts(path: Path) -> Facts:
    """The facts in a file.

    Raises:
        InvalidInput: it is damaged, holds something else, or was changed since; with file, line and column.
    """
    document = jsonfile.read(path)
    if not isinstance(document.get(()), dict) or document.get(()).get("kind") != KIND:
        document.complain((), f'no facts of a site: it does not say "kind": "{KIND}"', _ANEW)
        document.require_sound()
    parsed = validate(document, FactsFile)
    document.require_sound()
    assert parsed is not None, "a sound document gives facts"
    body = document.get(())
    if sealed.digest(body) != body[sealed.SEAL]:
        line, column = document.mark((sealed.SEAL,))
        message = "the facts are not as they were collected: their hash does not match what stands in the file"
        raise InvalidInput(Problem(str(path), line, column, message, _ANEW))
    return Facts.model_construct(**{name: getattr(parsed, name) for name in Facts.model_fields})
