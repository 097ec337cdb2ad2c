"""The report for programs. Others rely on these keys: add none, drop none, rename none without a new major version.

``python -m harness.report.json_report`` prints the JSON Schema of a rehearsal's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from harness.checks.verdict import Judgement
from harness.report.model import FindingLine, RehearsalReport, TrialReport, printable
from harness.report.site import SiteTold

Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class TrialTold:
    """A trial. ``reason`` is empty for a PASS, ``trace_hash`` for a trial that was not run to its end.

    ``site`` is there where a site is rehearsed, and absent otherwise.
    """

    scenario: str
    lab: str
    verdict: Literal["PASS", "FAIL", "INCONCLUSIVE", "SKIPPED"]
    seconds: Annotated[float, Field(ge=0)]
    reason: str
    trace_hash: Annotated[str, Field(pattern=r"^[0-9a-f]*$")]
    site: SiteTold | None = None


@dataclass(frozen=True)
class SummaryTold:
    """How many trials of each verdict."""

    passed: Annotated[Count, Field(serialization_alias="pass")]
    failed: Annotated[Count, Field(serialization_alias="fail")]
    inconclusive: Count
    skipped: Count


@dataclass(frozen=True)
class RehearsalTold:
    """A rehearsal, its trials in the order in which they were run."""

    trials: tuple[TrialTold, ...]
    summary: SummaryTold


_REHEARSAL = TypeAdapter(RehearsalTold)


def render(report: RehearsalReport) -> str:
    """A rehearsal: what docs/reference/rehearsal-report.schema.json describes."""
    summary = report.summary
    told = RehearsalTold(
        tuple(_trial(trial) for trial in report.trials),
        SummaryTold(summary.passed, summary.failed, summary.inconclusive, summary.skipped),
    )
    values = _REHEARSAL.dump_python(told, mode="json", by_alias=True)
    for trial in values["trials"]:
        if trial["site"] is None:
            del trial["site"]
    return _dump(values)


def schema_text() -> str:
    """The JSON Schema of a rehearsal: every key is there, save ``site`` where there is none, and no other."""
    schema = _REHEARSAL.json_schema(mode="serialization", by_alias=True)
    for one in (schema, *schema["$defs"].values()):
        one |= {"additionalProperties": False, "required": list(one["properties"])}
    trial = schema["$defs"]["TrialTold"]
    trial["required"].remove("site")
    trial["properties"]["site"] = {"$ref": "#/$defs/SiteTold"}
    told: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    told["title"] = "A rehearsal, as walrus-ha rehearse --json prints it"
    return json.dumps(told, indent=2, sort_keys=True) + "\n"


def render_findings(findings: Sequence[FindingLine]) -> str:
    """A look at the hosts: ``{"findings": [...]}``."""
    keys = ("id", "host", "severity", "message", "remedy")
    return _dump({"findings": [{key: printable(getattr(finding, key)) for key in keys} for finding in findings]})


def render_judgement(judgement: Judgement) -> str:
    """One judgement with all that each check said."""
    findings = [
        {
            "check": finding.check,
            "verdict": finding.verdict.value,
            "reason": printable(finding.reason),
            "detail": [printable(sentence) for sentence in finding.detail],
        }
        for finding in judgement.findings
    ]
    return _dump({"verdict": judgement.verdict.value, "reason": printable(judgement.reason), "findings": findings})


def _trial(trial: TrialReport) -> TrialTold:
    return TrialTold(
        scenario=trial.scenario,
        lab=trial.lab,
        verdict=trial.verdict.value,
        seconds=round(trial.seconds, 3),
        reason=printable(trial.reason),
        trace_hash=trial.trace_hash,
        site=trial.site.told() if trial.site else None,
    )


def _dump(value: object) -> str:
    return json.dumps(value, indent=2)


if __name__ == "__main__":
    print(schema_text(), end="")
