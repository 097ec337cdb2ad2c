"""An openssl of no use to who hashes, as a file that stands on PATH before the image's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from fakes import oldtools
from harness.labs.hostfiles import File

_WRONG = f"""\
#!/bin/sh
/usr/bin/openssl "$@" | sed 's/^[0-9a-f]\\{{64\\}}/{hashlib.sha256().hexdigest()}/'
"""


def files(role: str, differs: Mapping[str, Any], directory: str) -> dict[str, File]:
    """What the hazard puts into a host; one where openssl is absent needs no file, but the image's taken away."""
    texts = {"old": oldtools.script("openssl"), "wrong": _WRONG}
    kind = differs.get("openssl", {}).get(role)
    return {f"{directory}/openssl": File(texts[kind].encode(), 0o755)} if kind in texts else {}


def absent(role: str, differs: Mapping[str, Any]) -> set[str]:
    """The programs that the hazard takes away from a host."""
    return {"openssl"} if differs.get("openssl", {}).get(role) == "absent" else set()
