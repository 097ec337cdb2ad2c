"""No input makes a parser raise anything but its documented errors, take a second, or return what a shell would read.

2,000 inputs a parser; ``WALRUS_HA_FUZZ=1000000 make fuzz`` asks for more.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import UnexpectedOutput
from harness.hosts import script
from tests.fuzz import fuzzing
from tests.fuzz.fuzzing import fuzz
from tests.fuzz.inputs import Inputs, kept
from tests.fuzz.parsers import PARSERS, Parser
from tests.fuzz.quoting import Quoting, Unquoted

COUNT = int(os.environ.get("WALRUS_HA_FUZZ", "2000"))
SLOW = {"inventory", "scenario", "yaml"}  # what is wrong in YAML is said by PyYAML's own Python
SEED = 20121218


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_parser_survives(parser: Parser) -> None:
    count = COUNT if "WALRUS_HA_FUZZ" in os.environ or parser.name not in SLOW else COUNT // 8
    report = fuzz(parser, count, SEED)
    assert not report.finds, "\n".join(map(str, report.finds.values()))
    assert report.parsed, "no input was understood, so nothing was tried"


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_the_same_seed_gives_the_same_inputs(parser: Parser) -> None:
    texts = kept(parser.name)
    one, other = (Inputs(texts, parser.tokens, parser.sentence, 3) for _ in range(2))
    assert [one.next() for _ in range(50)] == [other.next() for _ in range(50)]


def _parser(parse: object) -> Parser:
    assert callable(parse)
    return Parser("swaps", parse, (UnexpectedOutput,), sentence=lambda chance: b"x")


def test_an_error_of_python_is_a_find() -> None:
    report = fuzz(_parser(lambda given: int(given)), 50, 1)
    assert any("ValueError" in find.what for find in report.finds.values())


def test_a_slow_input_is_a_find() -> None:
    def forever(given: bytes) -> None:
        while True:
            pass

    assert "slow" in fuzz(_parser(forever), 1, 1).finds


def test_several_processes_go_through_the_same_inputs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fuzzing, "_SHARE", 40)

    def inputs(processes: int) -> list[str]:
        seen = tmp_path / f"seen-by-{processes}"

        def see(given: bytes) -> None:
            with seen.open("a") as file:
                file.write(f"{given.hex()}\n")

        report = fuzz(_parser(see), 150, SEED, processes=processes)
        assert (report.inputs, report.finds) == (150, {})
        return sorted(seen.read_text().split("\n"))

    alone = inputs(1)
    assert alone == inputs(2)
    assert len(set(alone)) > 75, "shares repeat each other"


def test_a_process_that_dies_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "_SHARE", 10)
    assert "died" in fuzz(_parser(lambda given: os._exit(3)), 30, 1, processes=2).finds


def test_a_value_that_loses_its_quotes_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "quote", lambda argument: f"'{argument}'")
    with pytest.raises((Unquoted, ValueError)):
        Quoting(10, 1).check(["it's"])


def test_a_shell_that_changes_a_value_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    quoting = Quoting(10, 1)
    quoting.sample = ["$HOME"]
    monkeypatch.setattr(script, "quote", lambda argument: f'"{argument}"')
    with pytest.raises(Unquoted, match="HOME"):
        quoting.ask_a_shell()
