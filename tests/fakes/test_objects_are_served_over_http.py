"""What the fake Walrus says to a client that gets one object."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.objectserver import ObjectServer

WITHIN_S = 20.0
CONTENT = bytes(range(256)) * 12_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ObjectServer]:
    """Knows one object, and is not ENABLED for what begins with /early."""
    (tmp_path / "object").write_bytes(CONTENT)
    answers = {"/bucket/a%20b": (200, str(tmp_path / "object")), "/early": (503, "")}
    made = ObjectServer("127.0.0.1", 0, lambda asked: answers.get(asked, (404, "")))
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.stop()
    thread.join(WITHIN_S)
    assert not thread.is_alive()


def said(server: ObjectServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=WITHIN_S) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_an_object_comes_whole_and_with_its_length(server: ObjectServer) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/bucket/a%20b", timeout=WITHIN_S) as reply:
        assert reply.read() == CONTENT
        assert reply.headers["Content-Length"] == str(len(CONTENT))


def test_a_request_may_arrive_in_pieces(server: ObjectServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=WITHIN_S) as connection:
        for piece in (b"GET /bucket/a%20b HT", b"TP/1.0\r\nHost: x\r", b"\n\r\n"):
            connection.sendall(piece)
        assert connection.recv(15) == b"HTTP/1.0 200 OK"


@pytest.mark.parametrize(("path", "status"), [("/bucket/other", 404), ("/early", 503)])
def test_what_is_not_there_has_a_status(server: ObjectServer, path: str, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=WITHIN_S)
    assert refusal.value.code == status
    refusal.value.close()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [(b"PUT /bucket/a%20b HTTP/1.1", b"501"), (b"GET /bucket/a%20b", b"400"), (b"\x16\x03\x01", b"400")],
)
def test_what_it_does_not_understand_is_refused(server: ObjectServer, request_line: bytes, status: bytes) -> None:
    assert said(server, request_line + b"\r\n\r\n").split(b" ")[1] == status


def test_a_port_that_is_taken_is_an_error(server: ObjectServer) -> None:
    with pytest.raises(OSError, match="in use"):
        ObjectServer("127.0.0.1", server.port, lambda asked: (404, ""))


def test_nobody_answers_after_it_was_stopped(tmp_path: Path) -> None:
    stopped = ObjectServer("127.0.0.1", 0, lambda asked: (404, ""))
    port = stopped.port
    stopped.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S)
