"""A rehearsal has succeeded when something passed and nothing else happened."""

from __future__ import annotations

import pytest

from harness.checks.verdict import Finding, Judgement, Verdict
from harness.evidence import Evidence, Expectation
from harness.report.model import RehearsalReport, Summary, TrialReport, printable

from .examples import DOUBTED, FAILED, MIXED, PASSED, SKIPPED


def test_the_summary_counts_each_verdict() -> None:
    assert MIXED.summary == Summary(passed=1, failed=1, inconclusive=1, skipped=1)


@pytest.mark.parametrize(
    ("trials", "status"),
    [
        ([PASSED, PASSED], 0),
        ([PASSED, SKIPPED], 0),
        ([PASSED, FAILED], 1),
        ([PASSED, DOUBTED], 1),
        ([SKIPPED], 1),
        ([], 1),
    ],
)
def test_the_exit_status(trials: list[TrialReport], status: int) -> None:
    assert RehearsalReport(trials).exit_status == status


def test_a_judged_trial_takes_its_facts_from_the_evidence() -> None:
    evidence = Evidence("a", "a claim", "simulated", 7, Expectation("completed", ["service"]), "walrus00", "walrus01")
    evidence.trace_hash, evidence.seconds = "abc", 1.5
    judgement = Judgement(Verdict.FAIL, (Finding("service", Verdict.FAIL, "gone"),), "service: gone")
    report = TrialReport.judged(evidence, judgement)
    assert (report.scenario, report.lab, report.verdict, report.seconds) == ("a", "simulated", Verdict.FAIL, 1.5)
    assert (report.reason, report.trace_hash, report.findings) == ("service: gone", "abc", judgement.findings)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, and ümlaut", "plain, and ümlaut"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("\u202eevil", "\\u202eevil"),
        ("\udcff", "\\udcff"),
        ("\x9b2J", "\\x9b2J"),
        ("\u200b", "\\u200b"),
        ("\u2028", "\\u2028"),
    ],
)
def test_nothing_printed_moves_a_cursor_or_hides(text: str, shown: str) -> None:
    assert printable(text) == shown
