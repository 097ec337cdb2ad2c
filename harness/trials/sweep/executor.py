"""Who runs the shares of a sweep: processes of this machine, or a Dask cluster. The result is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from harness.errors import InvalidInput
from harness.trials.sweep.forking import SliceResult
from harness.trials.sweep.relay import Relay
from harness.trials.sweep.workers import LONGEST_SHARE_S, run_alone, run_on_workers


class Executor(Protocol):
    """Runs all shares of a relay, and yields each with its number when it is done, in any order."""

    def run(self, relay: Relay) -> Iterator[tuple[int, SliceResult]]: ...


class Processes:
    """So many processes of this machine at once."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def run(self, relay: Relay) -> Iterator[tuple[int, SliceResult]]:
        return run_on_workers(relay, self._jobs)


class Dask:
    """A Dask cluster: one task a share."""

    def __init__(self, scheduler: str) -> None:
        self._scheduler = scheduler

    def run(self, relay: Relay) -> Iterator[tuple[int, SliceResult]]:
        client_class, in_order_of_end = _distributed()
        with client_class(self._scheduler, timeout=30) as client:
            running = in_order_of_end(timeout=LONGEST_SHARE_S * relay.of)
            numbers: dict[str, int] = {}  # by key of the task
            for _ in range(relay.of):
                while task := relay.next():
                    begun = client.submit(run_alone, task, pure=False)
                    numbers[begun.key] = task.number
                    running.add(begun)
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
