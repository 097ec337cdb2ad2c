"""Inputs without end for one parser, the same for the same seed: kept texts mangled, and sentences of its grammar."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
FAILED = b"!"  # as the first byte: the program ended with status 1 and printed the rest to both streams

_GENERATED = 0.3
_NUMBERS = (b"0", b"-1", b"1e9", b"9" * 20, b"9" * 5000, b"0x", b"", b"\xd9\xa3", b"2147483648", b".5", b"NaN", b"1_0")
_ODD = (
    b"\0",
    b"\n",
    b"\r",
    b"\t",
    b" ",
    b"\x0b",
    b"\x1c",
    b"\x85",
    b"\xff",
    b"\xe2\x80\xa8",
    b"'",
    b'"',
    b"\\",
    b"\\777",
)
_SHORT = 64  # bytes; between shorter texts their length makes no difference
_LONGEST = 8192
_HUGE = 60_000
_SELDOM = 0.0005

Mutation = Callable[[random.Random, bytes], bytes]


def kept(parser: str) -> list[bytes]:
    """The corpus of a parser: real outputs, and inputs that once broke it."""
    return [path.read_bytes() for path in sorted((CORPUS / parser).iterdir()) if path.is_file()]


class Inputs:
    """``next`` gives one more input. The kept texts come first ``as_they_are``."""

    def __init__(
        self,
        texts: Sequence[bytes],
        tokens: Sequence[bytes],
        sentence: Callable[[random.Random], bytes],
        seed: int | str,
        as_they_are: bool = True,
    ) -> None:
        self._texts = list(texts) or [b""]
        self._ease = [1 / (_SHORT + len(text)) for text in self._texts]
        self._tokens = [*tokens, *_ODD]
        self._sentence = sentence
        self._chance = random.Random(seed)
        self._whole = iter(self._texts if as_they_are else ())
        self._mutations: tuple[Mutation, ...] = (
            _flipped, _inserted, _without, _doubled, self._with_token, self._other_number, self._spliced, _cut,
            _swapped_lines, _without_line, _doubled_line,
        )  # fmt: skip

    def next(self) -> bytes:
        if (text := next(self._whole, None)) is not None:
            return text
        chance = self._chance
        text = self._sentence(chance) if chance.random() < _GENERATED else self._any_text()
        for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 5))):
            text = chance.choice(self._mutations)(chance, text)[:_LONGEST]
        luck = chance.random()
        if luck < _SELDOM and text:
            at = chance.randrange(len(text))
            piece = text[at : at + chance.choice((1, 2, 20, 300))]
            return text[:at] + piece * (_HUGE // len(piece)) + text[at:]
        return FAILED + text if luck > 0.98 else text

    def _any_text(self) -> bytes:
        """The shorter, the more often: as much is found in it in a part of the time."""
        return self._chance.choices(self._texts, self._ease)[0]

    def _with_token(self, chance: random.Random, text: bytes) -> bytes:
        at = chance.randint(0, len(text))
        return text[:at] + chance.choice(self._tokens) + text[at + chance.choice((0, 0, 1, 3)) :]

    def _other_number(self, chance: random.Random, text: bytes) -> bytes:
        """The digits from some place on become another number."""
        at = chance.randint(0, len(text))
        while at < len(text) and not 48 <= text[at] <= 57:
            at += 1
        end = at
        while end < len(text) and 48 <= text[end] <= 57:
            end += 1
        return text[:at] + chance.choice(_NUMBERS) + text[end:]

    def _spliced(self, chance: random.Random, text: bytes) -> bytes:
        other = self._any_text()
        return text[: chance.randint(0, len(text))] + other[chance.randint(0, len(other)) :]


def _flipped(chance: random.Random, text: bytes) -> bytes:
    if not text:
        return text
    at = chance.randrange(len(text))
    return text[:at] + bytes((chance.randrange(256),)) + text[at + 1 :]


def _inserted(chance: random.Random, text: bytes) -> bytes:
    at = chance.randint(0, len(text))
    return text[:at] + chance.randbytes(chance.choice((1, 1, 2, 8))) + text[at:]


def _without(chance: random.Random, text: bytes) -> bytes:
    at = chance.randint(0, len(text))
    return text[:at] + text[at + chance.choice((1, 1, 2, 10, 100)) :]


def _doubled(chance: random.Random, text: bytes) -> bytes:
    at = chance.randint(0, len(text))
    return text[:at] + text[at : at + chance.choice((1, 8, 80))] * 2 + text[at:]


def _cut(chance: random.Random, text: bytes) -> bytes:
    return text[: chance.randint(0, len(text))]


def _swapped_lines(chance: random.Random, text: bytes) -> bytes:
    lines = text.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _without_line(chance: random.Random, text: bytes) -> bytes:
    lines = text.split(b"\n")
    del lines[chance.randrange(len(lines))]
    return b"\n".join(lines)


def _doubled_line(chance: random.Random, text: bytes) -> bytes:
    lines = text.split(b"\n")
    at = chance.randrange(len(lines))
    return b"\n".join([*lines[: at + 1], *lines[at:]])
