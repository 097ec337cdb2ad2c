"""What a judge can say: PASS, INCONCLUSIVE or FAIL, with a reason; the worst word wins."""

from __future__ import annotations

import enum
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.evidence import Evidence


class Verdict(enum.Enum):
    """The words of a judgement. SKIPPED belongs to reports only: a trial that was not run was not judged."""

    SKIPPED = "SKIPPED"
    PASS = "PASS"
    INCONCLUSIVE = "INCONCLUSIVE"
    FAIL = "FAIL"


_FROM_BEST_TO_WORST = list(Verdict)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them; INCONCLUSIVE when there is none, since nothing judged is nothing proven."""
    return max(verdicts, key=_FROM_BEST_TO_WORST.index, default=Verdict.INCONCLUSIVE)


@dataclass(frozen=True)
class Finding:
    """What one check says; ``reason`` is one line, ``detail`` everything that it found wrong or missing."""

    check: str
    verdict: Verdict
    reason: str
    detail: tuple[str, ...] = ()


class Unknown(Exception):
    """The evidence does not hold what a look needs; the message says what is missing."""


Look = Callable[[Evidence], Iterable[str]]
"""One question to the evidence: yields what is wrong in a sentence each, raises Unknown where it cannot tell."""


def weigh(check: str, evidence: Evidence, looks: Sequence[Look], fine: str) -> Finding:
    """Take every look and sum up: anything wrong is FAIL, otherwise anything unknown is INCONCLUSIVE.

    A look that crashes has seen nothing: it counts as unknown, and the others are still taken.
    """
    wrong: list[str] = []
    unknown: list[str] = []
    for look in looks:
        try:
            for sentence in look(evidence):
                wrong.append(sentence)  # one by one: what was seen before a look breaks off still counts
        except Unknown as missing:
            unknown.append(str(missing))
        except Exception as crash:  # noqa: BLE001 - whatever broke the look, it must not pass for a look that saw nothing wrong
            unknown.append(f"{look.__name__} crashed: {last_line(crash)}")
    if wrong:
        return Finding(check, Verdict.FAIL, headline(wrong), (*wrong, *unknown))
    if unknown:
        return Finding(check, Verdict.INCONCLUSIVE, headline(unknown), tuple(unknown))
    return Finding(check, Verdict.PASS, fine)


def not_asked(check: str, why: str) -> Finding:
    """The check has no question to evidence of this kind."""
    return Finding(check, Verdict.PASS, f"not asked: {why}")


def headline(sentences: Sequence[str]) -> str:
    """The first sentence, and how many follow."""
    more = len(sentences) - 1
    return f"{sentences[0]} (and {more} more)" if more else sentences[0]


def last_line(error: BaseException) -> str:
    """The last line of an error's traceback."""
    return traceback.format_exception_only(error)[-1].strip()
