"""How an engine is broken on purpose: a function keeps its place and loses a few words of its text."""

from __future__ import annotations
import __future__

import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any, Protocol

import pytest


class Patch(Protocol):
    """One change to the engine, taken back by the monkeypatch that carries it."""

    def make(self, patch: pytest.MonkeyPatch) -> None: ...


class Outdated(Exception):
    """The engine's text is not the one that the patch was made for."""


@dataclass(frozen=True)
class Edit:
    """In the text of the function ``where`` (``module:Qualified.name``) ``old`` becomes ``new``.

    ``old`` stands there exactly once, or the patch is out of date. The code is exchanged in place, so whoever imported
    the function by name has the broken one too.
    """

    where: str
    old: str
    new: str

    def make(self, patch: pytest.MonkeyPatch) -> None:
        function = function_at(self.where)
        source = _SOURCES.get(function.__code__) or textwrap.dedent(inspect.getsource(function))
        if (times := source.count(self.old)) != 1:
            raise Outdated(f"{self.where} holds {self.old!r} {times} times; the patch is for once")
        broken_source = source.replace(self.old, self.new)
        code = _compiled(function, broken_source)
        _SOURCES[code] = broken_source
        patch.setattr(function, "__code__", code)


_SOURCES: dict[CodeType, str] = {}  # of functions that are broken in two places


def _compiled(function: FunctionType, source: str) -> CodeType:
    flags = __future__.annotations.compiler_flag
    program = compile(source, f"<broken {function.__qualname__}>", "exec", flags=flags, dont_inherit=True)
    space = dict(function.__globals__)
    exec(program, space)
    return _plain(space[function.__name__]).__code__


@dataclass(frozen=True)
class Become:
    """The function ``where`` does nothing but return ``value``."""

    where: str
    value: Any = None

    def make(self, patch: pytest.MonkeyPatch) -> None:
        owner, name = _owner_at(self.where)
        value = self.value
        patch.setattr(owner, name, lambda *arguments, **named: value)


@dataclass(frozen=True)
class Set:
    """The attribute ``where`` of a module or class has another value."""

    where: str
    value: Any

    def make(self, patch: pytest.MonkeyPatch) -> None:
        owner, name = _owner_at(self.where)
        patch.setattr(owner, name, self.value)


@dataclass(frozen=True)
class By:
    """A change too large for words: a function makes it."""

    change: Callable[[pytest.MonkeyPatch], None]

    def make(self, patch: pytest.MonkeyPatch) -> None:
        self.change(patch)


@dataclass(frozen=True)
class Sabotage:
    """One mistake: what is broken, the scenarios that must catch it, and how it is made."""

    name: str
    mistake: str
    scenarios: tuple[str, ...]
    patches: tuple[Patch, ...]
    family: str = ""


def sabotage(name: str, mistake: str, scenarios: str | Sequence[str], *patches: Patch) -> Sabotage:
    """An entry of a family; one scenario may stand alone."""
    named = (scenarios,) if isinstance(scenarios, str) else tuple(scenarios)
    return Sabotage(name, mistake, named, patches)


@contextmanager
def broken(mistake: Sabotage) -> Iterator[None]:
    """The engine with this one mistake in it."""
    with pytest.MonkeyPatch.context() as patch:
        for one in mistake.patches:
            one.make(patch)
        yield


def function_at(where: str) -> FunctionType:
    """The function behind ``module:Qualified.name``, decorators and properties looked through."""
    owner, name = _owner_at(where)
    return _plain(inspect.getattr_static(owner, name))


def _owner_at(where: str) -> tuple[Any, str]:
    module, _, qualified = where.partition(":")
    owner: Any = importlib.import_module(f"harness.{module}")
    *parents, name = qualified.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    return owner, name


def _plain(found: Any) -> FunctionType:
    if isinstance(found, property):
        found = found.fget
    found = getattr(found, "__func__", found)
    found = inspect.unwrap(found)
    assert isinstance(found, FunctionType), f"{found!r} is no function"
    return found
