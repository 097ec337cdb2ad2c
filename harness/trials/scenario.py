"""A scenario: one YAML file that says how the world starts, what breaks when, what is done then and what must come out.

``python -m harness.trials.scenario`` prints the JSON Schema of the files.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field

from harness.evidence import DriverName, OfSite
from harness.trials.actions import Action, First
from harness.trials.expect import Expect
from harness.trials.fault_kinds import Fault
from harness.trials.literal.choices import Choices
from harness.trials.start import Before
from harness.yamlmodel import Strict

LabName = Literal["simulated", "containers", "privileged", "machines"]


class Beside(Strict):
    """What our engine makes of the same start as the vendor's text, and of the same kind of trouble."""

    faults: list[Fault] = Field(default_factory=list)
    then: list[Action] = Field(default_factory=list)
    expect: Expect = Expect(outcome="completed")


class ScenarioFile(Strict):
    """What stands in a scenario file."""

    claim: Annotated[str, Field(min_length=10, max_length=300)]
    labs: Annotated[list[LabName], Field(min_length=1)]
    not_in: dict[LabName, Annotated[str, Field(min_length=10)]] = Field(default_factory=dict)
    start: Before = Before()
    first: list[First] = Field(default_factory=list)
    driver: DriverName = "engine"
    choices: Choices = Choices()
    faults: list[Fault] = Field(default_factory=list)
    then: list[Action] = Field(default_factory=list)
    expect: Expect
    beside: Beside | None = None


class Scenario(ScenarioFile):
    """One scenario; its name is the file's, without the ending."""

    name: str
    source: str
    beside_of: str = ""  # the scenario of the vendor's text whose start this one shares
    of_site: OfSite | None = None  # the real site that it rehearses

    def engine_beside(self) -> Scenario | None:
        """The trial of our engine from the same start, where this one is the vendor's."""
        if self.beside is None:
            return None
        story = {"driver": "engine", "choices": Choices(), "beside": None, **dict(self.beside)}
        names = {"name": f"{self.name}.engine", "beside_of": self.name}
        claim = {"claim": f"our engine from the same start as: {self.claim}"}
        return Scenario.model_construct(**{**dict(self), **story, **names, **claim})


def schema_text() -> str:
    """The JSON Schema of scenario files."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ScenarioFile.model_json_schema()}
    schema["title"] = "A scenario of walrus-ha"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
