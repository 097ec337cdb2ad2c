"""The report for a job's summary page: short, since a summary that is too long is dropped whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from harness.checks.verdict import Verdict
from harness.report.html import overall
from harness.report.model import RehearsalReport, TrialReport, printable

MAX_BYTES = 256 * 1024  # a quarter of what GitHub takes of one job
_MEANT = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>&~@:])")


def render(report: RehearsalReport) -> str:
    """The verdict, what did not pass with its reason, and the rest as a table; cut at a line where it gets long."""
    return bounded(_lines(report), "Cut here: the report's folder holds all.")


def bounded(told: Iterable[str], cut: str) -> str:
    """These lines, as many as a job's summary takes; ``cut`` says where there are more."""
    lines, size = [], 0
    for line in told:
        size += len(line.encode()) + 1
        if size > MAX_BYTES:
            lines.append(f"\n{cut}")
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def _lines(report: RehearsalReport) -> Iterator[str]:
    summary = report.summary
    yield f"## Rehearsal: {overall(summary).value}"
    yield ""
    yield (
        f"{summary.passed} passed, {summary.failed} failed, {summary.inconclusive} inconclusive, "
        f"{summary.skipped} skipped (not run, and not passed)."
    )
    bad = [trial for trial in report.trials if trial.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)]
    good = [trial for trial in report.trials if trial not in bad]
    for trial in report.of_sites:
        if trial.site:
            yield f"\n{plain(trial.scenario)}, {plain(trial.lab)}: {plain(' '.join(trial.site.sentences()))}"
    for title, trials in (("What did not pass", bad), ("The others", good)):
        if trials:
            yield f"\n### {title}\n\n| scenario | lab | verdict | seconds | |\n|---|---|---|---:|---|"
            yield from map(_row, trials)


def _row(trial: TrialReport) -> str:
    cells = (trial.scenario, trial.lab, trial.verdict.value, f"{trial.seconds:.1f}", trial.reason)
    return f"| {' | '.join(map(plain, cells))} |"


def plain(text: str) -> str:
    """Text that Markdown takes as text: nothing in it is a link, a tag, a mention or the end of a cell."""
    return _MEANT.sub(r"\\\1", printable(text))
