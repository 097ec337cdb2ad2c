"""Copies that are believed only after they were read back from the disk and compared with the frozen manifest."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import CommandFailed, StepBlocked, TimedOut
from harness.hosts.host import Host, Reader
from harness.migration.jobs import LONGEST_JOB_S, RateChanged, run_job, succeed, uncollected
from harness.migration.site import Site
from harness.systems import comparing, copying, files, hashers, store

BAD_COPY = "bad-copy:"  # of a staged copy, by its path: what did not come out of it whole
_FAILED = (StepBlocked, CommandFailed, TimedOut)
_ROUNDS = 3
_EMPTY_SHARE = 0.02  # of the source's space: a file system takes as much for itself
_SLOWEST_HASHING_BYTES_PER_S = 2 * 1024 * 1024


def frozen(site: Site[Reader]) -> store.Manifest:
    """The frozen manifest; a programming error before it was taken."""
    manifest = site.memory.frozen()
    assert manifest is not None, "nothing may be copied before the manifest is frozen"
    return manifest


def full_manifest(site: Site[Host], host: Host, step: str, root: str, purpose: str = "hash") -> store.Manifest:
    """Every entry below ``root`` with hash and extended attributes.

    Raises:
        StepBlocked: when a file cannot be read; the message holds its name.
        UnexpectedOutput: when a file that is listed was not read.
    """
    listed = store.listing(host, root)
    command = hashers.hash_command(root, hashers.hasher_of(host))
    bound_s = site.settings.waits.stall + store.total_bytes(listed) / _SLOWEST_HASHING_BYTES_PER_S
    result = run_job(site, host, step, purpose, command, bound_s=bound_s)
    succeed(host, command, hashers.plainly(result), f"{host.name}: cannot read every object below {root}")
    hashes = store.hashes_in_order(result.pieces(), root)
    return store.manifest(store.complete(listed, hashes, store.extended_attributes(host, root)))


def require_read_back(site: Site[Host], host: Host, step: str, root: str, purpose: str) -> None:
    """A copy, read back from the disk now, equals the frozen manifest.

    Raises:
        StepBlocked: naming what differs.
    """
    if not listed_as_frozen(site, host, root):  # before hours of reading
        raise StepBlocked(f"{host.name}: {root} does not list as it was frozen")
    copying.drop_cached_pages(host, root)
    if said := comparing.differences(frozen(site), full_manifest(site, host, step, root, purpose), copied=True):
        raise StepBlocked(f"{host.name}: {root} is not the frozen store any more: {_few(said)}")


def copy_from_any(site: Site[Host], host: Host, step: str, sources: Sequence[str], destination: str) -> None:
    """As ``copy_and_verify``, from the first of several copies that gives the frozen store; one that does not is noted.

    Raises:
        StepBlocked: none of them does.
    """
    troubles: list[str] = []
    for source in sources:
        try:
            if not listed_as_frozen(site, host, source):
                raise StepBlocked(f"{host.name}: {source} does not list as it was frozen")
            return copy_and_verify(site, host, step, source, destination, by_content=bool(troubles))
        except _FAILED as trouble:
            troubles.append(str(trouble))
            _note_if_bad(site, host, step, source)
    raise StepBlocked("; ".join(troubles))


def _note_if_bad(site: Site[Host], host: Host, step: str, source: str) -> None:
    """A copy that nothing came of may be good all the same, and the place full; read, it tells."""
    try:
        require_read_back(site, host, step, source, "read-source")
    except _FAILED as bad:
        site.memory.remember(f"{BAD_COPY}{source}", str(bad))


def copy_and_verify(
    site: Site[Host],
    host: Host,
    step: str,
    source: str,
    destination: str,
    base: str | None = None,
    by_content: bool = False,
) -> None:
    """Copy a tree and prove, by reading it back from stable storage, that it equals the frozen manifest.

    Objects that were read back with other content are copied again, a bounded number of times. What lies below ``base``
    with equal size, time, owner and mode is not copied but linked to; it is read back all the same.

    Raises:
        StepBlocked: the copy failed, the source is not what was frozen, or differences remain.
    """
    said: list[str] = []
    for again in range(_ROUNDS):
        _copy(site, host, step, source, destination, by_content or bool(again), base)
        copying.drop_cached_pages(host, destination)
        listed_at_s = site.clock.now()
        said = comparing.differences(frozen(site), full_manifest(site, host, step, destination), copied=True)
        if not said:
            return site.memory.saw_as_frozen(destination, listed_at_s)
        require_unchanged(site, host, source, copied=source in site.staged_copies)
    raise StepBlocked(f"{host.name}: {destination} differs from the frozen store after {_ROUNDS} copies: {_few(said)}")


def _copy(
    site: Site[Host], host: Host, step: str, source: str, destination: str, by_content: bool, base: str | None
) -> None:
    """Copy at the rate that counts; when another one is ordered, what was copied stays and the rest follows at that."""
    with_rsync = copying.has_rsync(host)
    # To where nothing is, cp copies the same in less time; what it left, if it is ended, rsync goes on with.
    at_once = not with_rsync or (not by_content and _is_first(site, host, step, destination))
    old_cp = False
    measure, measured, bound_s = files.share_copied(host, source, destination), not by_content, LONGEST_JOB_S
    if not with_rsync:
        # It writes over what an interrupted copy has left: then what is there does not say how far it is.
        whole, there = max(1, files.used_kib(host, source)), files.used_kib(host, destination)
        measured = there < whole * _EMPTY_SHARE
        bound_s = site.settings.waits.stall + whole * 1024 / _SLOWEST_HASHING_BYTES_PER_S
    while True:
        rate = site.copy_rate_kib_s if with_rsync else None
        if at_once and not rate:  # without rsync it keeps its rate: it would begin anew
            command = copying.cp_command(source, destination, old_cp)
        else:
            command = copying.copy_command(source, destination, rate or None, by_content, base)
        try:
            result = run_job(site, host, step, "copy", command, measure if measured else None, bound_s, rate)
        except RateChanged:
            at_once = False
            continue
        if not old_cp and copying.is_old_cp(result):  # it has done nothing
            old_cp = True
            continue
        return succeed(host, command, result, f"{host.name}: copying {source} to {destination} failed")


def _is_first(site: Site[Host], host: Host, step: str, destination: str) -> bool:
    """Nothing was copied there yet, no copy is under way, and the source is no device's root with its lost+found."""
    if site.settings.reuse_device or site.memory.reversing or uncollected(site, step, "copy") is not None:
        return False
    return set(files.children(host, destination)) <= {store.LOST_AND_FOUND}


def require_unchanged(site: Site[Reader], host: Reader, root: str, copied: bool = False) -> store.Printed:
    """The tree still lists as it was frozen: names, sizes, owners, modes, times; ``copied`` says that it is a copy.

    One that lists to the byte as when it was proven is not compared again.

    Raises:
        StepBlocked: naming what changed.
    """
    printed = store.printed(host, root)
    if site.memory.lists_as_noted(printed.digest()):
        return printed
    if said := comparing.differences(frozen(site), printed.entries(), by_listing=True, copied=copied):
        raise StepBlocked(f"{host.name}: {root} is not as it was frozen: {_few(said)}")
    return printed


def listed_as_frozen(site: Site[Reader], host: Reader, root: str) -> bool:
    """True when the tree, a copy, exists and lists as it was frozen."""
    if files.stat(host, root) is None:
        return False
    return not comparing.differences(frozen(site), store.listed_once(host, root), by_listing=True, copied=True)


def known_as_frozen(site: Site[Reader], host: Reader, root: str) -> bool:
    """As ``listed_as_frozen``; what this process has just seen so is not listed again."""
    return site.memory.just_saw_as_frozen(root) or listed_as_frozen(site, host, root)


def _few(said: list[str]) -> str:
    more = f" and {len(said) - 5} more" if len(said) > 5 else ""
    return "; ".join(said[:5]) + more
