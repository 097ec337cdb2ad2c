"""JSON files that a person can read, with a hash over everything in them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SEAL = "sha256"  # the field that holds the hash


def digest(body: Mapping[str, Any]) -> str:
    """The hash of all fields but the seal's own."""
    told = {name: value for name, value in body.items() if name != SEAL}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def save(body: Mapping[str, Any], path: Path) -> None:
    """Write the file, sealed, whole or not at all, readable by its owner only.

    Raises:
        OSError: it cannot be written.
    """
    text = json.dumps({**body, SEAL: digest(body)}, indent=1) + "\n"
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
