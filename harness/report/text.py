"""The report for people: a line a trial, what went wrong below, the count last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from harness.checks.verdict import Finding, Judgement, Verdict
from harness.report.comparison import comparison
from harness.report.model import FindingLine, RehearsalReport, TrialReport, bad_first, printable

_DETAILS = 20  # sentences shown of one finding; the evidence holds all


def render(report: RehearsalReport) -> str:
    """The whole report."""
    trouble = map(_trouble, _in_trouble(report))
    told = [_table(report.trials), *trouble, comparison(report.trials), *map(_site, report.of_sites)]
    parts = [*told, _skips(report), _count(report)]
    return "\n\n".join(part for part in parts if part)


def render_judgement(judgement: Judgement) -> str:
    """One judgement: every check's word, with all details of those that did not pass."""
    lines = [line for finding in judgement.findings for line in _finding(finding, limit=None)]
    return "\n".join([*lines, "", judgement.verdict.value])


def render_findings(findings: Sequence[FindingLine]) -> str:
    """What a look at the hosts found, errors first."""
    if not findings:
        return "Nothing found: the hosts are ready for the move."
    ordered = sorted(findings, key=lambda finding: finding.severity != "error")
    count = Counter(finding.severity for finding in findings)
    lines = [line for finding in ordered for line in _finding_line(finding)]
    counted = f"{_number(count['error'], 'error')}, {_number(count['warning'], 'warning')}."
    ids = dict.fromkeys(printable(finding.id) for finding in ordered)
    return "\n".join([*lines, "", counted, f"Explain with: walrus-ha explain {' '.join(ids)}"])


def _table(trials: Sequence[TrialReport]) -> str:
    names = [printable(trial.scenario) for trial in trials]
    width = max(map(len, names), default=0)
    rows = (
        f"{trial.verdict.value:<12} {trial.seconds:8.2f} s  {name:<{width}}  {printable(trial.lab)}"
        for trial, name in zip(trials, names, strict=True)
    )
    return "\n".join(rows)


def _in_trouble(report: RehearsalReport) -> list[TrialReport]:
    """Trials that did not pass, the worst first."""
    return [
        trial for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) for trial in report.trials if trial.verdict is verdict
    ]


def trouble(findings: Iterable[Finding]) -> list[str]:
    """Lines for every finding that did not pass, the worst first, long lists cut."""
    return [line for finding in bad_first(findings) for line in _finding(finding, _DETAILS)]


def _trouble(trial: TrialReport) -> str:
    lines = [f"{trial.verdict.value}: {printable(trial.scenario)} in the {printable(trial.lab)} lab"]
    lines += [f"    {line}" for line in trouble(trial.findings) or [printable(trial.reason)]]
    if trial.evidence_path is not None:
        lines.append(f"    look again: walrus-ha judge {printable(str(trial.evidence_path))}")
    return "\n".join(lines)


def _finding(finding: Finding, limit: int | None) -> Iterator[str]:
    yield f"{finding.verdict.value:<12} {finding.check}: {printable(finding.reason)}"
    if finding.verdict is Verdict.PASS or len(finding.detail) < 2:
        return
    for sentence in finding.detail[:limit]:
        yield f"{'':12} - {printable(sentence)}"
    if limit is not None and len(finding.detail) > limit:
        yield f"{'':12} - and {len(finding.detail) - limit} more"


def _site(trial: TrialReport) -> str:
    """What the trial says of the real site, empty where it is of none."""
    if trial.site is None:
        return ""
    lines = [f"{printable(trial.scenario)} in the {printable(trial.lab)} lab, a rehearsal of your site:"]
    return "\n".join([*lines, *(f"    {printable(one)}" for one in trial.site.sentences())])


def _skips(report: RehearsalReport) -> str:
    """Each reason once, with how many trials it kept from running."""
    reasons = Counter(trial.reason for trial in report.trials if trial.verdict is Verdict.SKIPPED)
    return "\n".join(f"SKIPPED {count}: {printable(reason)}" for reason, count in reasons.items())


def _count(report: RehearsalReport) -> str:
    one = report.summary
    return f"{one.passed} passed, {one.failed} failed, {one.inconclusive} inconclusive, {one.skipped} skipped."


def _finding_line(finding: FindingLine) -> Iterator[str]:
    yield f"{finding.severity:<8} {printable(finding.host)}: {printable(finding.id)}: {printable(finding.message)}"
    if finding.remedy:
        yield f"{'':8} -> {printable(finding.remedy)}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
