"""Whichever parser gives the events, values, places and problems are the same; libyaml only makes it faster.

``WALRUS_HA_FUZZ=1000000 python -m tests.fuzz yaml`` compares many more texts.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import yamlevents, yamlfile
from harness.errors import InvalidInput

SCENARIOS = sorted((Path(__file__).parents[1] / "scenarios").rglob("*.yaml"))
SOON_S = 5.0  # of the processor; the slowest takes a fifth of it, by PyYAML's own parser


def said(text: str, by_python: bool = False) -> tuple[object, ...]:
    """Everything that a text says, and everything that is said about it."""
    try:
        found = (yamlfile.parse_by_python if by_python else yamlfile.parse)(text, "f.yml")
    except InvalidInput as invalid:
        return invalid.problems
    return repr(found.value), found.value_marks, found.key_marks, found.problems


def test_libyaml_is_there() -> None:
    """It is in the wheels of PyYAML; without it this file compares a parser with itself."""
    assert yamlevents.LIBYAML


def test_every_scenario_is_read_by_libyaml() -> None:
    slow = [path.name for path in SCENARIOS if not yamlevents.read_alike(path.read_text())]
    assert SCENARIOS
    assert slow == []


def test_every_scenario_says_the_same() -> None:
    assert [path.name for path in SCENARIOS if said(path.read_text()) != said(path.read_text(), True)] == []


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\r\nb:\r\n  - c\r\n",
        "a: 1\rb: 2\r",
        "a:\tb\n",
        "a: b\tc\n",
        "a: 'b\tc' \t# d\n",
        "a: [b,\tc]\n",
        "\ufeffa: 1\nb: no\n",
        "a: 1\n\ufeffb: no\n",
        "a: x\x85b: no\n",
        "a: x\u2028b: no\n",
        'a: "x\u2029\n  y": no\n',
        "a: \U0001f600 \n\U0001f600: no\n\U0001f600\U0001f600: {\U0001f600: no}\n",
        "ä: é\nö: [ü, no]\n",
        "{a?b: c}\n",
        "[a?, ?b]\n",
        "{? a : b}\n",
        "? a\n: b\n",
        "%YAML 1.9\n---\na: 1\n",
        "%TAG ! tag:x,2000:\n---\n!a b\n",
        'a: "\\\'"\n',
        'a: "\\/ \\x41\\u00e9\\U0001f600 \\\n   b"\n',
        'a: "\\ud83d\\ude00"\n',
        "a: 1\n...\nb: 2\n",
        "a: 1\n...\n",
        "a: !!str 1\nb: ! 2\nc: !<x> 3\n",
        "a:\n- b\n-\n- - c\n  -\n",
        "a: |2-\n    b\n\n   c\n\n",
        "a: >+\n  b\n  c\n\n    d\n\n  e\n\n",
        "a: |\n",
        "- |\n\n   \n  x\n",
        f"{'k' * 1023}: 1\n",
        f"{'k' * 1025}: 1\n",
        f"{{{'k' * 1025}: 1}}\n",
        "[a: b, c]\n",
        "{a, b: , : c}\n",
        "[-, - ]\n",
        "{a:}\n",
        "{a: , b: [c: ]}\n",
        "{a:   }\n",
        'x: {a: , b, c:   , d:, e: &x , f: "", g: }\n',
        "[a: , b:   ]\n",
        "[a: &x , b: !y ]\n",
        "{a:\n  , b: no}\n",
        "{a: # b:\n}\n",
        "{'a': , *x : }\n",
        "---",
        "--- # nothing",
        "a: b: c\n",
        "a: *x\n",
        "*a : b\n",
        "&a a: &b\n",
        '"a"b: c\n',
        "'a'#b: c\n",
        "a: b #c\n  d\n",
        "a: b\n#c\n  d\n",
    ],
)
def test_what_one_of_them_reads_in_its_own_way_says_the_same(text: str) -> None:
    assert said(text) == said(text, by_python=True)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#,?% \n\n\t~01.\\\ufeffé\U0001f600", max_size=60))
def test_any_text_says_the_same(text: str) -> None:
    assert said(text) == said(text, by_python=True)


def test_without_libyaml_a_text_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [path.read_text() for path in SCENARIOS[:5]]
    before = [said(text) for text in texts]
    monkeypatch.setattr(yamlevents, "LIBYAML", False)
    assert [said(text) for text in texts] == before


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 30_000,
        "- " * 60_000,
        "&a [" * 30_000,
        "a: '" + "x" * 120_000,
        "[" * 23 + "1, " * 40_000,
        ("[" * 20 + "1" + "]" * 20 + "\n") * 3000,
        "- " + "\n- ".join("[" * 23 + "]" * 23 for _ in range(2500)),
    ],
    ids=["lists", "maps", "dashes", "anchors", "open quote", "long within deep", "deep keys", "deep again and again"],
)
def test_libyaml_is_stopped_before_it_takes_long(text: str) -> None:
    """By itself it takes half a minute for 100,000 levels."""
    started = time.process_time()
    said(text)
    assert time.process_time() - started < SOON_S
