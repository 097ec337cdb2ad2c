"""Who runs the shares of a sweep: processes of this machine, or a Dask cluster. The result is the same."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, Protocol

from harness.errors import InvalidInput, LabError
from harness.trials.sweep.forking import SliceResult
from harness.trials.sweep.slices import Spec, run_share

SHARES = {1: 8, 2: 32}  # by depth; always as many: what a share learns on its way is the same whoever runs it
LONGEST_SHARE_S = 3600.0


class Executor(Protocol):
    """Runs shares, and yields each with its number when it is done, in any order."""

    def run(self, spec: Spec, shares: int) -> Iterator[tuple[int, SliceResult]]: ...


class Processes:
    """So many processes of this machine at once."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def run(self, spec: Spec, shares: int) -> Iterator[tuple[int, SliceResult]]:
        with ProcessPoolExecutor(min(self._jobs, shares), get_context("spawn")) as pool:
            running = {pool.submit(run_share, spec, number, shares): number for number in range(shares)}
            for done in as_completed(running, timeout=LONGEST_SHARE_S):
                yield running[done], done.result()


class Dask:
    """A Dask cluster: one task a share."""

    def __init__(self, scheduler: str) -> None:
        self._scheduler = scheduler

    def run(self, spec: Spec, shares: int) -> Iterator[tuple[int, SliceResult]]:
        client_class, in_order_of_end = _distributed()
        with client_class(self._scheduler, timeout=30) as client:
            running = {
                client.submit(run_share_apart, spec, number, shares, pure=False): number for number in range(shares)
            }
            for done in in_order_of_end(list(running), timeout=LONGEST_SHARE_S):
                yield running[done], done.result()


def _distributed() -> tuple[Callable[..., Any], Callable[..., Iterable[Any]]]:
    try:
        from dask.distributed import Client, as_completed
    except ImportError as missing:
        raise InvalidInput(
            f"--executor dask needs the extra `cluster`: pip install 'walrus-ha[cluster]' ({missing})"
        ) from None
    return Client, as_completed


def run_share_apart(spec: Spec, number: int, of: int) -> SliceResult:
    """Run a share in a process of its own: a worker of a cluster has threads, and must not be copied."""
    argv = [sys.executable, "-m", "harness.trials.sweep.executor"]
    task = pickle.dumps((spec, number, of))
    ended = subprocess.run(argv, input=task, capture_output=True, timeout=LONGEST_SHARE_S, check=False)
    if ended.returncode != 0:
        raise LabError(f"share {number} of {of} failed: {ended.stderr.decode(errors='replace')[-2000:]}")
    result: SliceResult = pickle.loads(ended.stdout)
    return result


def _main() -> None:
    spec, number, of = pickle.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(pickle.dumps(run_share(spec, number, of)))


if __name__ == "__main__":
    _main()
