"""Control: checks are worth something when they fail where something is wrong. A negative control must make them fail."""

from __future__ import annotations

from collections.abc import Sequence

from harness.checks.finding import Finding, Verdict, headline, worst

CONTROL = "control"


def caught(wanted: Sequence[str], findings: Sequence[Finding]) -> Finding:
    """PASS when each wanted check failed; one that saw nothing wrong is FAIL, one that could not tell INCONCLUSIVE."""
    by_name = {finding.check: finding for finding in findings}
    asked = [by_name.get(name, Finding(name, Verdict.INCONCLUSIVE, "was not asked")) for name in wanted]
    missed = [finding for finding in asked if finding.verdict is not Verdict.FAIL]
    if not missed:
        return Finding(CONTROL, Verdict.PASS, _told(asked), tuple(_told([finding]) for finding in asked))
    sentences = [f"{finding.check} did not catch it: {finding.reason}" for finding in missed]
    verdict = worst(_OF_A_CONTROL[finding.verdict] for finding in missed)
    return Finding(CONTROL, verdict, headline(sentences), tuple(sentences))


_OF_A_CONTROL = {Verdict.PASS: Verdict.FAIL, Verdict.INCONCLUSIVE: Verdict.INCONCLUSIVE}


def _told(findings: Sequence[Finding]) -> str:
    return "caught: " + "; ".join(f"{finding.check}: {finding.reason}" for finding in findings)
