"""Programs that Docker's API runs in a container, heard from their first word on.

The SDK reads the connection beneath a reader that may hold already what came together with the head of the answer. Of a
program that is quick, on a machine that is busy, the first words were lost. Here that reader itself is asked.
"""

from __future__ import annotations

import io
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from harness.hosts.command import Result

_HEAD = struct.Struct(">BxxxL")  # before each piece: 1 for standard output or 2 for standard error, and its length
_STDOUT, _STDERR = 1, 2


def run(container: Any, argv: list[str]) -> Result:
    """Run a program to its end; what it said and how it ended."""
    said = {_STDOUT: b"", _STDERR: b""}
    with _begun(container, argv, stdin=False) as begun:
        while len(head := begun.reader.read(_HEAD.size)) == _HEAD.size:
            stream, length = _HEAD.unpack(head)
            said[stream] += begun.reader.read(length)
    status = container.client.api.exec_inspect(begun.call)["ExitCode"]
    return Result(status, said[_STDOUT], said[_STDERR])


@contextmanager
def listening(container: Any, argv: list[str], silence_s: float) -> Iterator[io.BufferedReader]:
    """A program whose standard input ends with the block, and what it says, in Docker's pieces."""
    with _begun(container, argv, stdin=True) as begun:
        begun.connection.settimeout(silence_s)
        yield begun.reader


@dataclass(frozen=True)
class _Begun:
    call: str
    reader: io.BufferedReader
    connection: socket.socket


@contextmanager
def _begun(container: Any, argv: list[str], stdin: bool) -> Iterator[_Begun]:
    api = container.client.api
    call = api.exec_create(container.id, argv, stdin=stdin)["Id"]
    stream = api.exec_start(call, socket=True)
    answer, connection = stream._response, getattr(stream, "_sock", stream)
    try:
        yield _Begun(call, answer.raw._fp.fp, connection)
    finally:
        answer.close()  # the reader, and with it the stream
        connection.close()
