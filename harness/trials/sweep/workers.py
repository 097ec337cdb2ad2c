"""Processes of this machine that run shares, one after the other, for as long as somebody listens.

A worker's standard input is its tie to who began it: when that process is gone, by whatever signal, the worker reads
its end where it waits, and sees that nobody holds the other end where it is at work. So do the copies that it makes.
"""

from __future__ import annotations

import os
import pickle
import select
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from harness.errors import LabError
from harness.trials.sweep.forking import SliceResult
from harness.trials.sweep.relay import Relay, Task
from harness.trials.sweep.slices import run_share

LONGEST_SHARE_S = 3600.0
_ENDS_WITHIN_S = 10.0


class Worker:
    """A process that runs one share at a time."""

    def __init__(self) -> None:
        argv = [sys.executable, "-m", "harness.trials.sweep.workers"]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._tasks: IO[bytes] = self._process.stdin
        self.results: IO[bytes] = self._process.stdout
        self.number = -1  # of the share that it was given last

    def give(self, task: Task) -> None:
        """Begin a share; its result comes on ``results``."""
        self.number = task.number
        pickle.dump(task, self._tasks)
        self._tasks.flush()

    def hear(self) -> SliceResult:
        """The result of the share that was given last.

        Raises:
            LabError: it failed, or the process is gone.
        """
        try:
            said = pickle.load(self.results)
        except (EOFError, pickle.UnpicklingError):
            status = self._process.wait(_ENDS_WITHIN_S)
            raise LabError(f"the process that ran share {self.number} ended with status {status}") from None
        assert isinstance(said, SliceResult)
        return said

    def end(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        self._process.communicate(timeout=_ENDS_WITHIN_S)


@contextmanager
def begun(jobs: int) -> Iterator[list[Worker]]:
    """So many workers, which come to themselves while nobody has a task for them yet, and end with the block."""
    workers = list[Worker]()
    try:
        workers += (Worker() for _ in range(jobs))
        yield workers
    finally:
        for worker in workers:
            worker.end()


def run_on_workers(relay: Relay, workers: list[Worker]) -> Iterator[tuple[int, SliceResult]]:
    """Run all shares, one at a time on each worker, and yield each with its number when it is done.

    Raises:
        LabError: a share failed, or took longer than ``LONGEST_SHARE_S``.
    """
    idle = workers[::-1]
    with selectors.DefaultSelector() as ready:
        for worker in workers:
            ready.register(worker.results, selectors.EVENT_READ, worker)
        for _ in range(relay.of):
            while idle and (task := relay.next()):
                idle.pop().give(task)
            worker = _first(ready)
            result = worker.hear()
            relay.done(worker.number, result)
            idle.append(worker)
            yield worker.number, result


def run_alone(task: Task) -> SliceResult:
    """Run a share in a process of its own: a worker of a cluster has threads, and must not be copied.

    Raises:
        LabError: it failed.
    """
    with begun(1) as (worker,):
        worker.give(task)
        return worker.hear()


def _first(ready: selectors.BaseSelector) -> Worker:
    found = ready.select(LONGEST_SHARE_S)
    if not found:
        raise LabError(f"no share of the sweep was done within {LONGEST_SHARE_S:g} s")
    worker = found[0][0].data
    assert isinstance(worker, Worker)
    return worker


def _listens(tasks: int) -> bool:
    """Whoever gave the task is still there to hear of it."""
    poll = select.poll()
    poll.register(tasks, 0)  # an end is told unasked
    return not poll.poll(0)


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    tasks = sys.stdin.buffer
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as results:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else is printed is no result
        while True:
            try:
                task: Task = pickle.load(tasks)
            except EOFError:
                return
            pickle.dump(run_share(*task, lambda: _listens(tasks.fileno())), results)
            results.flush()


if __name__ == "__main__":
    from harness.trials.sweep import workers

    workers._main()  # not of __main__, so that what is pickled here has a name elsewhere
