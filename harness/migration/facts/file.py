"""Facts as a file: JSON that a person can read, with a hash over everything in it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from harness import yamlfile
from harness.errors import InvalidInput, Problem
from harness.migration.facts.model import KIND, Facts, FactsFile
from harness.yamlmodel import validate

_ANEW = "collect them anew with: walrus-ha facts -i INVENTORY -o FACTS"


def save(facts: Facts, path: Path) -> None:
    """Write the file, whole or not at all, readable by its owner only."""
    body = facts.model_dump(mode="json", exclude_defaults=False)
    text = json.dumps({**body, "sha256": _digest(body)}, indent=1) + "\n"
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "w") as writer:
            writer.write(text)
            writer.flush()
            os.fsync(writer.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_facts(path: Path) -> Facts:
    """The facts in a file.

    Raises:
        InvalidInput: it is damaged, holds something else, or was changed since; with file, line and column.
    """
    document = yamlfile.read(path)
    if not isinstance(document.get(()), dict) or document.get(()).get("kind") != KIND:
        document.complain((), f'no facts of a site: it does not say "kind": "{KIND}"', _ANEW)
        document.require_sound()
    parsed = validate(document, FactsFile)
    document.require_sound()
    assert parsed is not None, "a sound document gives facts"
    body = document.get(())
    claimed = body["sha256"]
    if _digest({name: value for name, value in body.items() if name != "sha256"}) != claimed:
        line, column = document.mark(("sha256",))
        message = "the facts are not as they were collected: their hash does not match what stands in the file"
        raise InvalidInput(Problem(str(path), line, column, message, _ANEW))
    return Facts.model_construct(**{name: getattr(parsed, name) for name in Facts.model_fields})
