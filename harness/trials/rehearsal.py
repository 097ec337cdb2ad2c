"""A rehearsal: scenarios times labs, each a trial that is judged, all of them a report."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness.checks.verdict import judge
from harness.errors import LabUnavailable
from harness.labs import doctor
from harness.labs.lab import Lab
from harness.report.model import TrialReport
from harness.trials.scenario import Scenario
from harness.trials.trial import run_trial

_MEMORY = "/dev/shm"


@dataclass(frozen=True)
class Planned:
    """One cell of scenarios times labs; ``reason`` says why it is skipped, if it is."""

    scenario: Scenario
    lab: Lab
    reason: str | None = None


def plan_rehearsal(scenarios: Iterable[Scenario], labs: Sequence[Lab]) -> Iterator[Planned]:
    """Every scenario in every lab asked for that it names.

    A lab that it names under ``not_in`` is a reported skip with that reason; one that it does not name at all is no
    part of its claim.
    """
    for scenario in scenarios:
        reasons: dict[str, str] = {str(name): why for name, why in scenario.not_in.items()}
        for lab in labs:
            if lab.name in scenario.labs:
                yield Planned(scenario, lab)
            elif lab.name in reasons:
                yield Planned(scenario, lab, reasons[lab.name])


def rehearse(
    planned: Iterable[Planned],
    folder: Path | None,
    tell: Callable[[Planned, TrialReport | None], None],
    jobs: int | None = None,
) -> list[TrialReport]:
    """Run what is planned and keep each trial's evidence below ``folder``, if one is given; reports in planned order.

    ``tell`` hears of each trial twice: before it starts (None) and when it is judged. ``jobs`` trials run at once; None
    leaves it to the lab.
    """
    everything = list(planned)
    reports: dict[int, TrialReport] = {}

    def run(number: int) -> None:
        tell(everything[number], None)
        reports[number] = _one(everything[number], folder)
        tell(everything[number], reports[number])

    for lab in dict.fromkeys(one.lab.name for one in everything):
        numbers = [number for number, one in enumerate(everything) if one.lab.name == lab]
        with ThreadPoolExecutor(jobs or everything[numbers[0]].lab.at_once) as pool:
            for done in [pool.submit(run, number) for number in numbers]:
                done.result()
    return [reports[number] for number in range(len(everything))]


def _scratch() -> str | None:
    """Where journals go that nobody keeps: memory, if there is a file system for it, since each record is flushed."""
    return _MEMORY if os.access(_MEMORY, os.W_OK) else None


def _one(planned: Planned, folder: Path | None) -> TrialReport:
    scenario, lab = planned.scenario, planned.lab
    if planned.reason:
        return TrialReport.skipped(scenario.name, lab.name, planned.reason)
    with tempfile.TemporaryDirectory(prefix="walrus-ha-", dir=_scratch()) as scratch:
        workdir = Path(scratch) if folder is None else folder / lab.name / scenario.name
        workdir.mkdir(parents=True, exist_ok=True)
        for old in (workdir / "run", workdir / "second", *workdir.glob("adopted-*")):
            shutil.rmtree(old, ignore_errors=True)  # an earlier trial's journal would be resumed
        started = time.monotonic()
        try:
            evidence = run_trial(scenario, lab, workdir)
        except LabUnavailable as missing:
            return _not_here(planned, str(missing), time.monotonic() - started)
        except Exception as mistake:  # noqa: BLE001  # ours, whatever it is: the other trials are run all the same
            return _broken(planned, mistake, time.monotonic() - started, workdir if folder else None)
        path = workdir / "evidence.json"
        evidence.save(path)
        return TrialReport.judged(evidence, judge(evidence), path if folder else None)


def _not_here(planned: Planned, lacking: str, seconds: float) -> TrialReport:
    """A trial whose lab this machine lacks: skipped, unless somebody demands that lab."""
    scenario, lab = planned.scenario.name, planned.lab.name
    if lab in doctor.required():
        return TrialReport.broken(scenario, lab, seconds, f"{lacking} ({doctor.REQUIRED} demands it)")
    return TrialReport.skipped(scenario, lab, lacking)


def _broken(planned: Planned, mistake: Exception, seconds: float, workdir: Path | None) -> TrialReport:
    """A trial that ended in a mistake of the harness; where it was made is kept beside the journal."""
    last = traceback.extract_tb(mistake.__traceback__)[-1]
    said = f"the harness failed at {Path(last.filename).name}:{last.lineno}: {type(mistake).__name__}: {mistake}"
    if workdir is not None:
        (workdir / "failure.txt").write_text("".join(traceback.format_exception(mistake)))
        said += f" ({workdir / 'failure.txt'})"
    return TrialReport.broken(planned.scenario.name, planned.lab.name, seconds, said)
