"""How the tests of the judges read: this evidence fails this check, for this reason."""

from __future__ import annotations

from collections.abc import Callable

from harness.checks.finding import Finding, Verdict
from harness.evidence import Evidence

Check = Callable[[Evidence], Finding]


def passes(check: Check, evidence: Evidence) -> None:
    found = check(evidence)
    assert found.verdict is Verdict.PASS, found


def fails(check: Check, evidence: Evidence, *names: str) -> Finding:
    """FAIL, and its sentences name each of these."""
    return _says(check, evidence, Verdict.FAIL, *names)


def cannot_tell(check: Check, evidence: Evidence, *names: str) -> Finding:
    """INCONCLUSIVE, and its sentences name each of these."""
    return _says(check, evidence, Verdict.INCONCLUSIVE, *names)


def _says(check: Check, evidence: Evidence, verdict: Verdict, *names: str) -> Finding:
    found = check(evidence)
    assert found.verdict is verdict, found
    said = "\n".join((found.reason, *found.detail))
    for name in names:
        assert name in said, f"{name!r} is not named in {said!r}"
    return found
