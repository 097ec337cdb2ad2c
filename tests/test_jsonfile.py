"""JSON files are read as strictly as YAML, with every problem at its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import jsonfile, yamlfile
from harness.errors import InvalidInput, Problem

ODD = [
    ('{"a": 1, "a": 2}', "1:10: key 'a' stands here a second time"),
    ('{"a": 1e3}', "1:7: 1e3 is no number that every reader takes alike"),
    ('{"a": NaN}', ""),
    ('{"a":\n "x\\u202ey"}', "2:2: text with the invisible character U+202E"),
    ('{"a": "{{ b }}"}', "1:7: templates are not evaluated here"),
    ('{"a": ' + "9" * 30 + "}", "1:7: "),
    ("[" * 30 + "]" * 30, "nested deeper than 24 levels"),
    ("[" * 100_000, ""),
]


def read(tmp_path: Path, text: str) -> yamlfile.Document:
    path = tmp_path / "f.json"
    path.write_text(text)
    return jsonfile.read(path)


@pytest.mark.parametrize(("text", "said"), ODD)
def test_what_is_odd_is_said_as_for_yaml(tmp_path: Path, text: str, said: str) -> None:
    def problems_of(parse: Callable[[], yamlfile.Document]) -> str:
        try:
            document = parse()
            document.require_sound()
            return json.dumps(document.value)
        except InvalidInput as error:
            return str(error)

    found = problems_of(lambda: read(tmp_path, text))
    assert said in found
    assert found == problems_of(lambda: yamlfile.parse(text, str(tmp_path / "f.json")))


@pytest.mark.parametrize("text", ['{"a": 1,}', "{'a': 1}", "a: 1", '{"a": 1}\n{"b": 2}', ""])
def test_what_is_no_json_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match=r"f\.json:\d+:\d+: not JSON: "):
        read(tmp_path, text)


def test_a_problem_found_later_has_its_place(tmp_path: Path) -> None:
    document = read(tmp_path, '{"a": 1,\n "b": [1,\n  2]}')
    document.complain(("b", 1), "two is one too many")
    document.complain(("a",), "no a is wanted", at_key=True)
    with pytest.raises(InvalidInput) as caught:
        document.require_sound()
    places = [(one.line, one.column) for one in caught.value.problems if isinstance(one, Problem)]
    assert places == [(1, 2), (3, 3)]


def test_what_is_sound_is_what_yaml_reads(tmp_path: Path) -> None:
    text = json.dumps({"a": [1, 2.5, None, True, "x: y", "ä\n"], "b": {}, "c": [[]]}, indent=1)
    assert read(tmp_path, text).value == yamlfile.parse(text, "f").value == json.loads(text)
