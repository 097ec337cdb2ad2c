"""``walrus-ha explain`` has a page for every name that the code can say, and none for what is gone."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from click.testing import CliRunner

import harness
from harness.checks.control import CONTROL
from harness.checks.verdict import CHECKS
from harness.cli import walrus_ha
from harness.errors import InvalidInput, WalrusHaError
from harness.explain import render
from harness.explain.page import Page, find, pages
from harness.migration import plan, retire
from harness.migration.step import Step

ROOT = Path(__file__).parents[1]
_NOT_TO_IMPORT = ("harness.__main__",)


def _every_module() -> None:
    for module in pkgutil.walk_packages(harness.__path__, "harness."):
        if module.name not in _NOT_TO_IMPORT and not module.name.endswith(".__main__"):
            importlib.import_module(module.name)


Class = TypeVar("Class")


def _descendants(of: type[Class]) -> Iterator[type[Class]]:
    child: type[Class]
    for child in of.__subclasses__():
        if child.__module__.startswith("harness."):
            yield child
        yield from _descendants(child)


def _errors() -> list[type[WalrusHaError]]:
    _every_module()
    return [WalrusHaError, *_descendants(WalrusHaError)]


def _sources(below: str) -> Iterator[ast.Module]:
    for path in sorted((ROOT / below).rglob("*.py")):
        yield ast.parse(path.read_text(), str(path))


def _calls(*names: str, below: str = "harness") -> Iterator[ast.Call]:
    for source in _sources(below):
        for node in ast.walk(source):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield node


def _said(kind: str) -> set[str]:
    return {page.name for page in pages() if page.kind == kind}


def test_every_step_has_a_page() -> None:
    _every_module()
    steps = {step.name for step in _descendants(Step) if hasattr(step, "name")}
    assert {step.name for make in plan.PLANS.values() for step in make()} <= steps
    assert _said("step") == {*steps, retire.STEP}


def test_every_finding_has_a_page() -> None:
    found = set()
    for call in _calls("error", "warning"):
        first = call.args[0] if call.args else None
        assert isinstance(first, ast.Constant), (
            f"line {call.lineno}: the id of a finding is a word that can be looked up"
        )
        found.add(first.value)
    assert "uid-differs" in found
    assert len(list(_calls("Finding", below="harness/migration"))) == 2, "a finding is made by error and warning alone"
    assert _said("finding") == found


def test_every_error_has_a_page() -> None:
    assert _said("error") == {error.word() for error in _errors()}


def test_every_exit_status_has_a_page() -> None:
    statuses = {error.exit_status for error in _errors()}
    for call in _calls("Outcome"):
        if isinstance(call.args[1], ast.Constant) and isinstance(call.args[1].value, int):
            statuses.add(call.args[1].value)
    statuses |= {0, 2, 130}  # done, click's own for usage, interrupted
    assert _said("status") == {f"exit-{status}" for status in statuses}


def test_every_check_that_judges_a_trial_has_a_page() -> None:
    judged = {CONTROL}
    for call in _calls(*_JUDGING, below="harness/checks"):
        first = call.args[0] if call.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            judged.add(first.value)
    assert set(CHECKS) < judged
    assert _said("check") == judged


_JUDGING = ("Finding", "weigh", "not_asked")


def _undone(name: str) -> bool:
    return any(step.name == name and step.undo_summary for step in _descendants(Step) if hasattr(step, "name"))


@pytest.mark.parametrize("page", [page for page in pages() if page.kind == "step"], ids=lambda page: page.name)
def test_what_undoes_a_step_is_what_the_step_says(page: Page) -> None:
    assert page.undo.startswith("Nothing") != _undone(page.name) or page.name == retire.STEP


def test_traps_are_those_of_the_page_on_traps() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*?) \| (.*)", (ROOT / "docs/explanation/traps.md").read_text(), re.MULTILINE)
    told = {trap.id: trap.text for page in pages() for trap in page.traps}
    for number, text, answer in rows:
        assert told.get(number, text) == text
        for name in _said("finding") & set(re.findall(r"`([a-z-]+)`", answer)):
            (page,) = [page for page in find(name) if page.kind == "finding"]
            assert number in [trap.id for trap in page.traps], f"{name} answers trap {number}"


def test_every_trap_is_answered_by_a_page() -> None:
    numbers = {str(number) for number in range(1, 30)} | {f"H{number}" for number in range(1, 9)}
    assert numbers - {trap.id for page in pages() for trap in page.traps} == set()


def test_the_reference_is_current() -> None:
    written = (ROOT / "docs/reference/explain.md").read_text()
    assert written == render.markdown(pages()), "make it anew: walrus-ha explain --markdown > docs/reference/explain.md"


def _run(*argv: str) -> tuple[int, str]:
    result = CliRunner().invoke(walrus_ha, ["explain", *argv])
    error = result.exception
    return (error.exit_status, str(error)) if isinstance(error, WalrusHaError) else (result.exit_code, result.stdout)


@pytest.mark.parametrize("page", pages(), ids=lambda page: f"{page.kind}-{page.name}")
def test_a_page_says_why_what_it_needs_what_undoes_it_and_what_is_at_risk(page: Page) -> None:
    status, said = _run(page.name)
    assert status == 0
    plain = " ".join(said.split())
    for part in (page.means, page.why, page.needs, page.undo, page.risk):
        assert part
        assert " ".join(part.split()) in plain


def test_without_a_name_all_are_listed() -> None:
    status, said = _run()
    assert status == 0
    assert {page.name for page in pages()} <= set(said.split())
    listed = json.loads(_run("--json")[1])["names"]
    assert set(listed["step"]) == _said("step")
    assert set(listed["finding"]) == _said("finding")


def test_an_unknown_name_ends_with_2_and_the_nearest_names() -> None:
    status, said = _run("mount-devise")
    assert status == 2
    assert "mount-device" in said
    assert "mount-aside" in said
    with pytest.raises(InvalidInput):
        find("")


@pytest.mark.parametrize(
    ("asked", "name"), [("StepBlocked", "step-blocked"), ("4", "exit-4"), ("exit 130", "exit-130")]
)
def test_a_class_and_a_bare_status_will_do(asked: str, name: str) -> None:
    (page,) = json.loads(_run(asked, "--json")[1])["pages"]
    assert page["name"] == name


def test_a_name_of_two_kinds_tells_both() -> None:
    assert [page.kind for page in find("unreachable")] == ["finding", "error"]
