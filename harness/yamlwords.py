"""What a scalar of YAML says: text, a number, true, false or nothing, where every reader takes it alike."""

from __future__ import annotations

import re
import unicodedata


class Unclear(ValueError):
    """A plain word that YAML readers disagree about, or text that no field of ours may hold."""

    def __init__(self, message: str, suggestion: str) -> None:
        self.suggestion = suggestion
        super().__init__(message)


_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE, _FALSE = {"true", "True", "TRUE"}, {"false", "False", "FALSE"}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,15}\.[0-9]{1,25}")
_DISPUTED = {  # what it is, what else to write, its form
    "true or false in YAML 1.1 and text in 1.2": ("write true or false, or ", re.compile(r"(?i:yes|no|on|off)")),
    "octal to some readers and decimal to others": ("drop the leading zero, or write ", re.compile(r"[-+]?0o?[0-9_]+")),
    "a number in base 2 or 16 to some readers": ("write it decimal, or ", re.compile(r"[-+]?0[xb][0-9A-Fa-f_]+")),
    "in base 60 in YAML 1.1": ("write ", re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")),
    "a date to some readers": ("write ", re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?")),
    "no number that every reader takes alike": (
        "write plain digits, or ",
        re.compile(r"[-+]?(\.?[0-9][0-9_]*|[0-9][0-9_]*\.[0-9_]*)([eE][-+]?[0-9]+)?"),
    ),
    "not a finite number": ("write a number, or ", re.compile(r"[-+]?\.(?i:inf|nan)")),
    "a special value in YAML 1.1": ("write ", re.compile(r"=")),
}
_DISPUTED_FROM = frozenset("-+.=0123456789yYnNoO")  # what all of these begin with


def resolve(word: str) -> str | int | float | bool | None:
    """The value of a plain (unquoted) scalar.

    Raises:
        Unclear: readers disagree about it.
    """
    if word in _NULL:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    if _WHOLE.fullmatch(word):
        return int(word)
    if _DECIMAL.fullmatch(word):
        return float(word)
    for meaning, (hint, pattern) in _DISPUTED.items() if word[0] in _DISPUTED_FROM else ():
        if pattern.fullmatch(word):
            raise Unclear(f"{word} is {meaning}", f'{hint}"{word}" in quotes for text')
    return sound(word)


def sound(text: str) -> str:
    """Text without what could deceive a terminal or a later reader."""
    for character in text if not text.isprintable() else "":
        if unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in "\n\t":
            raise Unclear(f"text with the invisible character U+{ord(character):04X}", "remove it")
    if "{{" in text or "{%" in text:
        raise Unclear("templates are not evaluated here", "write the value itself")
    return text
