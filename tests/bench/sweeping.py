"""How many trials a second a sweep runs, and in how much memory."""

from __future__ import annotations

import resource
from collections.abc import Iterator

from harness.trials.sweep.executor import Processes
from harness.trials.sweep.slices import Spec, small_start
from harness.trials.sweep.sweep import sweep
from tests.bench.figure import Figure

_JOBS = 2
_MIB = 1024**2


def measure() -> Iterator[Figure]:
    """Every fault at every command of the engine."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = sweep(Spec(small_start()), Processes(_JOBS))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    swept = f"sweep at depth {report.depth}, {_JOBS} processes"
    yield Figure(f"{swept}: {report.run} of {report.enumerated} trials", report.seconds, 20.0)
    yield Figure(f"{swept}: processor time", cpu_s)
    rate = report.trials_per_second
    yield Figure(f"{swept}: trials a second", rate, 400, "", at_least=True, name="trials_per_second")
    # Of one process; each has at most one copy at a time, which shares nearly all of it.
    peak_mib = after.ru_maxrss * 1024 * _JOBS * 2 / _MIB
    yield Figure(f"{swept}: memory of all at most", peak_mib, 1024, "MiB", name="sweep_peak_memory_mib")
