"""Where runs live on the controller: a folder a run, found by its inventory or by its name."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from harness.errors import InvalidInput
from harness.private import private


def home() -> Path:
    """The folder of all runs: $WALRUS_HA_STATE, or walrus-ha/runs in the user's state folder."""
    if named := os.environ.get("WALRUS_HA_STATE"):
        return Path(named)
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "walrus-ha" / "runs"


def folder_for(inventory: Path) -> Path:
    """The run folder that belongs to an inventory file; the same file finds the same run."""
    resolved = inventory.resolve()
    return home() / f"{resolved.stem}-{hashlib.sha256(str(resolved).encode()).hexdigest()[:8]}"


def note_inventory(folder: Path, inventory: Path) -> None:
    """Remember beside the journal which inventory the run was begun with."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(folder / "run.json", "w", opener=private) as file:
        file.write(json.dumps({"inventory": str(inventory.resolve())}) + "\n")


def find(run: str) -> Path:
    """The folder of a run, given as a path or as the name of a folder in ``home``.

    Raises:
        InvalidInput: when there is no such run.
    """
    for folder in (Path(run), home() / run):
        if (folder / "journal.jsonl").is_file():
            return folder
    known = sorted(path.parent.name for path in home().glob("*/journal.jsonl"))
    hint = f"known runs: {', '.join(known)}" if known else f"there are no runs in {home()}"
    raise InvalidInput(f"no run {run!r}; {hint}")


def inventory_of(folder: Path) -> Path:
    """The inventory that a run was begun with.

    Raises:
        InvalidInput: when the run does not say.
    """
    try:
        return Path(json.loads((folder / "run.json").read_text())["inventory"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{folder}/run.json does not name the run's inventory: {error}") from error
