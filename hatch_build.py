"""Writes into a wheel which commit it was made of; a wheel made where there is no git says nothing of it."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommitHook(BuildHookInterface[Any]):
    """Adds harness/_shipped/commit to a wheel that is not for editing."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is written; ``version`` is ``editable`` for ``pip install -e``."""
        if version == "editable":
            return
        command = ["git", "-C", self.root, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return
        if done.returncode == 0:
            self._made = tempfile.TemporaryDirectory(prefix="walrus-ha-")
            written = Path(self._made.name) / "commit"
            written.write_bytes(done.stdout)
            build_data["force_include"][str(written)] = "harness/_shipped/commit"
