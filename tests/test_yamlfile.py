"""YAML that strangers wrote gives plain values with their places, or a typed error, soon."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import yamlfile, yamlwords
from harness.errors import InvalidInput, Problem

SOON_S = 5.0  # the hostile files take a tenth of this on an idle machine


def problems(text: str) -> list[str]:
    """Everything said about a text, noted or raised."""
    try:
        return [str(problem) for problem in yamlfile.parse(text, "f.yml").problems]
    except InvalidInput as invalid:
        return [str(problem) for problem in invalid.problems]


def test_plain_values_have_places() -> None:
    document = yamlfile.parse("a: 1\nb:\n  - true\n  - {c: ~, d: 8.4}\n  - |\n    two\n    lines\n", "f.yml")
    assert document.value == {"a": 1, "b": [True, {"c": None, "d": 8.4}, "two\nlines\n"]}
    assert document.problems == []
    assert document.mark(("b", 1, "d")) == (4, 15)
    assert document.mark(("b", 1, "d"), at_key=True) == (4, 12)
    assert document.mark(("b", 1)) == (4, 5)


def test_words_that_every_reader_takes_alike_are_read() -> None:
    words = {"3.2.2": "3.2.2", "n": "n", "10.0.0.1": "10.0.0.1", "fe80::1": "fe80::1", "-5": -5, "0": 0, "0.5": 0.5}
    assert {word: yamlwords.resolve(word) for word in words} == words


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("no", "true or false"),
        ("On", "true or false"),
        ("0644", "octal"),
        ("0o17", "octal"),
        ("12:30:00", "base 60"),
        ("1:20", "base 60"),
        ("1_000", "no number"),
        ("1e3", "no number"),
        ("99999999999999999999", "no number"),
        ("0x1f", "base 2 or 16"),
        ("2012-12-18", "a date"),
        (".inf", "not a finite number"),
        ("=", "special"),
    ],
)
def test_words_that_readers_disagree_about_are_errors(word: str, meaning: str) -> None:
    (said,) = problems(f"key: {word}\n")
    assert said.startswith("f.yml:1:6: ")
    assert meaning in said
    assert problems(f'key: "{word}"\n') == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yml:3:1: key 'a' stands here a second time; the first is in line 1 (keep one"),
        ("a: {b: 1, b: 2}\n", "f.yml:1:11: key 'b' stands here a second time; the first is in line 1"),
        ("1: x\n", 'f.yml:1:1: keys are text (write "1")'),
        ("<<: {a: 1}\n", "f.yml:1:1: merge keys are not read (write the keys out)"),
        ("a: !!python/object/apply:os.system [x]\n", "f.yml:1:4: the tag !!python/object/apply:os.system is not"),
        ("a: !vault |\n  633\n", "f.yml:1:4: encrypted values (!vault) are not read"),
        ("a: '{{ x }}'\n", "f.yml:1:4: templates are not evaluated here (write the value itself)"),
        ("a: {{ x }}\n", "f.yml:1:5: a map or list cannot be a key (templates such as {{ name }} are not"),
        ('a: "\\0"\n', "f.yml:1:4: text with the invisible character U+0000 (remove it)"),
        ('a: "\\ud800"\n', "f.yml:1:4: text with the invisible character U+D800 (remove it)"),
        ("a: x\u202ey\n", "f.yml:1:4: text with the invisible character U+202E (remove it)"),
        ("a: x\n\x00", "f.yml:2:1: a YAML file cannot hold the character U+0000"),
        ("a:\n\tb: 1\n", "f.yml:2:1: not YAML: while scanning for the next token, found character '\\t'"),
        ("a: [1\n", "f.yml:2:1: not YAML: while parsing a flow sequence"),
        ("a: *x\n", "f.yml:1:4: no anchor &x stands before this alias"),
        ("a: &x [*x]\n", "f.yml:1:8: *x contains itself"),
        ("a: &x 1\n*x : 2\n", "f.yml:2:1: an alias cannot be a key"),
        ("a: 1\n---\nb: 2\n", "f.yml:2:1: a second document in one file"),
        ("# nothing\n", "f.yml:1:1: the file is empty"),
        ('a: "\\UFFFFFFFF"\n', "f.yml:1:1: not YAML: an escape or directive holds too large"),
        ("%YAML 1." + "9" * 5000 + "\n---\na\n", "f.yml:1:1: not YAML: an escape or directive holds too large"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(text: str, expected: str) -> None:
    (said,) = problems(text)
    assert said.startswith(expected)


def test_everything_wrong_is_said_at_once() -> None:
    assert [said.split(":")[1] for said in problems("a: no\na: 1\nb: 0644\nc: !x y\n")] == ["1", "2", "3", "4"]


def test_a_value_that_could_not_be_read_is_not_complained_about_again() -> None:
    document = yamlfile.parse("port: 0644\n", "f.yml")
    document.complain(("port",), "expected a whole number, found nothing")
    assert len(document.problems) == 1


def test_the_value_of_a_repeated_key_is_dropped() -> None:
    assert yamlfile.parse("a: {b: 1}\na: {c: 2}\n", "f.yml").value == {"a": {"b": 1}}


def test_an_alias_stands_where_it_is_used() -> None:
    document = yamlfile.parse("one: &it {port: x}\ntwo: *it\n", "f.yml")
    assert document.value["two"] == {"port": "x"}
    assert document.mark(("two", "port")) == (2, 6)


def test_gathered_values_keep_their_places() -> None:
    document = yamlfile.parse("a: {x: {deep: 1}}\nb:\n  y: 2\n", "f.yml")
    gathered = document.gather({"x": ("a", "x"), "y": ("b", "y")}, ("b",))
    assert gathered.value == {"x": {"deep": 1}, "y": 2}
    assert gathered.mark(("x", "deep")) == document.mark(("a", "x", "deep"))
    gathered.complain(("y",), "wrong")
    assert document.problems == [Problem("f.yml", 3, 6, "wrong")]


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (LAUGHS, "aliases followed"),
        ("[" * 100_000, "deeper"),
        ("a: {" * 25_000, "deeper"),
        ("- " * 60_000, "deeper"),
        ("&a [" * 30_000, "deeper"),
        ("a: [" + "1," * 60_000 + "]", "values"),
        ("? " * 60_000, "key"),
        ("a: '" + "x" * 120_000, "not YAML"),
    ],
    ids=["laughs", "lists", "maps", "dashes", "anchors", "long", "complex keys", "open quote"],
)
def test_hostile_files_end_soon_in_one_error(text: str, word: str) -> None:
    started = time.monotonic()
    (said,) = problems(text)
    assert word in said
    assert time.monotonic() - started < SOON_S


def test_a_chain_of_aliases_cannot_grow_deep() -> None:
    chain = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60))
    (said,) = problems(chain)
    assert f"{yamlfile.MAX_DEPTH} levels" in said


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"x" * 10_000_000, ":1:1: larger than 128 KiB"),
        (b"a: 1\nb: \xff\xfe\n", ":2:4: byte 0xff is not UTF-8"),
        ("ä: ü\nb: ".encode() + b"\xc3", ":2:4: byte 0xc3 is not UTF-8"),
        (b"", ":1:1: the file is empty"),
    ],
    ids=["10 MB", "not UTF-8", "cut in a character", "empty"],
)
def test_files_that_are_no_yaml_text(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "f.yml"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        yamlfile.read(path)
    assert str(caught.value) == f"{path}{expected}"


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    for path, expected in ((tmp_path / "none.yml", "no such file"), (tmp_path, "not a regular file")):
        with pytest.raises(InvalidInput) as caught:
            yamlfile.read(path)
        assert str(caught.value) == f"{path}:1:1: {expected}"
    with pytest.raises(InvalidInput):
        yamlfile.read(tmp_path / "nul\0byte")


@given(st.text(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>'\"#,? \n\t%@01~<=.", max_size=80))
def test_any_text_gives_a_document_or_invalid_input(text: str) -> None:
    problems(text)


_TEXT = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs"), exclude_characters="{%\ufffe\uffff"), max_size=20)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES)
def test_what_was_written_as_json_is_read_as_the_same(value: object) -> None:
    document = yamlfile.parse(json.dumps(value, ensure_ascii=False), "f.json")
    assert document.problems == []
    assert document.value == value
