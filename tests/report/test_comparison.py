"""The vendor's text and our engine side by side: what each came to, and whether the checks said what they had to."""

from __future__ import annotations

from dataclasses import replace

from harness.checks.ending import Ending
from harness.checks.verdict import Verdict
from harness.report import junit, text
from harness.report.comparison import comparison
from harness.report.model import RehearsalReport, TrialReport

from .examples import PASSED

VENDOR = TrialReport(
    "empty-store",
    "machines",
    Verdict.PASS,
    40.0,
    "caught by durability: 72 missing",
    driver="vendor",
    caught_by=("durability", "replica"),
    ending=Ending("completed", "UpToDate/UpToDate", 72, 0, None),
)
ENGINE = TrialReport(
    "empty-store.engine",
    "machines",
    Verdict.PASS,
    30.0,
    "",
    beside="empty-store",
    ending=Ending("completed", "UpToDate/UpToDate", 72, 72, 72),
)


def test_both_stand_below_the_scenarios_name() -> None:
    assert comparison([VENDOR, ENGINE, PASSED]).splitlines() == [
        "The vendor's text, and our engine from the same start:",
        "  empty-store (machines)",
        "    vendor  UpToDate/UpToDate, 0 of 72 entries served whole, ? on the peer; caught by durability, replica",
        "    engine  UpToDate/UpToDate, 72 of 72 entries served whole, 72 on the peer; PASS",
    ]


def test_an_engine_of_another_lab_is_not_beside() -> None:
    assert "engine" not in comparison([VENDOR, replace(ENGINE, lab="simulated")]).partition("\n")[2]


def test_a_control_that_was_not_caught_says_so() -> None:
    missed = replace(VENDOR, verdict=Verdict.FAIL, reason="control: durability did not catch it")
    assert "; FAIL, expected of durability, replica" in comparison([missed])


def test_an_engine_that_refused_has_no_peer() -> None:
    refused = replace(ENGINE, ending=Ending("refused", "-/-", 72, 72, None))
    assert comparison([VENDOR, refused]).endswith("    engine  refused, 72 of 72 entries served whole; PASS")


def test_without_the_vendors_text_there_is_nothing_to_compare() -> None:
    assert comparison([PASSED]) == ""
    assert "vendor" not in text.render(RehearsalReport([PASSED]))


def test_ci_reads_what_caught_it() -> None:
    document = junit.render(RehearsalReport([VENDOR])).decode()
    assert '<property name="caught" value="caught by durability: 72 missing" />' in document
    assert "failure" not in document.partition("<testcase")[2]
