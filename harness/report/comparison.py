"""The vendor's text and our engine side by side, from the same start: what each came to, as measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks.ending import Ending
from harness.checks.verdict import Verdict
from harness.report.model import TrialReport, printable


def comparison(trials: Sequence[TrialReport]) -> str:
    """Three lines for each trial of the vendor's text, with our engine's below it; empty where there is none."""
    blocks = ["\n".join(_block(trial, trials)) for trial in trials if trial.driver == "vendor"]
    return "\n".join(["The vendor's text, and our engine from the same start:", *blocks]) if blocks else ""


def _block(vendor: TrialReport, trials: Sequence[TrialReport]) -> Iterator[str]:
    yield f"  {printable(vendor.scenario)} ({printable(vendor.lab)})"
    yield f"    vendor  {_ended(vendor.ending)}; {_caught(vendor)}"
    for trial in trials:
        if (trial.beside, trial.lab) == (vendor.scenario, vendor.lab):
            yield f"    engine  {_ended(trial.ending)}; {trial.verdict.value}"


def _caught(vendor: TrialReport) -> str:
    names = ", ".join(vendor.caught_by)
    return f"caught by {names}" if vendor.verdict is Verdict.PASS else f"{vendor.verdict.value}, expected of {names}"


def _ended(ending: Ending | None) -> str:
    if ending is None:
        return "nothing is known"
    served = f"{_number(ending.served)} of {ending.entries} entries served whole"
    if ending.outcome != "completed":
        return f"{ending.outcome}, {served}"
    return f"{ending.disks}, {served}, {_number(ending.replica)} on the peer"


def _number(count: int | None) -> str:
    return "?" if count is None else str(count)
