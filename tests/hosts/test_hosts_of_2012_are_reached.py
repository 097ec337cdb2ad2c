"""Hosts of 2012 are reached: by a server that says it is OpenSSH 5.3, and offers and knows only what that did."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import AccessDenied
from harness.hosts.command import Claim, Command, Effect, PutFile, Result
from harness.hosts.ssh import SshConnection
from harness.labs.old_ssh import Door, old_server
from tests.hosts.conftest import FENCE, Opener
from tests.hosts.server import known_as, new_key, unused_port

pytest.importorskip("asyncssh", reason="the old server is made of asyncssh: pip install 'walrus-ha[labs]'")


@pytest.fixture
def old_host(tmp_path: Path) -> Iterator[SshConnection]:
    """This machine behind an old server, reached with all that an old host needs."""
    host_key, client_key = new_key(tmp_path / "host_key", "rsa"), new_key(tmp_path / "client_key", "rsa")
    door = Door("127.0.0.1", unused_port(), str(host_key), ("sh", "-c"))
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(known_as(door.port, host_key))
    with old_server([door], tmp_path / "client_key.pub"):
        yield SshConnection(
            door.address,
            door.port,
            identity_file=client_key,
            known_hosts=known_hosts,
            common_args=("-F", "/dev/null"),
            legacy=True,
            state_directory=str(tmp_path / "state"),
        )


def test_it_says_that_it_is_openssh_5_3(old_host: SshConnection) -> None:
    with socket.create_connection((old_host.address, old_host.port), timeout=10) as connection:
        assert connection.recv(100) == b"SSH-2.0-OpenSSH_5.3\r\n"


def test_with_what_they_need(old_host: SshConnection, opened: Opener, tmp_path: Path) -> None:
    transport = opened(old_host)
    assert transport.send(Command(("cat",), stdin=b"in")) == Result(0, b"in")
    transport.send(Claim(FENCE))
    answer = transport.send(Command(("sh", "-c", "echo out; echo err >&2; exit 255"), Effect.WRITE), FENCE)
    assert answer == Result(255, b"out\n", b"err\n")
    every_byte = bytes(range(256)) * 1000
    transport.send(PutFile(str(tmp_path / "file"), every_byte), FENCE)
    assert (tmp_path / "file").read_bytes() == every_byte
    assert transport.send(Command(("cat", str(tmp_path / "file")))) == Result(0, every_byte)


def test_without_it_the_error_names_it(old_host: SshConnection, opened: Opener) -> None:
    with pytest.raises(AccessDenied, match=r"no matching host key type.*`legacy_ssh: true`"):
        opened(replace(old_host, legacy=False)).send(Command(("true",)))


def test_a_younger_key_is_of_no_use_there(old_host: SshConnection, opened: Opener, tmp_path: Path) -> None:
    with pytest.raises(AccessDenied, match="wants an RSA key"):
        opened(replace(old_host, identity_file=new_key(tmp_path / "younger"))).send(Command(("true",)))
