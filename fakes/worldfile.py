"""The world as a JSON file that the hosts of a containers lab share: read, changed and replaced under a lock."""

from __future__ import annotations

import builtins
import dataclasses
import fcntl
import json
import os
import re
import types
import typing
from _thread import get_ident
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from fakes.world import World

# When a Walrus was last heard of changes with each of its ticks, and says nothing that the next one would not.
_PASSING = re.compile(r'"seen_at":[0-9.e+-]+')


def to_plain(value: Any) -> Any:
    """A dataclass and everything in it as what JSON knows."""
    if dataclasses.is_dataclass(value):
        return {name: to_plain(found) for name, found in vars(value).items()}
    if isinstance(value, dict):
        return {key: to_plain(found) for key, found in value.items()}
    return [to_plain(found) for found in value] if isinstance(value, list) else value


def world_from_plain(plain: Any) -> World:
    """The other way round. Fields that are missing have their defaults.

    Raises:
        TypeError: a field that is unknown, or a required one that is missing.
    """
    built: World = _build(World, plain)
    return built


def _build(kind: Any, plain: Any) -> Any:
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        fields = _fields(kind)
        unknown = plain.keys() - fields.keys()
        if unknown:
            raise TypeError(f"a {kind.__name__} has no {', '.join(sorted(unknown))}")
        return kind(**{name: _build(fields[name], found) for name, found in plain.items()})
    arguments = typing.get_args(kind)
    match typing.get_origin(kind):
        case builtins.dict:
            return {key: _build(arguments[1], found) for key, found in plain.items()}
        case builtins.list:
            return [_build(arguments[0], found) for found in plain]
        case types.UnionType if plain is not None:  # X | None
            return _build(arguments[0], plain)
    return plain


@cache
def _fields(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def merged(plain: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7386) applied: objects are merged, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(plain) if isinstance(plain, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


class WorldFile:
    """The file, and beside it the lock. A process that freezes or dies does so outside the lock only if the lab waits
    for it: take the lock while a host is being frozen.
    """

    def __init__(self, path: str, durable: bool = False) -> None:
        self.path = path
        self._durable = durable  # what was kept survives a power cut of this machine, but for what passes
        self._inside: set[int] = set()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Nobody else reads or changes the world meanwhile.

        Raises:
            RuntimeError: when this thread holds the lock already: it would wait for itself.
        """
        me = get_ident()
        if me in self._inside:
            raise RuntimeError("blocks on the world do not nest")
        descriptor = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._inside.add(me)
            yield
        finally:
            self._inside.discard(me)
            os.close(descriptor)

    @contextmanager
    def open(self) -> Iterator[World]:
        """The world, locked. Changes are kept at the end, also when the block fails: as with an object in memory."""
        with self.lock():
            before = self._read()
            world = world_from_plain(json.loads(before))
            try:
                yield world
            finally:
                self._replace(before, world)

    def create(self, world: World) -> None:
        """Write the world anew, whatever was there."""
        with self.lock():
            self.replace(world)

    def patch(self, patch: Any, first: Callable[[World], None] = lambda world: None) -> None:
        """Merge a patch into the world, once ``first`` has changed it; see ``merged``."""
        with self.lock():
            before = self._read()
            world = world_from_plain(json.loads(before))
            first(world)
            self._replace(before, world_from_plain(merged(to_plain(world), patch)))

    def read(self) -> World:
        """The world as it is now; changes to what is returned are lost."""
        with self.lock():
            return world_from_plain(json.loads(self._read()))

    def _read(self) -> str:
        with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def replace(self, world: World) -> None:
        """Write the world anew; the caller holds the lock."""
        self._replace(self._read() if os.path.exists(self.path) else "", world)

    def _replace(self, before: str, world: World) -> None:
        text = json.dumps(to_plain(world), separators=(",", ":"))
        if text == before:
            return
        new = f"{self.path}.new"
        durable = self._durable and _PASSING.sub("", text) != _PASSING.sub("", before)
        with open(new, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(new, self.path)
        if durable:
            directory = os.open(os.path.dirname(self.path) or ".", os.O_RDONLY)
            os.fsync(directory)
            os.close(directory)
