"""Detached jobs of a simulated machine: they go on by themselves as time passes, until the power is cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from fakes.program import Reply, Slow, go_on
from fakes.schedule import Schedule

JobStatus = Literal["absent", "running", "done", "dead"]


@dataclass
class Process:
    """A program that is under way: its steps, and what it answered in the end."""

    steps: Slow
    status: JobStatus = "running"
    reply: Reply | None = None
    daemon: bool = False  # between its ticks it waits, and nothing is half done
    paused: bool = False  # stopped by a signal, until another lets it go on
    due: bool = False  # it would have gone on while it was paused

    def end(self) -> None:
        """Kill it; what it did stays done."""
        if self.status == "running":
            self.status = "dead"
            self.steps.close()


class Processes:
    """The programs that run on one machine by themselves, jobs by their id among them.

    Records are on stable storage as the real ones are: what ended before a power cut still tells so after it.
    """

    def __init__(self, schedule: Schedule, frozen: Callable[[], bool]) -> None:
        self._schedule = schedule
        self._frozen = frozen
        self._jobs: dict[str, Process] = {}
        self._running: list[Process] = []
        self._waiting: list[Process] = []  # for the machine to be thawed

    def start_job(self, job_id: str, steps: Slow) -> None:
        """Start a job unless there was one of this id already; one that was killed is started anew."""
        if job_id not in self._jobs or self._jobs[job_id].status == "dead":
            self._jobs[job_id] = self.start(steps)

    def start(self, steps: Slow, after_s: float = 0.0, daemon: bool = False) -> Process:
        """Let a program go on by itself."""
        process = Process(steps, daemon=daemon)
        self._running.append(process)
        self._continue(process, after_s)
        return process

    @property
    def busy(self) -> bool:
        """A program other than a daemon is under way."""
        return any(process.status == "running" and not process.daemon for process in self._running)

    def poll_job(self, job_id: str) -> tuple[JobStatus, Reply | None]:
        job = self._jobs.get(job_id)
        return (job.status, job.reply) if job else ("absent", None)

    def stop_job(self, job_id: str) -> None:
        """Kill a job if it runs."""
        if job_id in self._jobs:
            self._jobs[job_id].end()

    def pause_job(self, job_id: str) -> None:
        """Let a job stand still if it runs."""
        if job_id in self._jobs:
            self._jobs[job_id].paused = True

    def continue_job(self, job_id: str) -> None:
        """Let a job go on if it was paused."""
        job = self._jobs.get(job_id)
        if job is None or not job.paused:
            return
        job.paused = False
        if job.due:
            job.due = False
            self._continue(job, 0.0)

    def end_all(self) -> None:
        """What a power cut does."""
        for process in self._running:
            process.end()
        self._running.clear()
        self._waiting.clear()

    def thaw(self) -> None:
        """Go on with everything that stood still."""
        waiting, self._waiting = self._waiting, []
        for process in waiting:
            self._continue(process, 0.0)

    def _continue(self, process: Process, after_s: float) -> None:
        self._schedule.at(self._schedule.now + after_s, lambda: self._step(process))

    def _step(self, process: Process) -> None:
        if process.status != "running":
            return
        if process.paused:
            process.due = True
            return
        if self._frozen():
            self._waiting.append(process)
            return
        said = go_on(process.steps)
        if isinstance(said, Reply):
            process.reply, process.status = said, "done"
            self._running.remove(process)
        else:
            self._continue(process, said)
