"""Who runs the shares of a sweep: processes of this machine, or a Dask cluster. The result is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from harness.errors import InvalidInput
from harness.trials.sweep.forking import SliceResult
from harness.trials.sweep.relay import Relay
from harness.trials.sweep.workers import LONGEST_SHARE_S, begun, run_alone, run_on_workers

Run = Callable[[Relay], Iterator[tuple[int, SliceResult]]]


class Executor(Protocol):
    """Runs all shares of a relay, and yields each with its number when it is done, in any order."""

    def ready(self, at_once: int) -> AbstractContextManager[Run]:
        """What runs a relay's shares, so many at once at most; it makes itself ready while there is no plan yet."""
        ...


class Processes:
    """So many processes of this machine at once."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    @contextmanager
    def ready(self, at_once: int) -> Iterator[Run]:
        with begun(min(self._jobs, at_once)) as workers:
            yield lambda relay: run_on_workers(relay, workers)


class Dask:
    """A Dask cluster: one task a share."""

    def __init__(self, scheduler: str) -> None:
        self._scheduler = scheduler

    @contextmanager
    def ready(self, at_once: int) -> Iterator[Run]:
        yield self._run

    def _run(self, relay: Relay) -> Iterator[tuple[int, SliceResult]]:
        client_class, in_order_of_end = _distributed()
        with client_class(self._scheduler, timeout=30) as client:
            running = in_order_of_end(timeout=LONGEST_SHARE_S * relay.of)
            numbers: dict[str, int] = {}  # by key of the task
            for _ in range(relay.of):
                while task := relay.next():
                    submitted = client.submit(run_alone, task, pure=False)
                    numbers[submitted.key] = task.number
                    running.add(submitted)
                done = next(running)
                number, share = numbers[done.key], done.result()
                relay.done(number, share)
                yield number, share


def _distributed() -> tuple[Callable[..., Any], Callable[..., Any]]:
    try:
        from dask.distributed import Client, as_completed
    except ImportError as missing:
        raise InvalidInput(
            f"--executor dask needs the extra `cluster`: pip install 'walrus-ha[cluster]' ({missing})"
        ) from None
    return Client, as_completed
