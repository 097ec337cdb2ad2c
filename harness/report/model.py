"""What a report holds, whoever it is rendered for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.checks.ending import Ending, ending
from harness.checks.verdict import Finding, Judgement, Verdict
from harness.evidence import DriverName, Evidence
from harness.report.site import SiteWindow, window_of


@dataclass(frozen=True)
class TrialReport:
    """One trial: what it was, how it was judged, and why.

    ``reason`` is one line, empty for a PASS; that of a negative control says what caught it.
    """

    scenario: str
    lab: str
    verdict: Verdict
    seconds: float
    reason: str
    trace_hash: str = ""
    findings: tuple[Finding, ...] = ()
    evidence_path: Path | None = None
    driver: DriverName = "engine"
    beside: str = ""  # the vendor's trial of the same start
    caught_by: tuple[str, ...] = ()
    ending: Ending | None = None
    site: SiteWindow | None = None  # of the real site that it rehearses

    @classmethod
    def judged(cls, evidence: Evidence, judgement: Judgement, evidence_path: Path | None = None) -> TrialReport:
        """A trial that was run and judged; ``evidence_path`` is where its evidence is kept, if it is."""
        return cls(
            scenario=evidence.scenario,
            lab=evidence.lab,
            verdict=judgement.verdict,
            seconds=evidence.seconds,
            reason=judgement.reason,
            trace_hash=evidence.trace_hash,
            findings=judgement.findings,
            evidence_path=evidence_path,
            driver=evidence.driver,
            beside=evidence.beside,
            caught_by=tuple(evidence.expectation.caught_by),
            ending=ending(evidence),
            site=window_of(evidence),
        )

    @classmethod
    def skipped(cls, scenario: str, lab: str, reason: str) -> TrialReport:
        """A trial that was not run."""
        return cls(scenario, lab, Verdict.SKIPPED, 0.0, reason)

    @classmethod
    def broken(cls, scenario: str, lab: str, seconds: float, reason: str) -> TrialReport:
        """A trial that did not come to its end, by the harness's own mistake or for want of a lab that is demanded: it
        says nothing about the move."""
        return cls(scenario, lab, Verdict.INCONCLUSIVE, seconds, reason)


@dataclass(frozen=True)
class Summary:
    """How many trials of each verdict."""

    passed: int
    failed: int
    inconclusive: int
    skipped: int


@dataclass(frozen=True)
class RehearsalReport:
    """All trials of a rehearsal, in the order in which they were run."""

    trials: list[TrialReport] = field(default_factory=list)

    @property
    def summary(self) -> Summary:
        count = Counter(trial.verdict for trial in self.trials)
        return Summary(count[Verdict.PASS], count[Verdict.FAIL], count[Verdict.INCONCLUSIVE], count[Verdict.SKIPPED])

    @property
    def of_sites(self) -> list[TrialReport]:
        """The trials that tell of a real site: those whose move was completed, or any one where none was."""
        found = [trial for trial in self.trials if trial.site]
        return [trial for trial in found if trial.site and trial.site.took_s is not None] or found[:1]

    @property
    def exit_status(self) -> int:
        """0 when something was judged and all of it passed, 1 otherwise: a rehearsal of skips has shown nothing."""
        summary = self.summary
        return 0 if summary.passed and not summary.failed and not summary.inconclusive else 1


@dataclass(frozen=True)
class FindingLine:
    """One finding of a look at the hosts, and what to do about it."""

    id: str
    host: str
    severity: Literal["error", "warning"]
    message: str
    remedy: str


def printable(text: str) -> str:
    """The text on one line, with everything escaped that could move a cursor, hide or reorder what is shown."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def bad_first(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that did not pass: what failed, then what could not be judged."""
    findings = list(findings)
    return [one for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) for one in findings if one.verdict is verdict]
