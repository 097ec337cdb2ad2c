"""Who runs the shares of a sweep: processes of this machine, or a Dask cluster. The result is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Protocol

from harness.errors import InvalidInput
from harness.trials.sweep.forking import SliceResult
from harness.trials.sweep.slices import Plan, Spec
from harness.trials.sweep.workers import LONGEST_SHARE_S, Task, begun, run_on_workers

SHARES = {1: 8, 2: 32}  # by depth; always as many: what a share learns on its way is the same whoever runs it

Run = Callable[[Spec, Plan], Iterator[tuple[int, SliceResult]]]


class Executor(Protocol):
    """Runs shares, and yields each with its number when it is done, in any order."""

    def ready(self, shares: int) -> AbstractContextManager[Run]:
        """What runs so many shares; it makes itself ready while the plan is not there yet."""
        ...


class Processes:
    """So many processes of this machine at once."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    @contextmanager
    def ready(self, shares: int) -> Iterator[Run]:
        with begun(min(self._jobs, shares)) as workers:
            yield lambda spec, plan: run_on_workers([Task(spec, plan, one, shares) for one in range(shares)], workers)


class Dask:
    """A Dask cluster: one task a share."""

    def __init__(self, scheduler: str) -> None:
        self._scheduler = scheduler

    @contextmanager
    def ready(self, shares: int) -> Iterator[Run]:
        yield partial(self._run, shares)

    def _run(self, shares: int, spec: Spec, plan: Plan) -> Iterator[tuple[int, SliceResult]]:
        client_class, in_order_of_end = _distributed()
        with client_class(self._scheduler, timeout=30) as client:
            running = {
                client.submit(run_share_apart, spec, plan, number, shares, pure=False): number
                for number in range(shares)
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


def run_share_apart(spec: Spec, plan: Plan, number: int, of: int) -> SliceResult:
    """Run a share in a process of its own: a worker of a cluster has threads, and must not be copied."""
    with begun(1) as workers:
        ((_, result),) = run_on_workers([Task(spec, plan, number, of)], workers)
    return result
