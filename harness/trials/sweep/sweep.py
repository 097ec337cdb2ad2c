"""A whole sweep: enumerate the points, have them run, put the results together."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.trials.sweep.executor import SHARES, Executor
from harness.trials.sweep.forking import Trial
from harness.trials.sweep.points import Beat, Point, cells
from harness.trials.sweep.slices import Merger, Spec, Survey, survey
from harness.trials.sweep.story import Told

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Failure:
    """A trial that did not pass."""

    points: tuple[Point, ...]
    what: str  # the command or record
    told: Told


@dataclass
class SweepReport:
    """What a sweep came to. ``run`` counts the trials whose verdict is known; ``executed`` those that a process told."""

    depth: int
    command: str = "walrus-ha sweep"  # that begins a reproduction
    enumerated: int = 0
    passed: int = 0
    failed: int = 0
    inconclusive: int = 0
    executed: int = 0
    seconds: float = 0.0
    commands: int = 0
    trace_hash: str = ""
    blank: Counter[str] = field(default_factory=Counter)  # by reason
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)  # run, by fault and moment
    outcomes: Counter[str] = field(default_factory=Counter)  # of the first attempt that a fault hit
    failures: list[Failure] = field(default_factory=list)

    @property
    def run(self) -> int:
        return self.passed + self.failed + self.inconclusive

    @property
    def exit_status(self) -> int:
        return 0 if self.run == self.passed == self.enumerated else 1

    @property
    def trials_per_second(self) -> float:
        return round(self.run / self.seconds, 1) if self.seconds else 0.0

    def failing(self) -> list[tuple[str, str, str]]:
        """The command line that reproduces each trial that did not pass, what was hit, and what was wrong."""
        return [
            (
                f"{self.command} --only {','.join(map(str, one.points))}",
                one.what,
                "; ".join(one.told.broken + one.told.unknown),
            )
            for one in self.failures
        ]

    def figures(self) -> dict[str, object]:
        """The figures that ``--json`` prints."""
        return {
            "enumerated": self.enumerated,
            "run": self.run,
            "pass": self.passed,
            "fail": self.failed,
            "inconclusive": self.inconclusive,
            "seconds": round(self.seconds, 2),
            "trials_per_second": self.trials_per_second,
            "depth": self.depth,
            "trace_hash": self.trace_hash,
        }


def sweep(spec: Spec, executor: Executor, tell: Tell = lambda line: None, depth: int = 1) -> SweepReport:
    """Break one run of the engine at every point, and judge what follows."""
    started = time.monotonic()
    found = survey(spec)
    tell(f"the run without faults: {len(found.beats)} commands and records")
    trials: dict[Point, Trial] = {}
    for done, (_, share) in enumerate(executor.run(spec, SHARES), 1):
        trials.update({trial.points[0]: trial for trial in share.trials})
        tell(f"{done} of {SHARES} shares, {len(trials)} distinct trials, {time.monotonic() - started:.1f} s")
    report = _count(found, spec, trials)
    report.seconds = time.monotonic() - started
    return report


def _count(found: Survey, spec: Spec, trials: dict[Point, Trial]) -> SweepReport:
    report, merger, trace = SweepReport(depth=1), Merger(found), hashlib.sha256()
    reported: set[Point] = set()
    for beat in found.beats:
        trace.update(f"{beat.number} {beat.role} {beat.what}\n".encode("utf-8", "surrogateescape"))
        for point, why in cells(beat, found.after(beat), spec.faults):
            if why is not None:
                report.blank[why] += 1
                continue
            report.enumerated += 1
            trial = trials.get(merger.representative(beat, point))
            if trial is not None:
                _add(report, beat, point, trial, reported)
                trace.update(f"{point} {_verdict(trial.told)} {trial.told.final}\n".encode())
    report.executed = sum(not trial.merged for trial in trials.values())
    report.commands = sum(trial.told.commands for trial in trials.values())
    report.trace_hash = trace.hexdigest()
    return report


def _add(report: SweepReport, beat: Beat, point: Point, trial: Trial, reported: set[Point]) -> None:
    verdict = _verdict(trial.told)
    report.passed += verdict == "PASS"
    report.failed += verdict == "FAIL"
    report.inconclusive += verdict == "INCONCLUSIVE"
    report.cells[point.fault, point.moment] += 1
    report.outcomes[trial.told.outcomes[0] if trial.told.outcomes else "went on"] += 1
    if verdict != "PASS" and trial.points[0] not in reported:
        reported.add(trial.points[0])
        report.failures.append(Failure(trial.points, beat.what, trial.told))


def _verdict(told: Told) -> str:
    if told.broken:
        return "FAIL"
    return "INCONCLUSIVE" if told.unknown else "PASS"
