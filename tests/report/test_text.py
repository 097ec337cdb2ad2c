"""People see a line a trial, the worst with its reasons, skips with theirs, and the count last."""

from __future__ import annotations

from dataclasses import replace

from harness.checks.verdict import Judgement, Verdict
from harness.report import text
from harness.report.model import RehearsalReport

from .examples import FAILED, FINDINGS, FINE, LOST, MIXED, PASSED, SKIPPED, UNPROVEN

SAFE = "\\x1b[2J\\r\\n\\x00\\u202e<script>&\"']]>\\udcff\\ufffe"


def test_the_whole_report() -> None:
    assert text.render(MIXED).splitlines() == [
        "PASS             0.12 s  success-full-sync  simulated",
        "FAIL            12.50 s  copy-interrupted   containers",
        "INCONCLUSIVE     0.50 s  link-lost          simulated",
        "SKIPPED          0.00 s  link-lost          machines",
        "",
        "FAIL: copy-interrupted in the containers lab",
        f"    FAIL         durability: missing: {SAFE} (and 1 more)",
        f"                 - missing: {SAFE}",
        "                 - missing: photos/b",
        "    INCONCLUSIVE groundwork: cut_link is not proven",
        "    look again: walrus-ha judge runs/copy-interrupted/evidence.json",
        "",
        "INCONCLUSIVE: link-lost in the simulated lab",
        "    groundwork: cut_link is not proven",
        "",
        "SKIPPED 1: the machines lab lacks: qemu",
        "",
        "1 passed, 1 failed, 1 inconclusive, 1 skipped.",
    ]


def test_a_clean_report_is_a_table_and_a_count() -> None:
    lines = text.render(RehearsalReport([PASSED, PASSED])).splitlines()
    assert lines[2:] == ["", "2 passed, 0 failed, 0 inconclusive, 0 skipped."]


def test_a_report_of_nothing_says_so() -> None:
    assert text.render(RehearsalReport([])) == "0 passed, 0 failed, 0 inconclusive, 0 skipped."


def test_each_reason_for_skipping_is_told_once() -> None:
    other = replace(SKIPPED, reason="the scenario needs a kernel")
    said = text.render(RehearsalReport([SKIPPED, SKIPPED, other]))
    assert "SKIPPED 2: the machines lab lacks: qemu\nSKIPPED 1: the scenario needs a kernel\n" in said


def test_a_long_list_is_cut_and_says_by_how_much() -> None:
    long = replace(LOST, detail=tuple(f"missing: {number}" for number in range(25)))
    said = text.render(RehearsalReport([replace(FAILED, findings=(long,))]))
    assert " - missing: 19\n" in said
    assert " - missing: 20\n" not in said
    assert " - and 5 more\n" in said


def test_a_judgement_shows_every_check_and_all_details() -> None:
    long = replace(LOST, detail=tuple(f"missing: {number}" for number in range(25)))
    said = text.render_judgement(Judgement(Verdict.FAIL, (UNPROVEN, long, FINE), "durability: lost"))
    assert " - missing: 24\n" in said
    assert "PASS         service: every object came back right" in said
    assert said.endswith("\n\nFAIL")


def test_findings_come_errors_first_with_their_remedies() -> None:
    assert text.render_findings(FINDINGS).splitlines() == [
        f"error    walrus01: uid-differs: uid 499, expected 498 {SAFE}",
        "         -> change the uid",
        "warning  walrus01: services-state: eucalyptus-cloud is stopped",
        "",
        "1 error, 1 warning.",
        "Explain with: walrus-ha explain uid-differs services-state",
    ]


def test_no_finding_is_good_news() -> None:
    assert text.render_findings([]) == "Nothing found: the hosts are ready for the move."


def test_several_are_counted_as_several() -> None:
    assert text.render_findings([FINDINGS[0]] * 2).endswith(
        "0 errors, 2 warnings.\nExplain with: walrus-ha explain services-state"
    )
