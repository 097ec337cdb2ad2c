"""What the benchmarks call down: no client could read; what comes back wrong is not read either."""

from __future__ import annotations

import hashlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.reading import Client, Round, Wanted, unread

CONTENT = b"an object"
WANTED = [Wanted("bucket/a", hashlib.sha256(CONTENT).hexdigest())]


@contextmanager
def serving(content: bytes, port: int = 0) -> Iterator[int]:
    """A Walrus of one object."""

    class Walrus(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/services/Walrus/bucket/a" else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Walrus)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def client_of(ports: dict[str, int]) -> Client:
    def connect(address: str, port: int, timeout_s: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", ports[address]), timeout=timeout_s)

    return Client(connect, list(ports), WANTED, time.monotonic)


def test_the_seconds_between_two_servers_are_down() -> None:
    with serving(CONTENT) as first, serving(CONTENT) as other:
        pass  # two ports that nobody has
    with client_of({"one": first, "other": other}) as client:
        with serving(CONTENT, first):
            assert client.wait_until_whole(0.0, 20)
        time.sleep(1.0)
        with serving(CONTENT, other):
            assert client.wait_until_whole(time.monotonic(), 20)
    first_read = [one.whole for one in client.rounds].index(True)
    span, *_ = unread(client.rounds[first_read:])  # the client may look once more when the other has gone too
    assert 1.0 <= span[1] - span[0] < 10.0


def test_another_content_is_not_read() -> None:
    with serving(b"something else") as port, client_of({"one": port}) as client:
        assert not client.wait_until_whole(0.0, 1.0)


def test_what_is_down_at_the_end_counts() -> None:
    rounds = [Round(0, 1, True), Round(1, 2, False), Round(2, 4, True), Round(4, 5, True), Round(5, 9, False)]
    assert list(unread(rounds)) == [(1, 4), (5, 9)]
    assert list(unread(rounds[:1])) == []
