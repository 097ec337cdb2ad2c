"""Copying ahead: bringing the device up to a store that Walrus goes on changing, and knowing how far behind it is.

An entry is in step when both sides list it alike and the hashes of both, each read since the file last changed, are
equal. Everything else is the difference, which the window has to copy and to read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from harness.errors import StepBlocked
from harness.hosts.command import Command, Result
from harness.hosts.host import Host, Reader
from harness.inventory import bytes_per_s
from harness.migration import hashing
from harness.migration.hashing import Tree
from harness.migration.jobs import LONGEST_JOB_S, RateChanged, run_job, succeed
from harness.migration.site import Site
from harness.systems import comparing, copying, files, store

_PASSES_OF_A_FILE = 3  # it is read, written, and read back
_ENTRY_S = 0.002  # to list and look at an entry, however small it is
_SETTLE_S = 3.0  # until what a copy has just written is old enough for its hash to be remembered
_MOST_NAMES = 20_000
_SLOWEST_BYTES_PER_S = 2 * 1024 * 1024
_VANISHED, _PARTIAL = 24, 23  # rsync's words for a store that changes while it is copied


def store_tree(site: Site[Reader], live: bool = True) -> Tree:
    """The store where Walrus serves it."""
    return Tree("store", site.settings.store, live)


def device_tree(site: Site[Reader], root: str, live: bool = True) -> Tree:
    """The copy on the device, wherever that is mounted; hashes of another file system say nothing of it."""
    return Tree(f"device-{site.memory.fact('filesystem')}", root, live)


class Difference(NamedTuple):
    """What is not in step, and how long the window would take for it."""

    entries: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.entries} entries with {self.bytes} bytes, about {self.seconds:.1f} s in the window"


def difference(site: Site[Host] | Site[Reader]) -> Difference:
    """What of the store is not in step on the device, as both are listed now; reads no content."""
    unlike = [0, 0]
    for want, have in comparing.join(*_both(site)):
        if not _in_step(want, have):
            unlike[0] += 1
            unlike[1] += want.size if want else 0
    entries, size = unlike
    rate = bytes_per_s(site.settings.disk_rate)
    return Difference(entries, size, _PASSES_OF_A_FILE * size / rate + entries * _ENTRY_S)


def _in_step(want: store.Entry | None, have: store.Entry | None) -> bool:
    if want is None or have is None:
        return False
    unread = want.kind == "file" and not want.sha256
    return not unread and not comparing.differences([want], [have], copied=True)


def copy_round(site: Site[Host], step: str) -> None:
    """Copy what differs, then read what changed on both sides; others go on changing the store meanwhile."""
    wanted, found = _both(site)
    copy(site, step, site.settings.store, site.ahead, live=True)
    copy_by_name(site, step, site.settings.store, site.ahead, hidden(wanted, found), live=True)
    set_times(site, site.settings.store, *_both(site))
    read_both(site, step)


def read_both(site: Site[Host], step: str) -> None:
    """Read what changed on both sides, the device's from the disk and not from memory."""
    hashing.read_changed(site, step, store_tree(site))
    copying.drop_cached_pages(site.original, site.ahead)
    site.clock.sleep(_SETTLE_S)
    hashing.read_changed(site, step, device_tree(site, site.ahead))


def _both(site: Site[Host] | Site[Reader]) -> tuple[store.Manifest, store.Manifest]:
    """The served store and its copy as they list now, with the hashes that hold."""
    original = store.look(site.original, site.settings.store, live=True)
    copied = store.look(site.original, site.ahead)
    wanted = hashing.known(site, store_tree(site), original)
    found = hashing.known(site, device_tree(site, site.ahead), copied)
    return store.manifest(wanted), store.manifest(found)


def hidden(wanted: store.Manifest, found: Iterable[store.Entry]) -> list[bytes]:
    """Names of files that are unlike although rsync's quick look calls them equal, with all names of each."""
    unlike = {
        want.path: want.same_as for want, have in comparing.join(wanted, found) if want and have and _hides(want, have)
    }
    sets = set(unlike.values()) - {b""}
    if not unlike:
        return []
    return [want.path for want in wanted if want.path in unlike or (want.same_as and want.same_as in sets)]


def _hides(want: store.Entry, have: store.Entry) -> bool:
    """Size and second are equal, and content or time are not."""
    if (want.kind, have.kind) != ("file", "file") or not want.sha256:
        return False
    if (have.size, have.mtime.partition(".")[0]) != (want.size, want.mtime.partition(".")[0]):
        return False
    return bool(have.sha256 and have.sha256 != want.sha256) or not comparing.same_time(want.mtime, have.mtime)


def set_times(site: Site[Host], source: str, wanted: Iterable[store.Entry], found: Iterable[store.Entry]) -> None:
    """Times of directories that rsync calls equal, since they differ by less than a second."""
    for want, have in comparing.join(wanted, found):
        if not want or not have or not want.path or (want.kind, have.kind) != ("directory", "directory"):
            continue
        same_second = want.mtime.partition(".")[0] == have.mtime.partition(".")[0]
        if same_second and not comparing.same_time(want.mtime, have.mtime):
            name = os.fsdecode(want.path)
            site.original.attempt(copying.same_time_command(f"{source}/{name}", f"{site.ahead}/{name}"))


def copy(site: Site[Host], step: str, source: str, destination: str, live: bool) -> None:
    """rsync the tree at the rate that counts; what is gone from the source goes from the copy."""
    measure = files.share_copied(site.original, source, destination)
    while True:
        rate = site.copy_rate_kib_s
        command = copying.copy_command(source, destination, rate or None)
        if live:
            command = copying.gently(command)
        try:
            result = run_job(site, site.original, step, "copy", command, measure, rate_kib_s=rate)
        except RateChanged:
            continue
        return _require_copied(site, command, result, {_VANISHED} if live else set())


def copy_by_name(
    site: Site[Host], step: str, source: str, destination: str, names: list[bytes], live: bool, size: int | None = None
) -> None:
    """Copy these whatever their sizes and times say; with their ``size`` the time that it may take is bounded by it."""
    if not names:
        return
    bound_s = LONGEST_JOB_S
    if size is not None:
        slowest = min(_SLOWEST_BYTES_PER_S, site.copy_rate_kib_s * 1024 or _SLOWEST_BYTES_PER_S)
        bound_s = site.settings.waits.stall + size / slowest
    command = copying.copy_names_command(source, destination, names, site.copy_rate_kib_s or None)
    result = run_job(site, site.original, step, "copy-names", command, bound_s=bound_s)
    _require_copied(site, command, result, {_VANISHED, _PARTIAL} if live else set())


def _require_copied(site: Site[Host], command: Command, result: Result, excused: set[int]) -> None:
    if result.exit_status not in excused:
        succeed(site.original, command, result, f"{site.original.name}: copying to the device failed")


def _lists_in_step(want: store.Entry | None, have: store.Entry | None) -> bool:
    """As far as the hashes tell that are known; attributes are read when the copy is proven."""
    if want is None or have is None:
        return False
    return not comparing.differences([want], [have._replace(xattrs=want.xattrs)], copied=True)


def _copy_what_differs(
    site: Site[Host], step: str, source: str, frozen: store.Manifest, found: store.Manifest, whole: bool
) -> None:
    """Bring the device up to the frozen store: by name where that is enough, otherwise by going through both trees."""
    names = None if whole else _by_name(frozen, found)
    if names is not None:
        size = sum(entry.size for entry in frozen if entry.path in names)
        copy_by_name(site, step, source, site.ahead, sorted(names), live=False, size=size)
        return
    copy(site, step, source, site.ahead, live=False)
    copy_by_name(site, step, source, site.ahead, hidden(frozen, found), live=False)
    set_times(site, source, frozen, store.listing(site.original, site.ahead))


def _by_name(frozen: store.Manifest, found: store.Manifest) -> set[bytes] | None:
    """What the device lacks, with all names of each file; None where something has to go, or it is too much."""
    names: set[bytes] = set()
    sets: set[bytes] = set()
    for want, have in comparing.join(frozen, found):
        if _lists_in_step(want, have):
            continue
        if want is None or not want.path or (have and have.kind != want.kind) or len(names) >= _MOST_NAMES:
            return None
        names.add(want.path)
        sets |= {want.same_as, have.same_as if have else b""} - {b""}
    if sets:
        names |= {want.path for want in frozen if want.same_as in sets}
    return names


def copy_difference(site: Site[Host], step: str, source: str, rounds: int) -> None:
    """Copy the last difference of the stopped store, and prove that the device holds what was frozen.

    Raises:
        StepBlocked: differences remain.
    """
    frozen = site.memory.frozen()
    assert frozen is not None, "nothing is copied for good before the manifest is frozen"
    tree = device_tree(site, site.ahead, live=False)
    said: list[str] = []
    listed_at_s, printed = site.clock.now(), store.printed(site.original, site.ahead)
    found = store.manifest(hashing.known(site, tree, printed.listed))
    in_step = all(_lists_in_step(want, have) for want, have in comparing.join(frozen, found))
    for number in range(rounds):
        if not in_step or number or not hashing.all_known(site, tree, printed.listed):
            _copy_what_differs(site, step, source, frozen, found, whole=bool(number))
            copying.drop_cached_pages(site.original, site.ahead)
            listed_at_s, printed = site.clock.now(), store.printed(site.original, site.ahead)
        found = hashing.read_stopped(site, step, tree, printed)
        said = comparing.differences(frozen, found, copied=True)
        if not said:
            site.memory.note_listing(printed.digest(), tree.name)
            return site.memory.saw_as_frozen(site.ahead, listed_at_s)
    more = f" and {len(said) - 5} more" if len(said) > 5 else ""
    raise StepBlocked(f"{site.original.name}: {site.ahead} differs from the frozen store: {'; '.join(said[:5])}{more}")
