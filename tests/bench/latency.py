"""What a command costs over ssh, beside plain ``ssh`` to the same server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from tests import latency
from tests.bench.figure import Figure

_SSHD = Path("/usr/sbin/sshd")


def measure() -> Iterator[Figure]:
    """Both in turns over shared connections; nothing where OpenSSH's server is not installed."""
    if not _SSHD.exists() or shutil.which("ssh") is None:
        print("not measured: latency over ssh: OpenSSH's server is missing (images/install openssh-server)")
        return
    found = latency.measure()
    yield Figure(
        "a command over ssh, as a multiple of plain ssh", found.ratio, latency.MOST, "", name="ssh_latency_ratio"
    )
