"""Retiring: the only place where the old store and the staged copies are deleted, and what must be proven before.

The move keeps both. They are deleted by a command of its own, when the operator trusts the pair, and only while the
pair serves a store in which everything that was frozen is found again, read back from the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.errors import StepBlocked, Stopped, UnexpectedOutput
from harness.hosts.command import Command, Effect
from harness.hosts.host import Host, Reader
from harness.hosts.proof import Proof
from harness.migration import copies, jobs, proofs
from harness.migration.holding import Holding, compare
from harness.migration.outcome import PreflightRefused
from harness.migration.preflight.finding import Finding, error
from harness.migration.site import Site
from harness.migration.steps.start import not_on_device
from harness.systems import comparing, copying, files, mounts, store
from harness.systems.drbd import status

STEP = "retire"
_FEW = 5
_AGAIN = "walrus-ha retire"


@dataclass(frozen=True)
class Target:
    """What is to be deleted: on the original, by its recorded path; ``kib`` it takes now."""

    what: str  # staged copy, old store
    path: str
    kib: int


def recorded(site: Site[Reader]) -> list[tuple[str, str]]:
    """What the journal says that the move left, as kind and path, the copy that is worth less first."""
    memory = site.memory
    kept = (
        ("second staged copy", memory.fact("second-staging-was-free")),
        ("staged copy", memory.fact("staging-was-free")),
        ("old store", memory.fact("aside")),
    )
    return [(what, path) for what, path in kept if path and not memory.retired(path)]


def targets(site: Site[Reader]) -> list[Target]:
    """What of it is still there."""
    host = site.original
    return [
        Target(what, path, files.used_kib(host, path))
        for what, path in recorded(site)
        if files.stat(host, path) is not None
    ]


# Why not


def unfit(site: Site[Reader]) -> Finding | None:
    """Why the pair cannot be relied on now, None when it serves on both sides. Quick; asks every host."""
    if not site.memory.completed:
        what = "the move is not completed, and until then these are the copies to fall back on"
        return error("move-not-completed", site.original.name, what, "Finish it: walrus-ha migrate -i INVENTORY.")
    for host in site.pair:
        seen = status.status(host, site.settings.device)
        if seen is None or not seen.in_sync:
            what = f"the pair does not hold two complete copies: {seen or 'the resource is not up'}"
            return error("pair-not-whole", host.name, what, "Let DRBD connect and synchronise, then ask again.")
    states = {walrus.address: walrus.state for walrus in site.cloud.walruses(site.clc)}
    enabled = [host for host in site.pair if states.get(site.node(host).address) == "ENABLED"]
    start = "Start the services on both hosts and wait for one ENABLED Walrus."
    if len(enabled) != 1:
        what = f"{len(enabled)} of the two Walruses are ENABLED; one must serve the store from the pair"
        return error("nobody-serves", site.clc.name, what, start)
    missing = not_on_device(site, enabled[0])
    return error("nobody-serves", enabled[0].name, missing, start) if missing else None


def serving(site: Site[Host]) -> Host:
    """The host whose Walrus is ENABLED; only where ``unfit`` finds nothing."""
    states = {walrus.address: walrus.state for walrus in site.cloud.walruses(site.clc)}
    return next(host for host in site.pair if states.get(site.node(host).address) == "ENABLED")


def not_ours(site: Site[Reader], host: Reader, path: str) -> str | None:
    """Why a path is not, or not only, what the move left there; None when it is."""
    if path not in [known for _, known in recorded(site)]:
        return f"{host.name}: the journal knows of no copy at {path}"
    found = files.stat(host, path)
    if found is None or found.kind != "directory":
        return f"{host.name}: {path} is {found.kind if found else 'missing'} and no directory of ours"
    real = host.read(Command(("readlink", "-f", "--", path))).text.rstrip("\n")
    if real != path:
        return f"{host.name}: {path} leads to {real}"
    inside = [mount.at for mount in mounts.mounts(host) if f"{mount.at}/".startswith(f"{path}/")]
    if inside:
        return f"{host.name}: something is mounted at {inside[0]}"
    if files.room(host, path).device == site.settings.device:
        return f"{host.name}: {path} lies on {site.settings.device}, which the pair serves"
    return _unlike(site, host, path)


def _unlike(site: Site[Reader], host: Reader, path: str) -> str | None:
    """What lies there that was not frozen. Once deleting has begun less may be there, but nothing else."""
    frozen, listed = copies.frozen(site), store.listing(host, path)
    expected: Iterable[store.Entry] = frozen
    found: Iterable[store.Entry] = listed
    if site.memory.retiring(path):
        expected = (want for want, have in comparing.join(frozen, listed) if want and have)
        found = (_without_time(have, want) for want, have in comparing.join(frozen, listed) if have)
    said = comparing.differences(expected, found, by_listing=True, copied=path in site.staged_copies)
    return f"{host.name}: {path} is not as it was kept: {'; '.join(said[:_FEW])}" if said else None


def _without_time(entry: store.Entry, wanted: store.Entry | None) -> store.Entry:
    """Deleting from a directory changes its time, and deleting a link's fellow its set."""
    if wanted is None:
        return entry
    mtime = wanted.mtime if entry.kind == "directory" else entry.mtime
    return entry._replace(mtime=mtime, same_as=wanted.same_as)


@dataclass(frozen=True)
class Superseded:
    """The claim that a copy may go: it is exactly what the move left, and the pair holds and serves all of it."""

    site: Site[Reader]
    path: str
    held: Holding

    def __str__(self) -> str:
        return f"{self.path} is what the move left, and the pair serves the store: {self.held}"

    def denied(self, host: Reader) -> str | None:
        if found := unfit(self.site):
            return f"{found.host}: {found.message}"
        return self.held.fault() or not_ours(self.site, host, self.path)


# Deleting


class Retirement:
    """Deletes what the move left, one after the other, each with a proof of its own. Interrupted, it is run again."""

    def __init__(
        self, site: Site[Host], eyes: Site[Reader], tell: Callable[[str, str], None], may_be_gone: int
    ) -> None:
        self._site = site
        self._eyes = eyes
        self._tell = tell
        self._may_be_gone = may_be_gone

    def require_fit(self) -> list[Target]:
        """What there is to delete. READ commands only.

        Raises:
            PreflightRefused: saying why nothing may be deleted now.
        """
        if found := unfit(self._eyes):
            raise PreflightRefused((found,), _AGAIN)
        for _, path in recorded(self._eyes):
            if files.stat(self._eyes.original, path) is None:
                continue
            if why := not_ours(self._eyes, self._eyes.original, path):
                mend = "Look what it is; nothing that the move did not leave is deleted."
                raise PreflightRefused((error("copy-not-ours", self._eyes.original.name, why, mend),), _AGAIN)
        return targets(self._eyes)

    def run(self) -> list[Target]:
        """Read the store back from the pair, then delete; returns what was deleted.

        Raises:
            Stopped: the pair does not hold everything; nothing more was deleted.
        """
        host, memory = self._site.original, self._site.memory
        left = targets(self._eyes)
        self._tell("acting", f"read the store back from the pair, then delete {', '.join(one.path for one in left)}")
        held = self._holding() if left else None
        for what, path in recorded(self._eyes):
            if held is not None and files.stat(host, path) is not None:
                self._delete(path, held)
            memory.note("retired", STEP, path=path)
            self._tell("done", f"the {what} at {path} is gone")
        return left

    def _holding(self) -> Holding:
        """How much of what was frozen the serving side gives back from its disk.

        Raises:
            Stopped: something is missing or damaged, or changes too fast to be read.
        """
        host = serving(self._site)
        copying.drop_cached_pages(host, self._site.settings.store)
        try:
            found = copies.full_manifest(self._site, host, STEP, self._site.settings.store)
        except (StepBlocked, UnexpectedOutput) as moving:
            raise Stopped(
                f"the store on the pair could not be read in whole, perhaps clients write: {moving}"
            ) from moving
        held = compare(copies.frozen(self._site), found, self._may_be_gone)
        if why := held.fault():
            raise Stopped(f"{host.name}: {why}")
        return held

    def _delete(self, path: str, held: Holding) -> None:
        host, memory = self._site.original, self._site.memory
        command = Command(("rm", "-rf", "--one-file-system", "--", path), Effect.DESTROY)

        def prove() -> Proof:
            proof = proofs.proven(self._site, host, Superseded(self._eyes, path, held), command)
            if not memory.retiring(path):
                memory.note("retiring", STEP, path=path)
            return proof

        purpose = {self._site.staged_copy: "delete-staged", self._site.old_store: "delete-old"}.get(
            path, "delete-second"
        )
        result = jobs.run_job(self._site, host, STEP, purpose, command, prove=prove)
        jobs.succeed(host, command, result, f"{host.name}: {path} could not be deleted")
        if files.stat(host, path) is not None:
            raise StepBlocked(f"{host.name}: rm said that it was done, and {path} is still there")
        files.sync(host)
