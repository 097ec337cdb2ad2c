"""Control: checks are worth something when they fail where something is wrong; a negative control makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks.finding import Finding, Verdict, headline, worst
from harness.evidence import Expectation

CONTROL = "control"


def caught(expected: Expectation, findings: Sequence[Finding]) -> Finding:
    """PASS when each named check failed, and they said all that they must say.

    A check that saw nothing wrong, or something else, makes it FAIL; one that could not tell, INCONCLUSIVE.
    """
    by_name = {finding.check: finding for finding in findings}
    missing = (Finding(name, Verdict.INCONCLUSIVE, "was not asked") for name in expected.caught_by)
    asked = [by_name.get(absent.check, absent) for absent in missing]
    missed = [*_passed(asked), *_unsaid(expected.caught_saying, asked)]
    if missed:
        sentences = tuple(sentence for _, sentence in missed)
        return Finding(CONTROL, worst(verdict for verdict, _ in missed), headline(sentences), sentences)
    told = tuple(f"{finding.check}: {_telling(finding, expected.caught_saying)}" for finding in asked)
    return Finding(CONTROL, Verdict.PASS, f"caught by {'; '.join(told)}", told)


def _passed(asked: Sequence[Finding]) -> Iterator[tuple[Verdict, str]]:
    for finding in asked:
        if finding.verdict is not Verdict.FAIL:
            verdict = Verdict.FAIL if finding.verdict is Verdict.PASS else Verdict.INCONCLUSIVE
            yield verdict, f"{finding.check} did not catch it: {finding.reason}"


def _unsaid(words: Sequence[str], asked: Sequence[Finding]) -> Iterator[tuple[Verdict, str]]:
    said = [sentence for finding in asked for sentence in (finding.reason, *finding.detail)]
    for wanted in words:
        if not any(wanted in sentence for sentence in said):
            yield Verdict.FAIL, f"nobody said {wanted!r}"


def _telling(finding: Finding, words: Sequence[str]) -> str:
    """Of all that the check found the sentence that is asked for, otherwise its first."""
    return next((said for word in words for said in finding.detail if word in said), finding.reason)
