"""Which programs a host has."""

from __future__ import annotations

from collections.abc import Sequence

from harness.hosts.command import Command
from harness.hosts.host import Reader


def missing(host: Reader, names: Sequence[str]) -> list[str]:
    """Those of the programs that are on no path of the host."""
    found = {line.rsplit("/", 1)[-1] for line in host.ask(Command(("which", *names))).text.splitlines()}
    return [name for name in names if name not in found]
