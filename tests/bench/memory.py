"""How much memory the engine takes for a store of so many objects, which it lists, hashes, freezes, mirrors, compares.

Each size is measured in a process of its own. The engine and its ways to a host are the real ones; the programs that
answer are those of ``huge``, which print what a host with that many objects would.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.hosts.host import Host
from harness.migration import ahead, copies, hashing
from harness.migration.journal import Journal
from harness.migration.mirror import Mirror
from harness.migration.site import Site
from harness.migration.steps.difference import FreezeChanged
from tests.bench import here, huge
from tests.bench.figure import Figure

FEW, MANY = 100_000, 1_000_000
_PROGRAMS = ("find", "xargs", "du", "cp", "rsync", "sync", "sysctl", "getfattr", "nice", "ionice")
MOST_MIB, MOST_GROWTH = 200, 1.2
_BOUND_S = 900.0


def measure() -> Iterator[Figure]:
    """The peak at either size, and how the larger one compares with the smaller."""
    few, many = in_a_process(FEW), in_a_process(MANY)
    yield Figure(f"the engine's memory with {FEW} objects", few["peak_mib"], MOST_MIB, "MiB")
    peak = many["peak_mib"]
    yield Figure(f"the engine's memory with {MANY} objects", peak, MOST_MIB, "MiB", name="engine_peak_memory_mib")
    yield Figure(
        f"the engine's memory with {MANY} objects to that with {FEW}",
        peak / few["peak_mib"],
        MOST_GROWTH,
        "",
        name="engine_memory_growth",
    )
    yield Figure(f"all that it does with {MANY} objects", many["seconds"])


def in_a_process(objects: int) -> dict[str, float]:
    argv = [sys.executable, "-m", "tests.bench.memory", str(objects)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=_BOUND_S)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def peak_mib() -> float:
    """The most that this process has held since it began; not what the one that started it had."""
    said = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert said is not None, "the kernel tells no peak of a process"
    return int(said[1]) / 1024


def _install(folder: Path, objects: int) -> None:
    """Let this process's shells find the programs of ``huge`` before the real ones."""
    for name in _PROGRAMS:
        # nice and ionice are on the way to xargs only.
        words = ['while [ "$1" != xargs ]; do shift; done', 'exec "$@"'] if name in ("nice", "ionice") else []
        run = f'exec {sys.executable} -I -S {Path(huge.__file__)} {name} {objects} "$@"'
        (folder / name).write_text("\n".join(["#!/bin/sh", *(words or [run]), ""]))
        (folder / name).chmod(0o755)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"


def _works(site: Site[Host]) -> Iterator[tuple[str, Callable[[], object]]]:
    """What the engine does with the whole store in a move, of either strategy; each kind of work once."""
    settings = site.settings
    mirror = Mirror(site.pair, site.memory, site.clock)
    yield "hash the served store", lambda: hashing.read_changed(site, "copy-ahead", ahead.store_tree(site))
    yield "how far the device is behind", lambda: ahead.difference(site)
    yield "freeze", lambda: FreezeChanged().apply(site)
    yield "mirror", mirror.flush
    yield (
        "copy and verify",
        lambda: copies.copy_and_verify(site, site.original, "stage-store", settings.store, site.staged_copy),
    )


def main(objects: int) -> int:
    """Do all of it, and say what it took."""
    with tempfile.TemporaryDirectory(prefix="walrus-ha-bench-") as name:
        folder = Path(name)
        (folder / "programs").mkdir()
        _install(folder / "programs", objects)
        (folder / "run").mkdir()
        began = time.monotonic()
        with Journal.open(folder / "run") as journal:
            settings = here.settings_for(folder)
            for place in (settings.store, f"{settings.staging}/store", f"{settings.store}.on-device"):
                Path(place).mkdir(parents=True)
            site = here.site_in(folder, journal)
            site.memory.remember("filesystem", "a")
            for what, work in _works(site):
                started = time.monotonic()
                work()
                print(f"{what}: {time.monotonic() - started:.1f} s, {peak_mib():.1f} MiB", file=sys.stderr, flush=True)
        print(json.dumps({"peak_mib": peak_mib(), "seconds": time.monotonic() - began}))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
