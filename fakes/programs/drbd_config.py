"""drbd.conf as drbdadm reads it: what it says, and what drbdadm prints where it is wrong.

Both generations of the grammar, measured against drbdadm-83 and drbdadm-84 of drbd-utils 9.22, which read a file
without a kernel (``-c FILE sh-nop``). Reading is cached by content: most calls find an unchanged file.
"""

from __future__ import annotations

import fnmatch
import itertools
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from fakes.filesystem import Filesystem
from fakes.program import UnsupportedInvocation

INVALID, UNREADABLE = 10, 20  # exit statuses


class ConfigurationError(Exception):
    """drbdadm refuses the file; carries what it prints and its exit status."""

    def __init__(self, text: str, exit_status: int = INVALID) -> None:
        self.text = text
        self.exit_status = exit_status
        super().__init__(text)


class Token(NamedTuple):
    """One word, string or sign; ``quoted`` words are never keywords."""

    text: str
    line: int
    quoted: bool = False


class Place(NamedTuple):
    """Where something stands."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class HostSection:
    """One ``on`` section with what the resource says for every host filled in."""

    name: str
    device: str
    minor: int
    disk: str
    address: str
    port: int

    @property
    def endpoint(self) -> str:
        """As drbdadm hands it to the kernel."""
        return f"ipv6:[{self.address}]:{self.port}" if ":" in self.address else f"ipv4:{self.address}:{self.port}"


@dataclass(frozen=True)
class ResourceSection:
    """One resource. ``net`` and ``attach`` are the options handed to the kernel, in the file's order, 8.4's names."""

    name: str
    place: Place
    hosts: Mapping[str, HostSection]
    protocol: str
    net: Mapping[str, str]
    attach: Mapping[str, str]
    syncer: Mapping[str, str]  # 8.3 only: under its own names


@dataclass(frozen=True)
class Configuration:
    """Everything that a file and its includes say."""

    resources: Mapping[str, ResourceSection] = field(default_factory=dict)


# Sources: a file with what it includes


class Source(NamedTuple):
    """A file's path and text, and for each ``include`` in it the files found; None where a plain path is missing."""

    path: str
    text: str
    included: tuple[tuple[Source, ...] | None, ...]


@lru_cache(maxsize=256)
def tokens_of(text: str) -> tuple[Token, ...]:
    """The words of a file; comments run from # to the line's end."""
    found: list[Token] = []
    for number, line in enumerate(text.split("\n"), 1):
        at = 0
        while at < len(line):
            if line[at].isspace():
                at += 1
            elif line[at] == "#":
                break
            elif line[at] == '"':
                end = line.find('"', at + 1)
                end = len(line) if end < 0 else end
                found.append(Token(line[at + 1 : end], number, quoted=True))
                at = end + 1
            elif line[at] in "{};[]":
                found.append(Token(line[at], number))
                at += 1
            else:
                end = at
                while end < len(line) and not line[end].isspace() and line[end] not in '{};"#':
                    end += 1
                found.append(Token(line[at:end], number))
                at = end
    return tuple(found)


@lru_cache(maxsize=256)
def _patterns(text: str) -> tuple[str, ...]:
    tokens = tokens_of(text)
    return tuple(
        after.text for token, after in itertools.pairwise(tokens) if token.text == "include" and not token.quoted
    )


def _read(files: Filesystem, path: str, depth: int = 0) -> Source:
    if depth > 16:
        raise UnsupportedInvocation(f"{path}: includes itself")
    text = files.read(path).decode("utf-8", "surrogateescape")
    included = tuple(_find(files, posixpath.join(posixpath.dirname(path), name), depth) for name in _patterns(text))
    return Source(path, text, included)


def _find(files: Filesystem, pattern: str, depth: int) -> tuple[Source, ...] | None:
    directory, name = posixpath.split(pattern)
    if not any(sign in name for sign in "*?["):
        return (_read(files, pattern, depth + 1),) if files.exists(pattern) else None
    names = files.listdir(directory) if files.exists(directory) else []
    chosen = sorted(found for found in names if fnmatch.fnmatchcase(found, name) and not found.startswith("."))
    return tuple(_read(files, posixpath.join(directory, found), depth + 1) for found in chosen)


def load(files: Filesystem, path: str, version: str) -> Configuration:
    """What the file says to drbdadm of that version.

    Raises:
        ConfigurationError: drbdadm refuses it.
        UnsupportedInvocation: it uses what is not modelled.
    """
    if not files.exists(path):
        raise ConfigurationError(f"Can not open '{path}'.\n.\n", UNREADABLE)
    outcome = _parsed(version, _read(files, path))
    if isinstance(outcome, ConfigurationError):
        raise outcome
    return outcome


@lru_cache(maxsize=64)
def _parsed(version: str, source: Source) -> Configuration | ConfigurationError:
    from fakes.programs.drbd_config_parser import Parser

    try:
        return Parser(version).parse(source)
    except ConfigurationError as error:
        return error
