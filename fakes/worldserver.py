"""The cloud's world for hosts that share no disk: a server beside the world's file, one connection a transaction.

The client connects; the server takes the lock and sends the world. The client sends the changed world, or nothing, and
the server keeps it and says so. Each message is a line with its length in bytes, then so many bytes. Whoever dies,
freezes or is cut off while it holds the lock is dropped after ``HOLD_S``, and what it wanted changed is not. A client
waits ``PATIENCE_S`` at most, and then the world is unreachable to it.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fakes.world import World
from fakes.worldfile import WorldFile, to_plain, world_from_plain

PORT = 8770
HOLD_S = 2.0  # how long one client may keep the others waiting
PATIENCE_S = 4.0  # how long a client waits for the world: longer than another one may hold it
_REST_S = 1.0  # for so long a client that found nobody does not try again
_KEPT = b"kept\n"
_LONGEST_BYTES = 16 * 1024 * 1024


class Unreachable(Exception):
    """The world cannot be had now: the cloud controller is down, frozen or behind a cut cable."""


class _Talk:
    """A connection with a deadline for everything that is said on it."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._deadline = time.monotonic() + seconds
        self._rest = b""

    def _bound(self) -> None:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the deadline has passed")
        self._connection.settimeout(left_s)

    def extend(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def say(self, message: bytes) -> None:
        self._bound()
        self._connection.sendall(b"%d\n%s" % (len(message), message))

    def hear(self) -> bytes:
        """One message.

        Raises:
            OSError: the other side has gone, or takes too long.
        """
        while b"\n" not in self._rest:
            self._more()
        line, _, self._rest = self._rest.partition(b"\n")
        if not line.isdigit() or int(line) > _LONGEST_BYTES:
            raise ConnectionError(f"{line[:20]!r} is no length")
        while len(self._rest) < int(line):
            self._more()
        message, self._rest = self._rest[: int(line)], self._rest[int(line) :]
        return message

    def _more(self) -> None:
        self._bound()
        chunk = self._connection.recv(65536)
        if not chunk:
            raise ConnectionError("the other side has gone")
        self._rest += chunk


class WorldClient:
    """The way to the world from another host."""

    def __init__(self, server: tuple[str, int], patience_s: float = PATIENCE_S) -> None:
        self._server = server
        self._patience_s = patience_s
        self._not_before = 0.0

    @contextmanager
    def open(self) -> Iterator[World]:
        """The world, locked. Changes are kept at the end, also when the block fails; when the server has gone by
        then, or has dropped this client, nothing is.

        Raises:
            Unreachable: before the block has begun.
        """
        with self._connected() as (talk, text):
            world = world_from_plain(json.loads(text))
            try:
                yield world
            finally:
                with suppress(OSError):
                    changed = json.dumps(to_plain(world), separators=(",", ":"))
                    talk.extend(self._patience_s)
                    talk.say(b"" if changed == text else changed.encode())
                    talk.hear()

    @contextmanager
    def _connected(self) -> Iterator[tuple[_Talk, str]]:
        if time.monotonic() < self._not_before:
            raise Unreachable(f"no answer from {self._server[0]}")
        connection = None
        try:
            connection = socket.create_connection(self._server, timeout=self._patience_s)
            talk = _Talk(connection, self._patience_s)
            text = talk.hear().decode()
        except OSError as error:
            if connection is not None:
                connection.close()
            self._not_before = time.monotonic() + _REST_S
            raise Unreachable(f"{self._server[0]}: {error}") from error
        with connection:
            yield talk, text


class WorldServer:
    """Lends the world in the file to one client at a time, beside programs of its own host that lock the file."""

    def __init__(self, file: WorldFile, address: tuple[str, int] = ("", PORT), hold_s: float = HOLD_S) -> None:
        self._file = file
        self._hold_s = hold_s
        self._listener = socket.create_server(address, backlog=32)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]

    def serve_forever(self) -> None:
        """Until ``close``."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._lend, args=(connection,), daemon=True).start()

    def close(self) -> None:
        """Stop listening; who holds the world now may end its transaction."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _lend(self, connection: socket.socket) -> None:
        """One transaction. Whatever goes wrong with the client, the world stays as it was."""
        with connection, suppress(Exception), self._file.lock():
            talk = _Talk(connection, self._hold_s)
            with open(self._file.path, "rb") as file:
                talk.say(file.read())
            changed = talk.hear()
            if changed:
                self._file.replace(world_from_plain(json.loads(changed.decode())))
            talk.extend(self._hold_s)
            talk.say(_KEPT)
