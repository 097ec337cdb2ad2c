"""Workflow files run other people's code by its hash only, may only read, and call targets that the Makefile has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]]


def test_there_are_workflows() -> None:
    assert {path.stem for path in WORKFLOWS} == {"ci", "deep-sweep"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_hash_and_may_only_read(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_people_may_type_never_becomes_part_of_a_script(path: Path) -> None:
    assert [step["run"] for step in steps(path) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_target_stands_in_the_makefile(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    called = {name for step in steps(path) for name in re.findall(r"^\s*make ([a-z -]+)$", step.get("run", ""), re.M)}
    assert called
    for name in {word for names in called for word in names.split()}:
        assert re.search(rf"^[a-z -]*\b{name}\b[a-z -]*:", makefile, re.M), name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_job_has_a_bound(path: Path) -> None:
    assert all(job["timeout-minutes"] <= 120 for job in yaml.safe_load(path.read_text())["jobs"].values())
