"""Reading scenarios from their files: all that is wrong with them is said at once, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from harness import yamlfile
from harness.errors import InvalidInput, Problem
from harness.trials.possible import impossible
from harness.trials.scenario import Scenario, ScenarioFile
from harness.yamlmodel import validate

_NAME = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")


def load_scenarios(paths: Iterable[Path]) -> list[Scenario]:
    """Read scenario files, and all of those below folders, sorted by name; after each of the vendor's our engine's.

    Raises:
        InvalidInput: with every problem of every file, each with line, column and a suggestion.
    """
    problems: list[Problem] = []
    found: dict[str, Scenario] = {}
    for path in dict.fromkeys(file for given in paths for file in _files(given, problems)):
        try:
            scenario = read_scenario(path)
        except InvalidInput as invalid:
            problems += [problem for problem in invalid.problems if isinstance(problem, Problem)]
            continue
        known = found.setdefault(scenario.name, scenario)
        if known is not scenario:
            message = f"a second scenario with the name {scenario.name!r}; the first is {known.source}"
            problems.append(Problem(str(path), 1, 1, message, "the name of a file is its claim: choose another"))
    if problems:
        raise InvalidInput(*sorted(problems))
    return [one for name in sorted(found) for one in (found[name], found[name].engine_beside()) if one]


def _files(path: Path, problems: list[Problem]) -> list[Path]:
    """The scenario files that a path means."""
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())
    if not files:
        problems.append(Problem(str(path), 1, 1, "no scenario here", "scenarios are files that end in .yaml or .yml"))
    return files


def read_scenario(path: Path) -> Scenario:
    """The scenario in one file.

    Raises:
        InvalidInput: with every problem of the file.
    """
    document = yamlfile.read(path)
    parsed = validate(document, ScenarioFile)
    for found in impossible(parsed) if parsed else ():
        document.complain(found.location, found.message, found.suggestion)
    if not _NAME.fullmatch(path.stem):
        hint = "such as copy-interrupted-by-power-cut.yaml"
        document.complain((), f"{path.stem!r} is no name for a scenario: small letters, digits and -", hint)
    document.require_sound()
    assert parsed is not None, "a sound document gives a scenario"
    return Scenario.model_construct(name=path.stem, source=str(path), **dict(parsed))
