"""Hosts that a run was never carried out on: an inventory names others now, or they were installed anew.

Whatever a run changes, both hosts of the pair were given its journal first. Where both answer and neither keeps one,
what this run remembers is not about them.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.errors import HostError, Refused
from harness.hosts.host import Reader
from harness.migration.memory import Memory
from harness.migration.mirror import JOURNAL


def require_known(pair: Iterable[Reader], memory: Memory) -> None:
    """The hosts are those of the run, as far as can be told: one that does not answer may be.

    Raises:
        Refused: neither has ever seen it.
    """
    if not any(entry.kind == "done" for entry in memory.present()):
        return  # nothing of it needs to have reached a host yet
    hosts = list(pair)
    if any(_may_have_seen_it(host) for host in hosts):
        return
    folder = memory.folder
    raise Refused(
        f"{' and '.join(host.name for host in hosts)} know nothing of this run, which changed hosts on "
        f"{memory.present()[0].date[:16].replace('T', ' ')}Z: they are not those that it was carried out on, or were "
        f"installed anew. If that is so, put the old run aside and type the same again: mv {folder} {folder}.old"
    )


def _may_have_seen_it(host: Reader) -> bool:
    try:
        return host.record(JOURNAL) is not None
    except HostError:
        return True
