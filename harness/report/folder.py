"""A folder of evidence as pages: one for each trial, and one that leads to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from harness.checks.verdict import judge_file
from harness.errors import InvalidInput
from harness.evidence import Evidence
from harness.report import html
from harness.report.model import RehearsalReport, TrialReport

EVIDENCE, PAGE, INDEX = "evidence.json", "report.html", "index.html"


def load(place: Path) -> RehearsalReport:
    """The trials whose evidence lies below a folder, or one file of evidence, judged again.

    Raises:
        InvalidInput: there is no evidence, or it cannot be read.
    """
    paths = sorted(place.rglob(EVIDENCE)) if place.is_dir() else [place]
    if not paths:
        raise InvalidInput(f"{place}: no {EVIDENCE} below it; `walrus-ha rehearse --report {place}` leaves some there")
    return RehearsalReport([_judged(path) for path in paths])


def _judged(path: Path) -> TrialReport:
    judgement = judge_file(path)  # first: it says what is wrong with a file that is no evidence
    return TrialReport.judged(Evidence.load(path), judgement, path)


def write_pages(report: RehearsalReport, folder: Path) -> Path:
    """Write a page beside each trial's evidence and the one that leads to them into ``folder``; returns the latter."""
    links = {(trial.scenario, trial.lab): link for trial, link in _written(report.trials, folder)}
    index = folder / INDEX
    index.write_text(html.render_rehearsal(report, links), encoding="utf-8")
    return index


def _written(trials: Sequence[TrialReport], folder: Path) -> Iterator[tuple[TrialReport, str]]:
    for trial in trials:
        if trial.evidence_path is not None:
            page = trial.evidence_path.with_name(PAGE)
            page.write_text(trial_page(trial.evidence_path), encoding="utf-8")
            if page.is_relative_to(folder):
                yield trial, quote(str(page.relative_to(folder)))


def trial_page(evidence_path: Path) -> str:
    """The page of one trial.

    Raises:
        InvalidInput: the file is no evidence.
    """
    judgement = judge_file(evidence_path)
    return html.render_trial(Evidence.load(evidence_path), judgement)
