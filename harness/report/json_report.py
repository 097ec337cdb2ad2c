"""The report for programs. Others rely on these keys: add none, drop none, rename none without a new major version."""

from __future__ import annotations

import json
from collections.abc import Sequence

from harness.checks.verdict import Judgement
from harness.report.model import FindingLine, RehearsalReport, TrialReport, printable


def render(report: RehearsalReport) -> str:
    """A rehearsal: ``{"trials": [...], "summary": {...}}``."""
    summary = report.summary
    return _dump(
        {
            "trials": [_trial(trial) for trial in report.trials],
            "summary": {
                "pass": summary.passed,
                "fail": summary.failed,
                "inconclusive": summary.inconclusive,
                "skipped": summary.skipped,
            },
        }
    )


def render_findings(findings: Sequence[FindingLine]) -> str:
    """A look at the hosts: ``{"findings": [...]}``."""
    keys = ("id", "host", "severity", "message", "remedy")
    return _dump({"findings": [{key: printable(getattr(finding, key)) for key in keys} for finding in findings]})


def render_judgement(judgement: Judgement) -> str:
    """One judgement with all that each check said."""
    findings = [
        {
            "check": finding.check,
            "verdict": finding.verdict.value,
            "reason": printable(finding.reason),
            "detail": [printable(sentence) for sentence in finding.detail],
        }
        for finding in judgement.findings
    ]
    return _dump({"verdict": judgement.verdict.value, "reason": printable(judgement.reason), "findings": findings})


def _trial(trial: TrialReport) -> dict[str, object]:
    site = {"site": trial.site.values()} if trial.site else {}
    return {
        "scenario": trial.scenario,
        "lab": trial.lab,
        "verdict": trial.verdict.value,
        "seconds": round(trial.seconds, 3),
        "reason": printable(trial.reason),
        "trace_hash": trial.trace_hash,
        **site,
    }


def _dump(value: object) -> str:
    return json.dumps(value, indent=2)
