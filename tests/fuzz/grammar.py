"""Sentences by a grammar of tokens: the second source of inputs, beside what was recorded and mangled."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

Grammar = dict[str, list[str]]
"""Rules by name, ``start`` first. In an alternative ``<rule>`` stands for a sentence, ``<rule*>`` for none to four."""

_REFERENCE = re.compile(r"(<[a-z][a-z0-9-]*\*?>)")
_DEEPEST = 8
_MOST = 4

_FOLDER = Path(__file__).parent / "grammars"


def read_grammar(parser: str) -> Grammar:
    """The rules of one parser, and those that all share. Python's escapes stand for what no line can hold."""
    rules: Grammar = {}
    rule = ""
    for name in ("common", parser):
        for line in (_FOLDER / name).read_text().split("\n"):
            if line.startswith("="):
                rules[rule].append(line[2:].encode("latin-1", "backslashreplace").decode("unicode_escape"))
            elif line:
                rule = line
                rules[rule] = []
    return rules


def sentences(grammar: Grammar) -> Callable[[random.Random], bytes]:
    """A maker of sentences; the same random numbers make the same sentence."""
    rules = {
        name: [[part for part in _REFERENCE.split(text) if part] for text in alternatives]
        for name, alternatives in grammar.items()
    }

    def expand(name: str, chance: random.Random, depth: int, out: list[str]) -> None:
        for part in chance.choice(rules[name]):
            if not _REFERENCE.fullmatch(part):
                out.append(part)
            elif depth < _DEEPEST:
                inner = part.strip("<*>")
                for _ in range(chance.randint(0, _MOST) if part.endswith("*>") else 1):
                    expand(inner, chance, depth + 1, out)

    def make(chance: random.Random) -> bytes:
        out: list[str] = []
        expand("start", chance, 0, out)
        return "".join(out).encode("utf-8", "surrogatepass")

    return make
