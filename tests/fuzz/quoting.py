"""Whatever a parser returned can become an argument: it must reach the program of a host as it is."""

from __future__ import annotations

import dataclasses
import os
import random
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from harness.errors import InvalidInput
from harness.hosts import script
from harness.hosts.command import Command, Result
from harness.hosts.local import LocalConnection

_REMEMBERED = 200_000
_AT_ONCE = 200
_LONGEST = 4096
_OF_ONE_INPUT = 40
_PIECE = re.compile(r"'([^']*)'|\\([^\n])")
_PIECES = re.compile(rf"(?:{_PIECE.pattern})+")


class Unquoted(AssertionError):
    """A value did not come back as it was sent."""


def texts(found: object) -> Iterator[str]:
    """Every text in what a parser returned; bytes as they travel in arguments."""
    match found:
        case str():
            yield found
        case bytes():
            yield os.fsdecode(found)
        case Mapping():
            for key, value in found.items():
                yield from texts(key)
                yield from texts(value)
        case list() | tuple() | set() | frozenset():
            for value in found:
                yield from texts(value)
        case BaseModel():
            yield from texts(dict(found))
        case _ if dataclasses.is_dataclass(found) and not isinstance(found, type):
            for field in dataclasses.fields(found):
                yield from texts(getattr(found, field.name))


class Quoting:
    """Checks each value once by the rules of POSIX, and keeps a sample for shlex and a real shell."""

    def __init__(self, sample: int, seed: int | str) -> None:
        self._seen: set[str] = set()
        self._chance = random.Random(seed)
        self._most = sample
        self.sample: list[str] = []

    def check(self, found: Any) -> None:
        for count, value in enumerate(texts(found)):
            if count >= _OF_ONE_INPUT:
                return
            if value not in self._seen and len(value) <= _LONGEST:
                self._check(value)

    def _check(self, value: str) -> None:
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen.add(value)
        try:
            quoted = script.quote(value)
            body = script.compose(Command(("echo", "--", value)), None).body
        except InvalidInput:
            if "\0" in value or _not_bytes(value):
                return
            raise
        if _unquoted(quoted) != value:
            raise Unquoted(f"{value!r} became {quoted!r}")
        if os.fsencode(f"'echo' '--' {quoted}") not in body:
            raise Unquoted(f"{value!r} was sent without its quotes: {body!r}")
        self._keep(value)

    def _keep(self, value: str) -> None:
        """Those with a character that means something to a shell come first."""
        plain = value.isascii() and value.replace("/", "").replace(".", "").replace("-", "").isalnum()
        if len(self.sample) < self._most and (not plain or self._chance.random() < 0.01):
            assert shlex.split(script.quote(value)) == [value], f"shlex reads {value!r} otherwise"
            self.sample.append(value)

    def ask_a_shell(self) -> None:
        """Print the sample by a program that a real ``sh`` starts, as it would on a host."""
        here = LocalConnection().open("here")
        for at in range(0, len(self.sample), _AT_ONCE):
            values = self.sample[at : at + _AT_ONCE]
            answer = here.send(Command(("printf", r"%s\0", *values)))
            assert isinstance(answer, Result)
            back = answer.stdout.split(b"\0")[:-1]
            if not answer.ok or back != [os.fsencode(value) for value in values]:
                wrong = [value for value, printed in zip(values, back, strict=False) if os.fsencode(value) != printed]
                raise Unquoted(f"sh changed {wrong[:3]!r}: status {answer.exit_status} {answer.stderr[-200:]!r}")


def _unquoted(word: str) -> str | None:
    """One word of pieces in single quotes and escaped characters, as a shell takes it; None for anything else."""
    return "".join(map("".join, _PIECE.findall(word))) if _PIECES.fullmatch(word) else None


def _not_bytes(value: str) -> bool:
    """Half of a surrogate pair is no character and stands for no byte."""
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return True
    return False
