"""What a proven copy costs beside ``cp`` and ``sha256sum``, and how soon an interrupted one goes on."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fakes import seeding
from harness.hosts.host import Host
from harness.migration import copies
from harness.migration.journal import Journal
from harness.migration.site import Site, readable
from harness.migration.steps.freeze import FreezeManifest
from harness.migration.steps.stage import StageStore
from tests.bench import here
from tests.bench.figure import Figure, timed

_ROUNDS = 3
_OBJECTS, _BYTES = 5_000, 512 * 1024**2
_MOST_RATIO = 1.5
_VERIFIED, _A_BUCKET = 100_000, 1_000
_MOST_RESUME_S = 5.0
_BOUND_S = 900.0
_LOOK_S = 0.02


def measure() -> Iterator[Figure]:
    """Both, in temporary folders of this machine."""
    yield from proven_copy()
    yield from resumed_copy()


def proven_copy(objects: int = _OBJECTS, size: int = _BYTES) -> Iterator[Figure]:
    """The same data in turns: freezing, copying and proving as the engine does; and cp, a flush and one reading."""
    plain: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory(prefix="walrus-ha-bench-") as name:
        folder = Path(name)
        store = _seeded(folder, objects, size)
        for number in range(_ROUNDS):
            with timed(plain):
                _cp_flush_and_read(store, folder / "plain")
            shutil.rmtree(folder / "plain")
            with Journal.open(folder / f"run{number}") as journal:
                site = here.site_in(folder, journal, number + 1)
                with timed(ours):
                    _freeze_copy_and_prove(site)
            shutil.rmtree(folder / "staging" / "store")
    of = f"{objects} objects, {size // 1024**2} MiB"
    yield Figure(f"cp, flush, sha256sum of both sides: {of}", statistics.median(plain))
    yield Figure(f"freeze, copy and prove: {of}", statistics.median(ours))
    ratio = statistics.median(ours) / statistics.median(plain)
    yield Figure("a proven copy, as a multiple of cp and sha256sum", ratio, _MOST_RATIO, "", name="copy_verify_ratio")


def _seeded(folder: Path, objects: int, size: int) -> Path:
    store = folder / "store"
    store.mkdir()
    me = store.stat()
    seeding.materialise_on_disk(str(store), seeding.plan_store(objects, size, 7, False), me.st_uid, me.st_gid)
    (folder / "staging").mkdir()
    return store


def _cp_flush_and_read(store: Path, copy: Path) -> None:
    copy.mkdir()
    _run("cp", "-R", "--preserve", str(store), f"{copy}/")
    _run("sync")
    _run("find", str(store), str(copy), "-type", "f", "-exec", "sha256sum", "-b", "--", "{}", "+")


def _freeze_copy_and_prove(site: Site[Host]) -> None:
    """Reads both sides once too: the store before the copy, and the copy from the disk."""
    FreezeManifest().apply(site)
    Path(site.staged_copy).mkdir(parents=True)
    copies.copy_and_verify(site, site.original, "stage-store", site.settings.store, site.staged_copy)


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, timeout=_BOUND_S)


def resumed_copy(verified: int = _VERIFIED) -> Iterator[Figure]:
    """An engine that comes back to a copy of which all but the last object is there, until that object appears."""
    with tempfile.TemporaryDirectory(prefix="walrus-ha-bench-") as name:
        folder = Path(name)
        last = _many_small(folder, verified)
        with Journal.open(folder / "run") as journal:
            site = here.site_in(folder, journal)
            FreezeManifest().apply(site)
            site.memory.remember("staging-was-free", site.staged_copy)
            _run("cp", "-a", site.settings.store, site.settings.staging)
        copied = Path(site.staged_copy) / last
        copied.unlink()
        with Journal.open(folder / "run") as journal:
            site = here.site_in(folder, journal, 2)
            taken = _until(copied, lambda: _resume(site))
    said = f"from resuming a copy of {verified} verified objects to the first new byte"
    yield Figure(said, taken, _MOST_RESUME_S, name="resume_s")


def _many_small(folder: Path, objects: int) -> Path:
    """So many objects and one more, the last, whose path below the store is returned."""
    store = folder / "store"
    (folder / "staging").mkdir()
    for bucket in range(-(-objects // _A_BUCKET)):
        place = store / f"bucket{bucket:05d}"
        place.mkdir(parents=True)
        for number in range(min(_A_BUCKET, objects - bucket * _A_BUCKET)):
            (place / f"{number:05d}").write_bytes(b"%d/%d" % (bucket, number))
    (store / "z").mkdir()
    (store / "z" / "last").write_bytes(b"new")
    return Path("z", "last")


def _resume(site: Site[Host]) -> None:
    """What the loop does from the frozen manifest on: look, and act where something is to be done."""
    assert FreezeManifest().inspect(readable(site)), "the store is as it was frozen"
    StageStore().inspect(readable(site))
    StageStore().apply(site)


def _until(there: Path, work: Callable[[], None]) -> float:
    """Seconds from the beginning of the work until a file with content is there; the work goes on to its end."""
    began, seen = time.perf_counter(), list[float]()
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set() and not seen:
            if any(one.stat().st_size for one in there.parent.glob(f"*{there.name}*")):
                seen.append(time.perf_counter() - began)
            ended.wait(_LOOK_S)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        ended.set()
        watcher.join()
    assert seen, "the object that was lacking was copied"
    return seen[0]
