"""A whole sweep: enumerate the points, have them run, put the results together."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.trials.sweep.executor import Executor
from harness.trials.sweep.forking import SliceResult, Trial
from harness.trials.sweep.points import Beat, Point, cells
from harness.trials.sweep.relay import LAG, Relay
from harness.trials.sweep.slices import Merger, Plan, Spec, Survey, plan_of
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
    """What a sweep came to.

    ``run`` counts the trials whose verdict is known, ``executed`` the stories that were told for it.
    """

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


def sweep(spec: Spec, executor: Executor, tell: Tell = lambda line: None) -> SweepReport:
    """Break one run of the engine at every point, or at every pair of points, and judge what follows."""
    started = time.monotonic()
    shares: dict[int, SliceResult] = {}
    with executor.ready(LAG[spec.depth]) as run:
        plan = plan_of(spec)
        beats, points = len(plan.survey.beats), len(plan.points)
        tell(f"the run without faults: {beats} commands and records; to break: {points} points")
        relay = Relay(spec, plan)
        for number, share in run(relay):
            shares[number] = share
            tell(_so_far(shares, relay.of, time.monotonic() - started))
    in_order = [shares[number] for number in sorted(shares)]
    report = _count(plan.survey, spec, in_order) if spec.depth == 1 else _count_pairs(plan, in_order)
    report.seconds = time.monotonic() - started
    return report


def _so_far(shares: dict[int, SliceResult], of: int, seconds: float) -> str:
    stories = sum(len(one.trials) + one.pairs_executed + len(one.paired) for one in shares.values())
    bad = sum(_bad(one) for one in shares.values())
    return f"{len(shares)} of {of} shares, {stories} distinct stories, {bad} not passed, {seconds:.1f} s"


def _bad(share: SliceResult) -> int:
    """Stories that did not pass."""
    return sum(_verdict(trial.told) != "PASS" for trial in (*share.trials, *share.bad_pairs, *share.paired))


def _count_pairs(plan: Plan, shares: Sequence[SliceResult]) -> SweepReport:
    report, trace = SweepReport(depth=2), hashlib.sha256()
    what = {beat.number: beat.what for beat in plan.survey.beats}
    for share in shares:
        report.enumerated += share.pairs
        report.passed += share.pairs - len(share.bad_pairs)
        report.executed += share.pairs_executed + sum(not trial.merged for trial in share.trials) + len(share.paired)
        for trial in share.trials:
            report.cells[trial.points[0].fault, trial.points[0].moment] += 1
        for trial in share.paired:
            if len(trial.points) < 2:
                report.blank["the story was over before the second fault"] += 1
                continue
            report.enumerated += 1
            report.passed += _verdict(trial.told) == "PASS"
        trace.update(f"{share.pairs} pairs\n".encode())
        for trial in (*share.trials, *share.bad_pairs, *share.paired):
            points = ",".join(map(str, trial.points))
            trace.update(f"{points} {_verdict(trial.told)} {trial.told.final}\n".encode())
        for trial in (*share.bad_pairs, *(one for one in share.paired if len(one.points) > 1)):
            verdict = _verdict(trial.told)
            report.failed += verdict == "FAIL"
            report.inconclusive += verdict == "INCONCLUSIVE"
            if verdict != "PASS":
                report.failures.append(Failure(trial.points, what.get(trial.points[0].number, ""), trial.told))
    report.trace_hash = trace.hexdigest()
    return report


def _count(found: Survey, spec: Spec, shares: Sequence[SliceResult]) -> SweepReport:
    trials = {trial.points[0]: trial for share in shares for trial in share.trials}
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
