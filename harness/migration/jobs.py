"""Long work on a host: a detached job that outlives the connection and the engine, watched for progress."""

from __future__ import annotations

from collections.abc import Callable

from harness.errors import CommandFailed, Indeterminate, StepBlocked, TimedOut
from harness.hosts.command import Command, JobStatus, Result
from harness.hosts.host import Host
from harness.migration.site import Progress, Site

_FIRST_LOOK_S = 0.05
_LONGEST_PAUSE_S = 5.0


def run_job(
    site: Site[Host], host: Host, step: str, purpose: str, command: Command, measure: Callable[[], float | None]
) -> Result:
    """Run ``command`` as a detached job to its end and return its answer, whatever the exit status.

    A job of the same purpose that an earlier engine started and nobody has collected is taken over instead of starting
    another. ``measure`` tells how far it is (0 to 1) or None; a measure that stands still for the configured
    time means that the job is stalled.

    Raises:
        TimedOut: the job made no progress; it was ended.
        Indeterminate: the job vanished without an exit status (killed, or the host rebooted).
    """
    key = f"job:{step}:{purpose}"
    job_id = _open_job(site, host, key)
    host.start(job_id, command)
    result = _watch(site, host, step, purpose, job_id, measure)
    site.memory.remember(key, {"id": job_id, "collected": True})
    if result is None:
        raise Indeterminate(host.name, f"the job `{command}` vanished without an exit status")
    return result


def _open_job(site: Site[Host], host: Host, key: str) -> str:
    """The id of the job to wait for: one that is under way, or the next number."""
    last = site.memory.fact(key)
    if last and not last["collected"]:
        return str(last["id"])
    number = int(last["id"].rsplit(".", 1)[1]) + 1 if last else 1
    job_id = f"{site.memory.run_id}.{key.replace(':', '.')}.{site.memory.epoch}.{number}"
    site.memory.remember(key, {"id": job_id, "collected": False})
    return job_id


def _watch(
    site: Site[Host], host: Host, step: str, purpose: str, job_id: str, measure: Callable[[], float | None]
) -> Result | None:
    pause = _FIRST_LOOK_S
    best: float | None = None
    moved_at = site.clock.now()
    while True:
        report = host.poll(job_id)
        if report.status is JobStatus.DONE:
            return report.result
        if report.status is not JobStatus.RUNNING:
            return None
        looked_at = site.clock.now()
        done = measure()
        site.report(Progress(step, purpose, done))
        if done is None or best is None or done > best:
            best, moved_at = done, site.clock.now()
        elif site.clock.now() - moved_at > site.settings.waits.stall:
            host.stop_job(job_id)
            raise TimedOut(f"{host.name}: {purpose} made no progress for {site.settings.waits.stall:g} s")
        site.clock.sleep(max(pause, 2 * (site.clock.now() - looked_at)))
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)


def end_jobs(site: Site[Host], host: Host, step: str) -> None:
    """End what is still running for a step on a host, so that nothing writes while the step is taken back."""
    for purpose in ("copy", "hash", "make"):
        last = site.memory.fact(f"job:{step}:{purpose}")
        if last and not last["collected"]:
            host.stop_job(last["id"])


def succeed(host: Host, command: Command, result: Result, means: str) -> None:
    """A job that failed stops its step.

    Raises:
        StepBlocked: saying what failed and with which last words.
    """
    if not result.ok:
        raise StepBlocked(f"{means}: {CommandFailed(host.name, str(command), result)}")
