"""Long work on a host: a detached job that outlives the connection and the engine, watched for progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import CommandFailed, Indeterminate, StepBlocked, TimedOut, WalrusHaError
from harness.hosts.command import Command, JobStatus, Result
from harness.hosts.host import Host
from harness.hosts.proof import Proof
from harness.migration.attention import AbortOrdered
from harness.migration.site import Progress, Site
from harness.migration.standstill import JobStandstill

_FIRST_LOOK_S = 0.05
_LONGEST_PAUSE_S = 5.0
_LATE = 1 / 24  # of the time that a job has taken: its end is seen at most that much later
_MEASURING = 30  # times as long as it takes to measure, nothing is measured
_SOON_MEASURED_S = 1.0  # what is measured so soon on a busy host ...
_SOON_S, _SOON = 1.5, 6  # ... may be measured again after so long, or so many times as long as it took
_HEARTBEAT_S = 30.0  # what lasts for hours is looked at less often, but never less than this
_ALMOST = 0.99  # is said of what may be whole, until its job has ended
LONGEST_JOB_S = 3600.0


class RateChanged(WalrusHaError):
    """The operator ordered another rate than the one that the job was started with."""


def run_job(
    site: Site[Host],
    host: Host,
    step: str,
    purpose: str,
    command: Command,
    measure: Callable[[], float] | None = None,
    bound_s: float = LONGEST_JOB_S,
    rate_kib_s: int | None = None,
    prove: Callable[[], Proof] | None = None,
) -> Result:
    """Run ``command`` as a detached job to its end and return its answer, whatever the exit status.

    A job of the same purpose that an earlier engine started and nobody has collected is taken over instead of starting
    another. ``measure`` tells how far it is, 1 being as far as was foreseen; when it stands still for the configured
    time the job is stalled. ``bound_s`` limits a job that has no measure. ``prove`` gives the proof of a command that
    destroys, at the moment it is to be started; a job that is under way already needs none. ``rate_kib_s`` is the rate
    that the command was made for.

    Raises:
        RateChanged: another rate counts now; the job was ended.
        AbortOrdered: the operator wants the run to end; the job was ended.
        TimedOut: the job made no progress; it was ended.
        Indeterminate: the job vanished without an exit status (killed, or the host rebooted).
    """
    key = f"job:{step}:{purpose}"
    job_id = _under_way(site, host, key) if prove else None
    if job_id is None:
        proof = prove() if prove else None
        job_id = _open_job(site, host, key, rate_kib_s)
        host.start(job_id, command, proof)
    watch = _Watch(site, host, step, purpose, job_id, rate_kib_s)
    standstill = JobStandstill(site, host, key, job_id)
    standstill.go_on()  # an engine that died during a pause left it standing
    try:
        with site.clock.holding(standstill):
            result = watch.until_end(measure, site.settings.waits.stall if measure else bound_s)
    except (AbortOrdered, RateChanged):
        host.stop_job(job_id)
        site.memory.remember(key, {"id": job_id, "collected": True})
        raise
    site.memory.remember(key, {"id": job_id, "collected": True})
    if result is None:
        raise Indeterminate(host.name, f"the job `{command}` vanished without an exit status")
    return result


def uncollected(site: Site[Host], step: str, purpose: str) -> str | None:
    """The id of a job of this purpose that nobody has collected, None when there is none."""
    last = site.memory.fact(f"job:{step}:{purpose}")
    return str(last["id"]) if last and not last["collected"] else None


def _under_way(site: Site[Host], host: Host, key: str) -> str | None:
    """The id of a job that was started and not collected yet, None when the host knows of none."""
    last = site.memory.fact(key)
    if last is None or last["collected"] or host.poll(last["id"]).status is JobStatus.ABSENT:
        return None
    return str(last["id"])


def _open_job(site: Site[Host], host: Host, key: str, rate_kib_s: int | None) -> str:
    """The id of the job to wait for: one that is under way at this rate, or the next number."""
    last = site.memory.fact(key)
    if last and not last["collected"]:
        if last.get("rate_kib_s") == rate_kib_s:
            return str(last["id"])
        host.stop_job(last["id"])
    number = int(last["id"].rsplit(".", 1)[1]) + 1 if last else 1
    job_id = f"{site.memory.run_id}.{key.replace(':', '.')}.{site.memory.epoch}.{number}"
    site.memory.remember(key, {"id": job_id, "collected": False, "rate_kib_s": rate_kib_s})
    return job_id


@dataclass(frozen=True)
class _Watch:
    """Looks at one job until it ends."""

    site: Site[Host]
    host: Host
    step: str
    purpose: str
    job_id: str
    rate_kib_s: int | None

    def until_end(self, measure: Callable[[], float] | None, patience_s: float) -> Result | None:
        """The job's answer, None when it vanished; ends it when nothing moves for ``patience_s`` seconds."""
        clock = self.site.clock
        began = moved_at = measure_at = clock.now()
        best, done = -1.0, None
        while True:
            asked_at = clock.now()
            report = self.host.poll(self.job_id)
            if report.status is not JobStatus.RUNNING:
                return report.result if report.status is JobStatus.DONE else None
            answered_at = clock.now()
            if measure and answered_at >= measure_at:
                done = measure()
                # Measuring a large tree costs time of its own; it must not become the work.
                measure_at = clock.now() + _unmeasured_s(clock.now() - answered_at, patience_s)
            self.site.report(Progress(self.step, self.purpose, done if done is None else min(_ALMOST, done)))
            if done is not None and done > best:
                best, moved_at = done, clock.now()
            elif clock.now() - moved_at > patience_s:
                self.host.stop_job(self.job_id)
                raise TimedOut(f"{self.host.name}: {self.purpose} made no progress for {patience_s:g} s")
            if self.rate_kib_s is not None and self.site.copy_rate_kib_s != self.rate_kib_s:
                raise RateChanged(f"{self.host.name}: {self.purpose} goes on at another rate")
            longest = max(_LONGEST_PAUSE_S, min(_HEARTBEAT_S, (clock.now() - began) / 100))
            pause = min(max(_FIRST_LOOK_S, (clock.now() - began) * _LATE), longest)
            clock.sleep(max(pause, 2 * (answered_at - asked_at)))


def _unmeasured_s(took_s: float, patience_s: float) -> float:
    """For how long nothing is measured after a measuring that took so long."""
    soon_s = max(_SOON_S, _SOON * took_s) if took_s <= _SOON_MEASURED_S else patience_s
    return min(_MEASURING * took_s, patience_s / 4, soon_s)


def end_jobs(site: Site[Host], host: Host, step: str) -> None:
    """End what is still running for a step on a host, so that nothing writes while the step is taken back."""
    for name, last in site.memory.facts(f"job:{step}:").items():
        if not last["collected"]:
            host.stop_job(last["id"])
            site.memory.remember(name, {"id": last["id"], "collected": True})


def succeed(host: Host, command: Command, result: Result, means: str) -> None:
    """A job that failed stops its step.

    Raises:
        StepBlocked: saying what failed and with which last words.
    """
    if not result.ok:
        raise StepBlocked(f"{means}: {CommandFailed(host.name, str(command), result)}")
