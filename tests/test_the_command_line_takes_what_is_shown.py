"""Whatever README and docs tell people to type after ``walrus-ha`` is taken by the real command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from harness.cli import walrus_ha
from tests.shown import PAGES, ROOT, blocks, name_of

_INLINE = re.compile(r"`((?:\.venv/bin/)?walrus-ha [^`]+)`")
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")

_PLACEHOLDERS = {
    "N": "1",
    "DAYS": "7",
    "VERSION": "8.3",
    "FACTOR": "0.5",
    "SHELL": "bash",
    "RATE": "20M",
    "LAB": "containers",
    "COMMAND": "check",
}


def _arguments(command: str) -> list[str] | None:
    """The words behind ``walrus-ha`` in a line; None where another program is called."""
    words = shlex.split(command.partition(">")[0].partition("|")[0], comments=True)
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    if not words or words[0].rsplit("/", 1)[-1] != "walrus-ha":
        return None
    return [_PLACEHOLDERS.get(word, word) for word in words[1:]]


def _parse(words: list[str]) -> None:
    """Let the real command line take the words, without doing what they say.

    Raises:
        click.UsageError: it does not take them. A file that is not there is none of its business here.
    """
    command: click.Command = walrus_ha
    context = click.Context(walrus_ha, info_name="walrus-ha")
    while isinstance(command, click.Group):
        if words and words[0].startswith("-"):
            return _options_exist(command, words)
        name, command_, words = command.resolve_command(context, words)
        assert command_ is not None, name
        command = command_
    try:
        command.make_context(command.name, list(words), parent=context)
    except click.BadParameter as wrong:
        if "does not exist" not in wrong.message:
            raise
    return None


def _options_exist(command: click.Command, words: list[str]) -> None:
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
    assert set(words) <= known, words


def _shown() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for command in blocks(page):
            yield page, command
        outside = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        for command in _INLINE.findall(outside):
            yield page, " ".join(command.split())


_WORDS_OF_A_LINE = [
    pytest.param(words, id=f"{name_of(page)}:{command[:70]}")
    for page, command in _shown()
    if (words := _arguments(command)) and not set(command) & set("[…") and "..." not in command
]


@pytest.mark.parametrize("words", _WORDS_OF_A_LINE)
def test_the_command_line_takes_what_is_shown(words: list[str]) -> None:
    try:
        _parse(words)
    except click.exceptions.Exit:
        assert words[-1] in ("--help", "-h", "--version")  # done at once
    except click.MissingParameter:
        assert len(words) <= 2  # a command that is only named needs no arguments
    except click.BadOptionUsage as named:
        assert named.option_name == words[-1]  # noqa: PT017 - an option that is only named needs no value


def test_parsing_tells_a_wrong_option() -> None:
    with pytest.raises(click.NoSuchOption):
        _parse(["check", "-i", "site.yaml", "--jsn"])
    with pytest.raises(click.UsageError):
        _parse(["migrat", "-i", "site.yaml"])
    with pytest.raises(click.UsageError):
        _parse(["status", "RUN", "more"])


def test_the_table_of_commands_names_every_option_and_no_other() -> None:
    rows = re.findall(r"^\| (`.*?) \| ", (ROOT / "docs/reference/commands.md").read_text(), re.MULTILINE)
    told: dict[str, set[str]] = {}
    for row in rows:
        for code in re.findall(r"`([^`]+)`", row):
            shared = code if row.startswith("`lab") else row  # options behind several commands belong to each
            told.setdefault(" ".join(_verbs(code)), set()).update(_OPTION.findall(shared))
    for verbs, options in told.items():
        command = _command_of(verbs.split())
        known = [set(one.opts) for one in command.params if isinstance(one, click.Option)]
        assert options <= set().union(*known), f"{verbs}: {options}"
        assert not [one for one in known if not one & options], f"{verbs}: not all told in docs/reference/commands.md"
    untold = set(walrus_ha.list_commands(click.Context(walrus_ha))) - {verbs.split()[0] for verbs in told}
    assert not untold


_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def _verbs(code: str) -> list[str]:
    words = code.split()
    return [words[0], words[1]] if words[0] == "lab" else [words[0]]


def _command_of(verbs: list[str]) -> click.Command:
    command: click.Command | None = walrus_ha
    for verb in verbs:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), verb)
    assert command is not None, verbs
    return command
