"""What a scenario expects: how its last attempt ends, and which checks judge the evidence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.trials.hazards import OneLine
from harness.yamlmodel import Strict

CheckName = Literal["durability", "exclusivity", "service", "replica", "reversibility", "foresight"]
OutcomeName = Literal[
    "completed", "rolled_back", "reversed", "reverse_taken_back", "stopped", "refused", "operator_needed"
]
ALL_CHECKS: tuple[CheckName, ...] = ("durability", "exclusivity", "service", "replica", "reversibility")


class Expect(Strict):
    """What must come out of the last attempt, and which checks judge the evidence."""

    outcome: OutcomeName
    findings: list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]] = Field(default_factory=list)
    copied_again: Annotated[float, Field(ge=0, le=1)] | None = None
    window_at_most_s: Annotated[float, Field(ge=0, le=30 * 86_400)] | None = None
    checks: Annotated[list[CheckName], Field(min_length=1)] = Field(default_factory=lambda: list(ALL_CHECKS))
    exit_status: Annotated[int, Field(ge=0, le=255)] | None = None
    caught_by: Annotated[
        list[CheckName],
        Field(description="Checks that must find something wrong: the trial passes when they do and fails when not."),
    ] = Field(default_factory=list)
    caught_saying: Annotated[
        list[OneLine], Field(description="Words that these checks must say, so that they catch this and nothing else.")
    ] = Field(default_factory=list)
