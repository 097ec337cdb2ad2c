"""What the pages send their reader to is there: links, make's targets, the tool's verbs, scenarios, labs."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import click
import pytest

from harness.cli import walrus_ha
from harness.labs import doctor

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "fakes").glob("*.md")])
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_SHOWN = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)  # words of English are not commands
_COMMENT = re.compile(r"(?:^| +)# .*$", re.MULTILINE)
_MAKE = re.compile(r"(?:^|[`;&]\s*|\$ )make ([a-z]\w*)", re.MULTILINE)
_VERB = re.compile(r"(?:^|[`;&(\s/])walrus-ha ([a-z]+)(?: ([a-z]+))?", re.MULTILINE)
_SCENARIO = re.compile(r"\bscenarios(?:/[\w.-]+)+")
_LAB = re.compile(r"\blab up ([a-z]+)|--lab ([a-z]+)")

_ABROAD = {"https://keepachangelog.com/en/1.1.0/"}  # no test asks the network: each was opened by whoever added it
_NAMED_BY_CODE = re.compile(r"docs/[\w/-]+\.md")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def _shown(page: Path) -> str:
    """What stands as code on a page, without its comments."""
    return "\n".join(_COMMENT.sub("", shown) for shown in _SHOWN.findall(page.read_text()))


def _anchors(page: Path) -> set[str]:
    """Of every heading; one that was there before gets a number, as on GitHub."""
    anchors: set[str] = set()
    seen: Counter[str] = Counter()
    for heading in _HEADING.findall(_FENCE.sub("", page.read_text())):
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        anchors.add(f"{plain}-{seen[plain]}" if seen[plain] else plain)
        seen[plain] += 1
    return anchors


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if "://" in link:
            assert link in _ABROAD, f"{page.name}: open {link} once, and list it here"
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in _anchors(target), f"{page.name}: {link} names no heading of {target.name}"


def test_no_page_links_in_another_way() -> None:
    """What is a link in another notation would not be looked at above."""
    for page in PAGES:
        outside = re.sub(r"`[^`]*`", "", _FENCE.sub("", page.read_text()))
        assert not re.findall(r"^ *\[[^\]]+\]: |<(?:a|img) |<https?:", outside, re.MULTILINE), page.name


def test_pages_that_the_code_names_exist() -> None:
    sources = [*(ROOT / "harness").rglob("*.py"), *(ROOT / "harness").rglob("*.yaml")]
    named = {page for source in sources for page in _NAMED_BY_CODE.findall(source.read_text())}
    assert "docs/how-to/production.md" in named
    assert [page for page in sorted(named) if not (ROOT / page).exists()] == []


@pages
def test_targets_that_are_named_can_be_made(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]\w*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(_MAKE.findall(_shown(page))) <= targets


@pages
def test_verbs_that_are_named_exist(page: Path) -> None:
    context = click.Context(walrus_ha)
    for verb, below in _VERB.findall(_shown(page)):
        command = walrus_ha.get_command(context, verb)
        assert command is not None, f"{page.name}: walrus-ha {verb}"
        if isinstance(command, click.Group) and below:
            assert command.get_command(context, below) is not None, f"{page.name}: walrus-ha {verb} {below}"


@pages
def test_scenarios_and_labs_that_are_named_exist(page: Path) -> None:
    shown = _shown(page)
    for scenario in _SCENARIO.findall(shown):
        assert "NAME" in scenario or (ROOT / scenario).exists(), f"{page.name}: {scenario}"
    named = {name for names in _LAB.findall(shown) for name in names if name}
    assert named <= set(doctor.NAMES), page.name


def test_every_verb_and_every_target_is_told() -> None:
    commands = (ROOT / "docs" / "reference" / "commands.md").read_text()
    untold = [verb for verb in walrus_ha.list_commands(click.Context(walrus_ha)) if f"`{verb}" not in commands]
    assert not untold
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets
    unhelped = [
        name for name in targets[1].split() if name != "help" and not re.search(rf"^# make {name}\b", makefile, re.M)
    ]
    assert not unhelped


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_page_on_labs_says_of_every_fault_where_it_exists() -> None:
    schema = json.loads((ROOT / "docs" / "reference" / "scenario.schema.json").read_text())
    faults = {
        form["properties"]["do"]["const"] for form in schema["$defs"].values() if "do" in form.get("properties", {})
    }
    page = (ROOT / "docs" / "explanation" / "labs.md").read_text()
    assert not [fault for fault in sorted(faults) if f"`{fault}`" not in page]
    assert faults
