"""Serves objects over HTTP, as much of it as a client that gets one object needs.

The standard library's server brings mail, encryption and fifty other modules along, which takes a host of the machines
lab longer than all that its Walrus does at a start.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 501: "Not Implemented", 503: "Service Unavailable"}
_LONGEST_HEAD = 64 * 1024
_CHUNK_BYTES = 1024 * 1024
_SILENT_S = 30.0

Locate = Callable[[str], tuple[int, str]]
"""The status for a request's path, and with 200 the file that holds the object."""


class ObjectServer:
    """Listens from the moment it is made.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, address: str, port: int, locate: Locate) -> None:
        self._locate = locate
        self._listener = socket.create_server((address, port), backlog=32)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def serve_forever(self) -> None:
        """Answer each connection in a thread of its own, until somebody stops it."""
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def stop(self) -> None:
        """Listen no more; who is being answered gets the rest."""
        self._listener.shutdown(socket.SHUT_RDWR)  # which wakes who waits for a connection
        self._listener.close()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # whoever asked may be gone
            connection.settimeout(_SILENT_S)
            method, _, rest = _head(connection).partition(b"\r\n")[0].partition(b" ")
            path, _, version = rest.partition(b" ")
            if not version.startswith(b"HTTP/1."):
                _say(connection, 400)
            elif method != b"GET":
                _say(connection, 501)
            else:
                self._send(connection, path.decode("iso-8859-1"))

    def _send(self, connection: socket.socket, asked: str) -> None:
        status, path = self._locate(asked)
        if status != 200:
            _say(connection, status)
            return
        with open(path, "rb") as file:
            _say(connection, status, os.fstat(file.fileno()).st_size)
            while chunk := file.read(_CHUNK_BYTES):
                connection.sendall(chunk)


def _head(connection: socket.socket) -> bytes:
    """A request up to its empty line, or what came of it."""
    received = b""
    while b"\r\n\r\n" not in received and len(received) < _LONGEST_HEAD:
        part = connection.recv(65536)
        if not part:
            break
        received += part
    return received


def _say(connection: socket.socket, status: int, length: int = 0) -> None:
    reason = _REASONS.get(status, "Error")
    head = f"HTTP/1.0 {status} {reason}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode())
