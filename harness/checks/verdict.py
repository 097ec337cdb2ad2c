"""Judging: every check that applies looks at the evidence, and the worst word wins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from harness.checks.boundary import boundary
from harness.checks.configuration import configuration
from harness.checks.control import caught
from harness.checks.durability import durability
from harness.checks.exclusivity import exclusivity
from harness.checks.finding import Finding, Verdict, last_line, worst
from harness.checks.foresight import foresight
from harness.checks.groundwork import groundwork
from harness.checks.honesty import honesty
from harness.checks.idempotence import idempotence, reruns
from harness.checks.kernel import complained, kernel
from harness.checks.obedience import obedience
from harness.checks.outcome import outcome
from harness.checks.phases import last_outcome
from harness.checks.proof import proof
from harness.checks.replica import replica
from harness.checks.reversibility import reversibility
from harness.checks.secrecy import secrecy
from harness.checks.service import service
from harness.checks.thrift import thrift
from harness.checks.window import window
from harness.errors import InvalidInput, Problem
from harness.evidence import FORMAT, Evidence

Check = Callable[[Evidence], Finding]
_MUST_HOLD = ("groundwork", "outcome")  # of a negative control too: it happened as its scenario tells it

CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (durability, exclusivity, service, replica, reversibility, idempotence, foresight)
}
"""The checks that a scenario can name."""


@dataclass(frozen=True)
class Judgement:
    """The verdict on one trial; ``reason`` is the worst finding's, empty when all is well."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    reason: str


def judge(evidence: Evidence) -> Judgement:
    """Judge the evidence by the checks that its scenario names and by those that always apply.

    A negative control, whose scenario says which checks must find something wrong, is judged by whether they do.
    """
    findings = tuple(_look(name, check, evidence) for name, check in _applying(evidence))
    if evidence.expectation.caught_by:
        return _control(evidence, findings)
    verdict = worst(finding.verdict for finding in findings)
    if verdict is Verdict.PASS:
        return Judgement(verdict, findings, "")
    decisive = next(finding for finding in findings if finding.verdict is verdict)
    return Judgement(verdict, findings, f"{decisive.check}: {decisive.reason}")


def _control(evidence: Evidence, findings: tuple[Finding, ...]) -> Judgement:
    """PASS when every named check failed, on evidence that is good enough to say so; it is told which and why."""
    told = caught(evidence.expectation, findings)
    decisive = (told, *(finding for finding in findings if finding.check in _MUST_HOLD))
    verdict = worst(finding.verdict for finding in decisive)
    blamed = next(finding for finding in decisive if finding.verdict is verdict)
    reason = told.reason if verdict is Verdict.PASS else f"{blamed.check}: {blamed.reason}"
    return Judgement(verdict, (told, *findings), reason)


def judge_file(path: Path) -> Judgement:
    """Judge saved evidence again.

    Raises:
        InvalidInput: when the file cannot be read or is not evidence of a format that is known here.
    """
    try:
        evidence = Evidence.load(path)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror or error}") from error
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in error.errors())
        raise InvalidInput(*(Problem(str(path), 1, 1, f"not evidence: {problem}") for problem in problems)) from error
    if evidence.format != FORMAT:
        raise InvalidInput(f"{path}: evidence of format {evidence.format}; this version judges format {FORMAT}")
    return judge(evidence)


def _applying(evidence: Evidence) -> Iterator[tuple[str, Check]]:
    yield "groundwork", groundwork
    yield "outcome", outcome
    named = list(dict.fromkeys(evidence.expectation.checks))
    for name in named:
        yield name, CHECKS.get(name, _no_such_check(name))
    yield "honesty", honesty
    yield "proof", proof
    yield "secrecy", secrecy
    if evidence.changed is not None:
        yield "boundary", boundary
    if last_outcome(evidence) == "completed":
        yield "configuration", configuration
    if complained(evidence):
        yield "kernel", kernel
    if any(receipt.fault == "order" for receipt in evidence.receipts):
        yield "obedience", obedience
    if "idempotence" not in named and reruns(evidence):
        yield "idempotence", idempotence
    if evidence.expectation.window_at_most_s is not None:
        yield "window", window
    if evidence.expectation.copied_again is not None:
        yield "thrift", thrift


def _look(name: str, check: Check, evidence: Evidence) -> Finding:
    try:
        return check(evidence)
    except Exception as crash:  # noqa: BLE001 - a judge that crashed has judged nothing, whatever the cause
        return Finding(name, Verdict.INCONCLUSIVE, f"the check itself crashed: {last_line(crash)}")


def _no_such_check(name: str) -> Check:
    def unknown(evidence: Evidence) -> Finding:
        return Finding(name, Verdict.INCONCLUSIVE, f"there is no check of this name; there are {', '.join(CHECKS)}")

    return unknown


__all__ = ["CHECKS", "Finding", "Judgement", "Verdict", "judge", "judge_file", "worst"]
