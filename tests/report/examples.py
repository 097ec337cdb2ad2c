"""A report with one trial of each verdict, and names that attack whoever prints them."""

from __future__ import annotations

from pathlib import Path

from harness.checks.verdict import Finding, Verdict
from harness.report.model import FindingLine, RehearsalReport, TrialReport

ATTACK = "\x1b[2J\r\n\x00\u202e<script>&\"']]>\udcff\ufffe"
LOST = Finding(
    "durability",
    Verdict.FAIL,
    f"missing: {ATTACK} (and 1 more)",
    (f"missing: {ATTACK}", "missing: photos/b"),
)
UNPROVEN = Finding("groundwork", Verdict.INCONCLUSIVE, "cut_link is not proven", ("cut_link is not proven",))
FINE = Finding("service", Verdict.PASS, "every object came back right")

PASSED = TrialReport("success-full-sync", "simulated", Verdict.PASS, 0.1234, "", "abc123", (FINE,))
FAILED = TrialReport(
    "copy-interrupted",
    "containers",
    Verdict.FAIL,
    12.5,
    f"durability: {LOST.reason}",
    "def456",
    (UNPROVEN, LOST, FINE),
    Path("runs/copy-interrupted/evidence.json"),
)
DOUBTED = TrialReport("link-lost", "simulated", Verdict.INCONCLUSIVE, 0.5, "groundwork: cut_link is not proven", "0a1b")
SKIPPED = TrialReport.skipped("link-lost", "machines", "the machines lab lacks: qemu")

MIXED = RehearsalReport([PASSED, FAILED, DOUBTED, SKIPPED])

FINDINGS = [
    FindingLine("services-state", "walrus01", "warning", "eucalyptus-cloud is stopped", ""),
    FindingLine("uid-differs", "walrus01", "error", f"uid 499, expected 498 {ATTACK}", "change the uid"),
]
