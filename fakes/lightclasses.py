"""The part of ``dataclasses`` that the fakes use, without what it imports.

Every command on a host of the containers lab is a Python program of its own, and importing ``dataclasses`` (for
``inspect``) took more than a quarter of its time. ``fakes/run.py`` puts this module in its place; nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_FIELDS = "__dataclass_fields__"
_MISSING: Any = object()


class Default:
    """How a field gets its value when none is given."""

    def __init__(self, default: Any, default_factory: Callable[[], Any] | None) -> None:
        self.default = default
        self.default_factory = default_factory

    def value(self) -> Any:
        return self.default_factory() if self.default_factory else self.default


def field(*, default: Any = _MISSING, default_factory: Callable[[], Any] | None = None) -> Any:
    return Default(default, default_factory)


def is_dataclass(thing: Any) -> bool:
    return hasattr(thing if isinstance(thing, type) else type(thing), _FIELDS)


def replace(thing: Any, /, **changes: Any) -> Any:
    return type(thing)(**{**{name: getattr(thing, name) for name in getattr(thing, _FIELDS)}, **changes})


def dataclass(cls: Any = None, /, *, frozen: bool = False, slots: bool = False) -> Any:
    """As the decorator of the same name: ``__init__``, ``__eq__``, ``__repr__``, and ``__hash__`` for frozen ones.

    ``slots`` only saves memory and is ignored.
    """
    return (lambda later: _made(later, frozen)) if cls is None else _made(cls, frozen)


def _made(cls: Any, frozen: bool) -> Any:
    defaults: dict[str, Any] = {}
    for base in reversed(cls.__mro__[1:]):
        defaults.update(getattr(base, _FIELDS, {}))
    for name in vars(cls).get("__annotations__", {}):
        given = cls.__dict__.get(name, _MISSING)
        defaults[name] = given if isinstance(given, Default) else Default(given, None)
        if isinstance(given, Default):
            delattr(cls, name)
    setattr(cls, _FIELDS, defaults)
    setattr(cls, "__match_args__", tuple(defaults))  # noqa: B010 - mypy knows it as final
    cls.__init__ = _initialiser(defaults)
    cls.__eq__ = lambda self, other: _values(self) == _values(other) if type(other) is cls else NotImplemented
    cls.__hash__ = (lambda self: hash(_values(self))) if frozen else None
    cls.__repr__ = lambda self: f"{cls.__qualname__}({', '.join(f'{n}={getattr(self, n)!r}' for n in defaults)})"
    if frozen:
        cls.__setattr__ = _refuse
    return cls


def _initialiser(defaults: dict[str, Any]) -> Callable[..., None]:
    names = tuple(defaults)

    def initialise(self: Any, *given: Any, **named: Any) -> None:
        values = dict(zip(names, given, strict=False))
        if len(given) > len(names) or values.keys() & named.keys() or named.keys() - defaults.keys():
            raise TypeError(f"{type(self).__name__} takes {', '.join(names)}; got {given!r} and {named!r}")
        values.update(named)
        for name, default in defaults.items():
            value = values[name] if name in values else default.value()
            if value is _MISSING:
                raise TypeError(f"{type(self).__name__} needs {name}")
            object.__setattr__(self, name, value)
        if after := getattr(self, "__post_init__", None):
            after()

    return initialise


def _values(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in getattr(self, _FIELDS))


def _refuse(self: Any, name: str, value: Any) -> None:
    raise AttributeError(f"cannot assign to field {name!r}")
