"""Which engine this is: its version, and the commit that it was made of."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness import __version__

_HERE = Path(__file__).resolve().parent
_GIT_S = 10.0


def commit() -> str | None:
    """The commit, as a wheel's builder wrote it down or as git says of a checkout; None where nobody knows.

    ``-dirty`` at the end says that tracked files differ from the commit.
    """
    written = _HERE / "_shipped" / "commit"
    if written.is_file():
        return written.read_text(encoding="utf-8").strip() or None
    if not (_HERE.parent / ".git").exists():  # an installed package may stand inside somebody else's checkout
        return None
    described = _git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    return described or None


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(_HERE.parent), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


def described() -> str:
    """The version as a person reads it: ``0.1.0 (commit 0123456789ab)``."""
    of = commit()
    return f"{__version__} (commit {of})" if of else __version__
