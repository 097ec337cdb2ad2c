"""Taking over a run whose controller is lost: from what both hosts keep of it, under a new name that fences the first.

The hosts are the only witnesses. Which of them keeps more of the journal is decided by the chain of hashes alone: of
two, one must be the beginning of the other, and the longer one counts. What neither keeps has had no effect, since
every record was mirrored before the change that it announces; steps look at the world again in any case.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.clock import Clock
from harness.errors import CommandFailed, HostError, JournalDamaged, OperatorNeeded, Refused, Unreachable
from harness.hosts.command import Fence
from harness.hosts.host import Host, Reader
from harness.inventory import Inventory
from harness.migration.journal import Entry, Journal, flush_directory, parse, text_of
from harness.migration.memory import Memory, counting
from harness.migration.mirror import JOURNAL, manifest_on, mirrored
from harness.migration.outcome import PreflightRefused
from harness.migration.promise import broken, promised

NOBODY = "-"


@dataclass(frozen=True)
class Kept:
    """What one host keeps of a journal: its whole records, or why there are none."""

    host: str
    entries: tuple[Entry, ...]
    damage: str = ""


@dataclass(frozen=True)
class Claimable:
    """What can be taken over: the records that count, which run holds the hosts now, and how the hosts compare."""

    entries: tuple[Entry, ...]
    holder: str  # NOBODY when the run has given all hosts back
    comparison: str


def look(pair: Sequence[Reader], holders: dict[str, Fence]) -> Claimable:
    """What the hosts keep, and whether there is something to take over.

    Raises:
        Refused: there is nothing.
        OperatorNeeded: the hosts contradict each other, or what they keep is damaged.
    """
    held_by = sorted({fence.run_id for fence in holders.values()} - {NOBODY})
    if len(held_by) > 1:
        raise OperatorNeeded(f"the hosts are held by different runs: {', '.join(held_by)}")
    kept = [_kept(host) for host in pair]
    entries, comparison = chosen(kept)
    names = [entry.data["run_id"] for entry in entries if entry.kind in ("begun", "adopted")]
    if held_by and held_by[0] not in names:
        # Its first change would have been preceded by its journal: it has claimed the hosts and done nothing.
        return Claimable((), held_by[0], f"run {held_by[0]} had claimed the hosts and changed nothing")
    if not held_by and not any(entry.kind == "completed" for entry in counting(list(entries))):
        last = f"; the last one, {names[-1]}, has given them back" if names else ""
        raise Refused(f"no run holds these hosts{last}: there is nothing to adopt")
    return Claimable(entries, held_by[0] if held_by else NOBODY, comparison)


def _kept(host: Reader) -> Kept:
    try:
        content = host.record(JOURNAL)
        return Kept(host.name, tuple(parse(content or b"", f"{host.name}: the mirrored journal")[0]))
    except (CommandFailed, JournalDamaged) as damaged:
        return Kept(host.name, (), str(damaged))


def chosen(kept: Sequence[Kept]) -> tuple[tuple[Entry, ...], str]:
    """The longest journal, and how the hosts compare.

    Raises:
        OperatorNeeded: neither is the beginning of the other, or the only one that is whole is missing.
    """
    whole = [one for one in kept if not one.damage]
    if not whole:
        raise OperatorNeeded("; ".join(one.damage for one in kept))
    longest = max(whole, key=lambda one: len(one.entries))
    said = [f"{one.damage}, so it does not count" for one in kept if one.damage]
    for one in whole:
        if [entry.hash for entry in one.entries] != [entry.hash for entry in longest.entries[: len(one.entries)]]:
            raise OperatorNeeded(
                f"{one.host} and {longest.host} keep journals of which neither is the beginning of the other"
            )
        behind = len(longest.entries) - len(one.entries)
        said.append(f"{one.host} keeps {len(one.entries)} records{f', {behind} behind' if behind else ''}")
    if longest.entries == () and any(one.damage for one in kept):
        raise OperatorNeeded("; ".join(said))
    return longest.entries, "; ".join(said)


class Adoption:
    """The making of a run folder from what the hosts keep; nothing is there, or all of it."""

    def __init__(self, inventory: Inventory, folder: Path, clock: Clock, found: Claimable) -> None:
        self._inventory = inventory
        self._folder = folder
        self._clock = clock
        self._found = found

    def write(self, run_id: str, pair: Sequence[Host]) -> None:
        """Make the folder of the adopted run under its new name; durable when this returns.

        Raises:
            PreflightRefused: the inventory is not the one that the run was begun with.
            JournalDamaged: the frozen manifest is on neither host.
        """
        memory = Memory(Journal(self._folder, -1, list(self._found.entries)), self._folder, self._clock)
        if errors := tuple(broken(self._inventory, memory.promised)):
            raise PreflightRefused(errors)
        new = self._folder.with_name(f"{self._folder.name}.adopting")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True, mode=0o700)
        (new / "journal.jsonl").write_bytes(b"".join(map(text_of, self._found.entries)))
        with Journal.open(new) as journal:
            adopted = Memory(journal, new, self._clock)
            for name in dict.fromkeys(("frozen", adopted.frozen_as)):
                self._fetch_manifest(adopted, pair, name)
            if not self._found.entries:
                adopted.note("begun", run_id=self._found.holder, promised=promised(self._inventory))
            adopted.note("adopted", run_id=run_id)
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        os.rename(new, self._folder)
        flush_directory(self._folder.parent)

    def _fetch_manifest(self, memory: Memory, pair: Sequence[Host], name: str) -> None:
        digest, pieces = memory.fact(name), memory.fact(mirrored(name, "pieces"), 0)
        if digest is None or memory.fact(mirrored(name)) != digest:
            return
        said = []
        for host in pair:
            try:
                memory.take_manifest(manifest_on(host, pieces, name), name)
                if memory.frozen(name) is not None:
                    return
            except (HostError, JournalDamaged) as error:
                said.append(str(error))
        raise JournalDamaged("; ".join(said))


def holders_of(hosts: Sequence[Reader], may_be_away: str) -> dict[str, Fence]:
    """Who holds each host that answers; one may be away, and is not fenced then.

    Raises:
        HostError: another host does not answer.
    """
    found = {}
    for host in hosts:
        try:
            found[host.name] = host.holder()
        except Unreachable:
            if host.name != may_be_away:
                raise
    return found


def require_no_run(folder: Path) -> None:
    """This controller knows no run for the inventory yet.

    Raises:
        Refused: it does, and that one can be gone on with.
    """
    if (folder / "journal.jsonl").exists():
        raise Refused(
            f"this controller has a run for this inventory already, {folder.name}: look at it with `walrus-ha status "
            f"{folder.name}`, go on with `walrus-ha migrate -i INVENTORY`, or move {folder} away first"
        )
