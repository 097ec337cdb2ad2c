"""The report for programs is what its published schema says, in every state of a run; anything else is not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.labs import catalogue
from harness.labs.lab import Opened
from harness.logbook import FILE
from harness.migration.engine import Event
from harness.report.run import as_json, schema_text
from harness.run_report import report_of

from .test_a_real_run_is_told_on_one_page import START, carry_out, failing, typed

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "run-report.schema.json"


class Killed(BaseException):
    """The engine ends without a word."""


def wrong_with(told: Any) -> list[str]:
    """Everything in a report that is not as the published schema has it."""
    found = Draft202012Validator(json.loads(SCHEMA.read_text())).iter_errors(told)
    return [f"{error.json_path}: {error.message}" for error in found]


def printed(folder: Path) -> Any:
    """What ``walrus-ha report RUN --json`` prints of a run."""
    done = typed("report", str(folder), "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


# Runs in every state


def completed(folder: Path, opened: Opened) -> None:
    carry_out(folder, opened)


def rolled_back(folder: Path, opened: Opened) -> None:
    carry_out(folder, failing(opened, "mkfs", b"refused"))


def reversed_again(folder: Path, opened: Opened) -> None:
    carry_out(folder, opened)
    carry_out(folder, opened, "rollback")


def killed(folder: Path, opened: Opened) -> None:
    def die(event: Event) -> None:
        if (event.kind, event.step) == ("acting", "stage-store"):
            raise Killed

    with pytest.raises(Killed):
        carry_out(folder, opened, "migrate", die)


def halted(folder: Path, opened: Opened) -> None:
    """Past the commit point a host is lost for good."""

    def lose(event: Event) -> None:
        if (event.kind, event.step) == ("acting", "confirm-service"):
            opened.faults.power_off("additional")

    carry_out(folder, opened, "migrate", lose)


def resumed_by_order(folder: Path, opened: Opened) -> None:
    """Killed, gone on with, throttled meanwhile."""
    killed(folder, opened)

    def order(event: Event) -> None:
        if (event.kind, event.step) == ("acting", "wait-for-sync"):
            typed("throttle", str(folder), "2M")

    carry_out(folder, opened, "migrate", order)


def not_begun(folder: Path, opened: Opened) -> None:
    opened.faults.power_off("additional")
    carry_out(folder, opened)


STATES: dict[str, tuple[Callable[[Path, Opened], None], str]] = {
    "completed": (completed, "COMPLETED"),
    "rolled back": (rolled_back, "ROLLED BACK"),
    "reversed": (reversed_again, "REVERSED"),
    "killed": (killed, "STOPPED"),
    "halted": (halted, "STOPPED"),
    "resumed": (resumed_by_order, "COMPLETED"),
    "not begun": (not_begun, "NOT BEGUN"),
}


@pytest.mark.parametrize("state", STATES)
def test_the_report_of_a_run_is_as_its_schema_has_it(state: str, tmp_path: Path) -> None:
    carry_it_out, word = STATES[state]
    with catalogue.find("simulated").open(START) as opened:
        carry_it_out(tmp_path / "move", opened)
    told = printed(tmp_path / "move")
    assert told["word"] == word
    assert wrong_with(told) == []


def test_the_report_of_a_run_at_work_is_as_its_schema_has_it_at_every_step(tmp_path: Path) -> None:
    told: list[Any] = []

    def look_in(event: Event) -> None:
        if event.kind in ("acting", "done"):
            told.append(json.loads(as_json(report_of(tmp_path / "move"))))

    with catalogue.find("simulated").open(START) as opened:
        carry_out(tmp_path / "move", opened, "migrate", look_in)
    assert {one["word"] for one in told} == {"AT WORK"}
    assert len(told) > 20
    assert [wrong for one in told for wrong in wrong_with(one)] == []


def test_a_damaged_log_makes_no_report_that_its_schema_does_not_have(tmp_path: Path) -> None:
    with catalogue.find("simulated").open(START) as opened:
        completed(tmp_path / "move", opened)
    log = tmp_path / "move" / FILE
    lines = log.read_text().splitlines()
    request = next(json.loads(line) for line in lines if '"request"' in line)
    again = {"kind": "again", "host": request["host"], "what": request["what"], "times": -9}
    log.write_text("\n".join(map(json.dumps, [*map(json.loads, lines), {**request, "effect": "hope"}, again])) + "\n")
    told = printed(tmp_path / "move")
    assert wrong_with(told) == []
    assert any("2 lines of the log cannot be read" in note for note in told["notes"])


# Whatever is altered is noticed


def altered(told: Any) -> Iterator[tuple[str, Any]]:
    """The report with one thing in it changed: a key added, dropped, renamed or of another type; in lists the first."""
    for path, place in _objects(told, ()):
        yield f"{'.'.join(map(str, path))} with a key more", _with(told, path, place | {"more": ""})
        for key in place:
            for what, change in (("dropped", {}), ("renamed", {f"{key}_": place[key]}), ("a set", {key: {"no": 1}})):
                other = {name: value for name, value in place.items() if name != key} | change
                yield f"{'.'.join(map(str, (*path, key)))} {what}", _with(told, path, other)


def _objects(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from _objects(inner, (*path, key))
    elif isinstance(value, list) and value:
        yield from _objects(value[0], (*path, 0))


def _with(told: Any, path: tuple[str | int, ...], there: Any) -> Any:
    other = copy.deepcopy(told)
    if not path:
        return there
    inner = other
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = there
    return other


def test_a_report_with_one_thing_altered_is_not_as_the_schema_has_it(tmp_path: Path) -> None:
    with catalogue.find("simulated").open(START) as opened:
        resumed_by_order(tmp_path / "move", opened)
    told = printed(tmp_path / "move")
    told["requests"] = told["requests"][:2]
    told["chapters"][0]["troubles"] = [{"date": "2013", "step": "commit", "why": "for the sake of its keys"}]
    assert wrong_with(told) == []
    cases = list(altered(told))
    assert len(cases) > 150
    assert [name for name, other in cases if not wrong_with(other)] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("word", "FINE"),
        ("mark", "GREEN"),
        ("exit_status", "0"),
        ("format", 2),
        ("hosts", [["walrus00"]]),
        ("notes", [1]),
    ],
)
def test_a_word_that_the_report_never_says_is_not_as_the_schema_has_it(key: str, value: Any, tmp_path: Path) -> None:
    with catalogue.find("simulated").open(START) as opened:
        not_begun(tmp_path / "move", opened)
    assert len(wrong_with({**printed(tmp_path / "move"), key: value})) == 1


def test_the_schema_in_the_documentation_is_the_models() -> None:
    assert SCHEMA.read_text() == schema_text(), f"regenerate it: python -m harness.report.run > {SCHEMA}"
    Draft202012Validator.check_schema(json.loads(schema_text()))
