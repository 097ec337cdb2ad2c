"""Sentences by a grammar of tokens: the second source of inputs, beside what was recorded and mangled."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

Grammar = dict[str, list[str]]
"""Rules by name, ``start`` first. In an alternative ``<rule>`` stands for a sentence, ``<rule*>`` for none to four."""

_REFERENCE = re.compile(r"(<[a-z][a-z0-9-]*\*?>)")
_DEEPEST = 8
_MOST = 4

COMMON: Grammar = {
    "number": ["0", "1", "7", "512", "4096", "65536", "1073741824", "-1", "18446744073709551616", "08", "<digits>", ""],
    "digits": ["<digit><digit*>", "<digit>"],
    "digit": list("0123456789"),
    "hex": ["0x08040b", "0x080000", "00000000", "deadbeef", "0x", "0100007F:1E6D"],
    "path": ["/dev/sdb", "/dev/drbd1", "/dev/drbd10", "/var/lib/eucalyptus/bukkits", "/", "/mnt/<word>", "<word>"],
    "word": ["a", "drbd", "walrus00", "10.0.0.10", "-rf", "$(reboot)", "`id`", "a;b", "it's", '"', "\\", "*", "é", "\t", ""],
    "nl": ["\n", "\n", "\n", "\n", "\r\n", "", "\x0b", "\u2028", "\0"],
    "junk": ["", "", "", "error: <word>", "# <word>", "\x1b[31m", "Warning: <word>", "\ufeff"],
}


def sentences(grammar: Grammar) -> Callable[[random.Random], bytes]:
    """A maker of sentences; the same random numbers make the same sentence."""
    rules = {
        name: [[part for part in _REFERENCE.split(text) if part] for text in alternatives]
        for name, alternatives in (COMMON | grammar).items()
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
