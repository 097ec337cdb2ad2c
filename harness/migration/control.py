"""The operator's orders to a run: what another terminal has asked for, kept in a file beside the journal.

The engine holds the journal's lock for as long as it works, so orders go by a file of their own, which is replaced as a
whole and flushed. The engine only reads it at its safe points. An order stands until it is taken back, or until what it
asked for is done: a run that died and is resumed finds the same orders.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from harness.errors import Stopped
from harness.migration.journal import flush_directory

VERSION = 1
FILE = "orders.json"
_LARGEST_BYTES = 4096
_FASTEST_KIB_S = 2**31 - 1
_MEND = "Give the order again with `walrus-ha resume RUN`, which writes the file anew"


class OrdersUnclear(Stopped):
    """The file of orders says something that nobody ordered; what the operator wants is not guessed."""


@dataclass(frozen=True)
class Orders:
    """What stands ordered. ``throttle_kib_s`` None leaves copies at the inventory's own limit."""

    paused: bool = False
    throttle_kib_s: int | None = None
    cutover: bool = False
    abort: bool = False


class Control:
    """The orders of the run that lives in a folder; reading needs no lock and no folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / FILE

    def orders(self) -> Orders:
        """What stands ordered now; nothing where nobody ordered anything.

        Raises:
            OrdersUnclear: the file is damaged, or of a version that is not known here.
        """
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return Orders()
        except OSError as error:
            raise OrdersUnclear(f"{self._path} cannot be read: {error.strerror}. {_MEND}") from error
        try:
            return _parse(os.read(file, _LARGEST_BYTES + 1), self._path)
        finally:
            os.close(file)

    def change(self, order: Callable[[Orders], Orders]) -> Orders:
        """Replace what stands ordered by what ``order`` makes of it; durable when this returns.

        Two terminals that order at once are served one after the other.
        """
        with self._alone():
            changed = order(self.orders())
            self._write(changed)
        return changed

    def anew(self) -> None:
        """Take every order back, whatever the file says; what is not there is left so."""
        if self._path.exists():
            with self._alone():
                self._write(Orders())

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        lock = os.open(self._folder / f"{FILE}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # held for two flushes of a small file
            yield
        finally:
            os.close(lock)

    def _write(self, orders: Orders) -> None:
        new = self._path.with_suffix(".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
            file.write(json.dumps({"version": VERSION, **asdict(orders)}, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.rename(self._path)
        flush_directory(self._folder)


def _parse(content: bytes, path: Path) -> Orders:
    try:
        said = json.loads(content) if len(content) <= _LARGEST_BYTES else None
    except (ValueError, RecursionError) as error:
        raise OrdersUnclear(f"{path} cannot be read: {error!s:.100}. {_MEND}") from error
    if not isinstance(said, dict) or said.get("version") != VERSION:
        version = said.get("version") if isinstance(said, dict) else None
        raise OrdersUnclear(f"{path} holds no orders of version {VERSION} (found {version!r:.40}). {_MEND}")
    known = {field.name for field in fields(Orders)}
    if said.keys() != {"version", *known}:
        odd = ", ".join(sorted({"version", *known} ^ said.keys()))
        raise OrdersUnclear(f"{path} holds other orders than are known here ({odd:.100}). {_MEND}")
    for name in sorted(known):
        if not _fits(name, said[name]):
            raise OrdersUnclear(f"{path} says {name}: {said[name]!r:.40}, which is no such order. {_MEND}")
    return Orders(**{name: said[name] for name in known})


def _fits(name: str, value: object) -> bool:
    if name != "throttle_kib_s":
        return isinstance(value, bool)
    return value is None or (type(value) is int and 0 < value <= _FASTEST_KIB_S)
