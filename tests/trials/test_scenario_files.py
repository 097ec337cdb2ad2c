"""The scenarios of this repository, their schema, and what a scenario file becomes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import InvalidInput
from harness.labs.lab import Start, StoreSpec
from harness.trials.actions import FreeDisk, Heal, PowerOn, Wait
from harness.trials.fault_kinds import KillEngine, LoseReply
from harness.trials.hazards import Differs
from harness.trials.scenario import Scenario, ScenarioFile, schema_text
from harness.trials.scenario_files import load_scenarios, read_scenario
from harness.trials.step_names import REVERSE_STEP_NAMES, STEP_NAMES, STEPS_OF

ROOT = Path(__file__).parents[2]
SCENARIOS = load_scenarios([ROOT / "scenarios"])
SCHEMA = ROOT / "docs" / "reference" / "scenario.schema.json"


def read(tmp_path: Path, text: str) -> Scenario:
    path = tmp_path / "some-claim.yaml"
    path.write_text(text)
    return read_scenario(path)


def test_the_schema_in_the_documentation_is_the_models() -> None:
    assert SCHEMA.read_text() == schema_text(), "regenerate it: python -m harness.trials.scenario > " + str(SCHEMA)


def test_the_schema_is_printed_by_the_module() -> None:
    command = [sys.executable, "-m", "harness.trials.scenario"]
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout == schema_text()


def test_the_core_scenarios_are_the_three_of_the_readme() -> None:
    assert [scenario.name for scenario in load_scenarios([ROOT / "scenarios" / "core"])] == [
        "copy-interrupted-by-engine-death-resumes",
        "failed-sync-link-lost-at-40-percent-heals",
        "success-with-full-sync",
    ]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_file_names_its_schema_and_says_why_it_matters(scenario: Scenario) -> None:
    path = Path(scenario.source)
    first, second, *_ = path.read_text().splitlines()
    relative = re.fullmatch(r"# yaml-language-server: \$schema=(.*)", first)
    assert relative, first
    assert (path.parent / relative[1]).resolve() == SCHEMA
    assert re.match(r"# [A-Z].{20,}", second)


def test_every_hazard_is_planted_by_a_scenario() -> None:
    planted = {name for scenario in SCENARIOS for name in scenario.start.differs.model_fields_set}
    assert planted == set(Differs.model_fields)


def test_a_file_becomes_a_scenario(tmp_path: Path) -> None:
    scenario = read(
        tmp_path,
        """\
claim: all that can be said about a story
labs: [simulated]
not_in: {machines: it has no fakes whose replies could be lost}
start:
  drbd: "8.3"
  store: {objects: 5, bytes: 1KiB, seed: 1, hostile_names: false}
  device_bytes: 1 GiB
  staging_bytes: 4096
  sync_rate: 20MiB
  settings: {first_sync: skip, waits: {stall: 5}}
  differs:
    uname: {additional: other}
    fstab_line: {host: original, line: "x y ext4"}
faults:
  - {do: kill_engine, at: {step: stage-store, moment: during, progress: 0.5}}
  - {do: lose_reply, host: clc, program: euca_conf}
  - {do: power_off, at: {step: commit, moment: after}, host: both}
  - {do: fill_disk, at: {step: commit, moment: before}, host: original, path: staging, until: freed}
then: [resume, {power_on: both}, {heal: all}, {wait_s: 3}, {free_disk: {host: original, path: staging}}]
expect: {outcome: completed, copied_again: 0.5, checks: [durability], exit_status: 0}
""",
    )
    assert (scenario.name, scenario.source) == ("some-claim", str(tmp_path / "some-claim.yaml"))
    assert isinstance(scenario.faults[0], KillEngine)
    assert scenario.faults[0].at.progress == 0.5
    assert scenario.faults[1] == LoseReply(do="lose_reply", host="clc", program="euca_conf", nth=1, at=None)
    resume, power_on, heal, wait, free = scenario.then
    assert resume == "resume"
    assert (power_on, heal, wait) == (PowerOn(power_on="both"), Heal(heal="all"), Wait(wait_s=3))
    assert isinstance(free, FreeDisk)
    assert scenario.start.to_lab() == Start(
        drbd="8.3",
        store=StoreSpec(5, 1024, 1, False),
        device_bytes=1024**3,
        staging_bytes=4096,
        sync_bytes_per_s=20 * 1024**2,
        settings={"first_sync": "skip", "waits": {"stall": 5}, "strategy": "staged"},
        differs={"uname": {"additional": "other"}, "fstab_line": {"host": "original", "line": "x y ext4"}},
    )


def test_the_smallest_file_has_a_healthy_world_and_all_checks(tmp_path: Path) -> None:
    scenario = read(tmp_path, "claim: nothing happens at all\nlabs: [simulated]\nexpect: {outcome: completed}\n")
    usual = Start(device_bytes=16 * 1024**2, sync_bytes_per_s=12 * 1024**2, settings={"strategy": "staged"})
    assert scenario.start.to_lab() == usual
    assert scenario.expect.checks == ["durability", "exclusivity", "service", "replica", "reversibility"]
    assert (scenario.faults, scenario.then) == ([], [])


def test_step_names_stand_in_the_order_of_the_plan() -> None:
    for steps in STEPS_OF.values():
        assert steps[0] == "register-additional"
        assert steps.index("connect-peers") < steps.index("wait-for-sync") < steps.index("commit")
    assert {step for steps in STEPS_OF.values() for step in steps} == set(STEP_NAMES)


def test_the_schema_knows_what_the_model_knows() -> None:
    schema = json.loads(schema_text())
    kinds = {kind["properties"]["do"]["const"] for kind in schema["$defs"].values() if "do" in kind["properties"]}
    assert {"kill_engine", "power_off", "lose_reply", "second_engine"} <= kinds
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["claim", "labs", "expect"]


def test_the_example_in_the_reference_is_good(tmp_path: Path) -> None:
    reference = (ROOT / "docs" / "reference" / "scenarios.md").read_text()
    assert read(tmp_path, reference.split("```yaml\n")[1].split("```")[0]).then == ["resume"]


def test_the_reference_names_every_step_fault_hazard_and_key() -> None:
    reference = (ROOT / "docs" / "reference" / "scenarios.md").read_text()
    definitions = json.loads(schema_text())["$defs"]
    faults = [kind["properties"]["do"]["const"] for kind in definitions.values() if "do" in kind["properties"]]
    keys = [key for name in ("Before", "StoreBefore", "Expect", "Differs") for key in definitions[name]["properties"]]
    for word in (*STEP_NAMES, *REVERSE_STEP_NAMES, *faults, *keys, *ScenarioFile.model_fields):
        assert f"`{word}" in reference, word


GOOD = "claim: nothing happens at all\nlabs: [simulated]\nexpect: {outcome: completed}\n"


def test_files_and_folders_are_read_sorted_by_name_and_once(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml", "deep/c.yml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(GOOD)
    (tmp_path / "notes.txt").write_text("not a scenario")
    found = load_scenarios([tmp_path / "b.yaml", tmp_path])
    assert [scenario.name for scenario in found] == ["a", "b", "c"]


def test_the_problems_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("claim", "clam"))
    (tmp_path / "b.yaml").write_text("")
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "good.yaml").write_text(GOOD)
    (tmp_path / "empty").mkdir()
    (tmp_path / "Odd name.yaml").write_text(GOOD)
    paths = [tmp_path, tmp_path / "none.yaml", tmp_path / "empty"]
    with pytest.raises(InvalidInput) as caught:
        load_scenarios(paths)
    assert [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems] == [
        "Odd name.yaml:1:1: 'Odd name' is no name for a scenario: small letters, digits and - "
        "(such as copy-interrupted-by-power-cut.yaml)",
        "a.yaml:1:1: the key 'claim' is missing here (add it)",
        "a.yaml:1:1: unknown key 'clam' (did you mean 'claim'?)",
        "b.yaml:1:1: the file is empty",
        "empty:1:1: no scenario here (scenarios are files that end in .yaml or .yml)",
        f"good.yaml:1:1: a second scenario with the name 'good'; the first is {tmp_path}/deep/good.yaml "
        "(the name of a file is its claim: choose another)",
        "none.yaml:1:1: no such file",
    ]
