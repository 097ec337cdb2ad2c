"""The part of ``typing`` that the fakes need when they run, without what it imports. See ``lightclasses``."""

from __future__ import annotations

import sys
import types
from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
else:
    Any = object


class Protocol:
    """A promise for the type checker; nothing when a program runs."""


class _Literal:
    def __getitem__(self, words: Any) -> Any:
        return str


Literal = _Literal()


class _Rows(type):
    """Turns a class with annotations into the named tuple that it describes."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
        if not bases:
            return super().__new__(cls, name, bases, body)
        fields = body.get("__annotations__", {})
        made: Any = namedtuple(name, fields, defaults=[body[one] for one in fields if one in body])  # type: ignore[misc]  # mypy wants literals
        made.__module__, made.__doc__ = body["__module__"], body.get("__doc__")
        for key, value in body.items():
            if key not in fields and not hasattr(made, key):
                setattr(made, key, value)
        return made


class NamedTuple(metaclass=_Rows):
    """As the class of the same name."""


def get_type_hints(kind: Any) -> dict[str, Any]:
    """The annotations of a class and of those that it derives from, evaluated."""
    found = {}
    for base in reversed(kind.__mro__):
        names = vars(sys.modules[base.__module__])
        for name, annotation in vars(base).get("__annotations__", {}).items():
            found[name] = eval(annotation, names) if isinstance(annotation, str) else annotation
    return found


def get_args(kind: Any) -> tuple[Any, ...]:
    return getattr(kind, "__args__", ())


def get_origin(kind: Any) -> Any:
    return types.UnionType if isinstance(kind, types.UnionType) else getattr(kind, "__origin__", None)


def __getattr__(name: str) -> Any:
    """Something that the standard library wants of it: from now on the whole module is there."""
    import importlib

    if name.startswith("__"):
        raise AttributeError(name)
    if sys.modules["typing"] is sys.modules[__name__]:
        del sys.modules["typing"]
    return getattr(importlib.import_module("typing"), name)
