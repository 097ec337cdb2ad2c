"""The report as one page that opens anywhere: no script, no network, nothing from the data that a browser would obey.

Every value goes through Jinja's escaping and ``printable``; the page's own style is allowed by its hash, the rest is
forbidden by the page's content policy.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import jinja2

from harness import __version__
from harness.checks.verdict import Judgement, Verdict
from harness.evidence import Evidence, Manifest
from harness.report.model import RehearsalReport, Summary, TrialReport, printable
from harness.report.moment import lasting, when
from harness.report.run import RunReport
from harness.report.site import window_of
from harness.report.timeline import LEFT, ROW, WIDTH, timeline

_REQUESTS = 2000  # shown of one trial; the evidence holds all
_LABS = ("simulated", "containers", "privileged", "machines")


def render_trial(evidence: Evidence, judgement: Judgement) -> str:
    """One trial: its verdict first, then what to do, the timeline, what was moved and how that was verified."""
    return _page(
        "trial.html",
        evidence=evidence,
        judgement=judgement,
        picture=timeline(evidence),
        site=window_of(evidence),
        moved=_moved(evidence.frozen),
        requests=evidence.sent[:_REQUESTS],
        more_requests=max(0, len(evidence.sent) - _REQUESTS),
    )


def render_run(report: RunReport, made: str) -> str:
    """A real run: its state first, then what to do, the timeline, what was moved and how that was verified."""
    return _page("run.html", report=report, made=made, most=_REQUESTS)


def render_rehearsal(report: RehearsalReport, links: dict[tuple[str, str], str]) -> str:
    """A rehearsal as a matrix of scenarios and labs; ``links`` leads from (scenario, lab) to the trial's own page."""
    labs = sorted({trial.lab for trial in report.trials}, key=lambda lab: (lab not in _LABS, _LABS.index(lab), lab))
    cells = {(trial.scenario, trial.lab): trial for trial in report.trials}
    names = list(dict.fromkeys(trial.scenario for trial in report.trials))
    rows = [(name, [cells.get((name, lab)) for lab in labs]) for name in names]
    return _page(
        "rehearsal.html",
        rows=sorted(rows, key=lambda row: not _in_trouble(row[1])),
        labs=labs,
        links=links,
        sites=report.of_sites,
        summary=report.summary,
        verdict=overall(report.summary),
    )


def overall(summary: Summary) -> Verdict:
    """The worst word of all; a rehearsal of skips has shown nothing."""
    if summary.failed:
        return Verdict.FAIL
    return Verdict.INCONCLUSIVE if summary.inconclusive or not summary.passed else Verdict.PASS


def _in_trouble(trials: Sequence[TrialReport | None]) -> bool:
    return any(trial and trial.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) for trial in trials)


@dataclass(frozen=True)
class _Moved:
    """What the store held when it was frozen."""

    files: int
    others: int
    size: int


def _moved(frozen: Manifest | None) -> _Moved | None:
    if frozen is None:
        return None
    files = [entry for entry in frozen.entries if entry.kind == "file"]
    return _Moved(len(files), len(frozen.entries) - len(files), sum(entry.size for entry in files))


def _page(template: str, **values: object) -> str:
    style = _templates().get_template("style.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _templates().get_template(template).render(style=style, style_hash=digest, **values)


@functools.cache
def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report"),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    templates.filters["bytes"] = shown_bytes
    templates.filters["lasting"] = lasting
    templates.filters["when"] = when
    templates.globals.update(width=WIDTH, left=LEFT, row_height=ROW, version=__version__)
    return templates


def _shown(value: object) -> object:
    """Text of the data on one line, so that it cannot hide or reorder what stands around it."""
    if isinstance(value, Verdict):
        return value.value
    return value if not isinstance(value, str) or hasattr(value, "__html__") else _lines(value)


def _lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def shown_bytes(size: int) -> str:
    """Bytes for people."""
    number, unit = float(size), "B"
    for bigger in ("KiB", "MiB", "GiB", "TiB"):
        if number < 1024:
            break
        number, unit = number / 1024, bigger
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
