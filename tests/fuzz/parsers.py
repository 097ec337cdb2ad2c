"""Every parser of text that this project did not write, with the errors that it documents and its grammar's words."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import WalrusHaError
from tests.fuzz import of_copies, of_files, of_programs, of_replies
from tests.fuzz.grammar import read_grammar, sentences


@dataclass(frozen=True)
class Parser:
    """``parse`` takes an input and returns what was understood; ``errors`` are all that may come out instead."""

    name: str
    parse: Callable[[bytes], object]
    errors: tuple[type[WalrusHaError], ...]
    tokens: tuple[bytes, ...] = ()
    sentence: Callable[[random.Random], bytes] = lambda chance: b""


def _parser(name: str, parse: Callable[[bytes], object], errors: tuple[type[WalrusHaError], ...]) -> Parser:
    """The grammar's own words are also thrown into mangled texts."""
    grammar = read_grammar(name)
    words = {word for alternatives in grammar.values() for text in alternatives for word in text.split("<")[0].split()}
    tokens = tuple(sorted(word.encode("utf-8", "surrogatepass") for word in words))
    return Parser(name, parse, errors, tokens, sentences(grammar))


PARSERS = tuple(
    _parser(name, *row)
    for table in (of_programs.TABLE, of_copies.TABLE, of_replies.TABLE, of_files.TABLE)
    for name, row in table.items()
)
