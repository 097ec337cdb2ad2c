"""What a program in a container says at once comes with the head of Docker's answer, and is heard like all the rest."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.labs import docker_exec

_UPGRADED = (
    b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)


def _piece(stream: int, said: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(said)) + said


class Daemon:
    """A Docker daemon as busy as can be: head and first words of a program leave it in one go."""

    def __init__(self, path: Path, said: bytes) -> None:
        self._said = said
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader:
            while first := reader.readline():
                length = 0
                while (line := reader.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                reader.read(length)
                if first.split()[1].endswith(b"/start"):
                    connection.sendall(_UPGRADED + self._said)
                    connection.shutdown(socket.SHUT_WR)
                    reader.read()  # the program's standard input, to its end
                    return
                body = json.dumps({"Id": "call", "ExitCode": 3}).encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def end(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Any]:
    """A container of a daemon where a program says two things on one stream and one on the other."""
    from docker import DockerClient
    from docker.models.containers import Container

    daemon = Daemon(tmp_path / "socket", _piece(1, b"first, ") + _piece(2, b"beside") + _piece(1, b"second"))
    client = DockerClient(base_url=f"unix://{tmp_path / 'socket'}", version="1.41")
    yield Container({"Id": "box"}, client)
    client.close()
    daemon.end()


def test_all_that_a_program_said_is_there_and_its_status(container: Any) -> None:
    done = docker_exec.run(container, ["quick"])
    assert (done.exit_status, done.stdout, done.stderr) == (3, b"first, second", b"beside")


def test_a_program_that_is_listened_to_is_heard_at_once(container: Any) -> None:
    with docker_exec.listening(container, ["held"], silence_s=5) as reader:
        assert b"first" in reader.read1(4096)
