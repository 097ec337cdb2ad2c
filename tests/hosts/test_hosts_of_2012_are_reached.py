"""Hosts of 2012 are reached: played by a server of today that offers only what OpenSSH 5.3 did."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import AccessDenied
from harness.hosts.command import Claim, Command, Effect, Result
from tests.hosts.conftest import FENCE, Opener, Starter
from tests.hosts.server import Sshd, known_as, new_key

LEGACY = ("-F", "/dev/null", "-o", "HostKeyAlgorithms=+ssh-rsa", "-o", "PubkeyAcceptedAlgorithms=+ssh-rsa")


@pytest.fixture
def old_sshd(start_sshd: Starter, tmp_path: Path) -> Sshd:
    host_key = new_key(tmp_path / "host_key", "rsa")
    old = f"""HostKey {host_key}
HostKeyAlgorithms ssh-rsa
KexAlgorithms diffie-hellman-group-exchange-sha256
Ciphers aes128-ctr
MACs hmac-sha1"""
    sshd = start_sshd(old)
    sshd.known_hosts.write_text(known_as(sshd.port, host_key))
    return sshd


def test_with_the_options_that_they_need(old_sshd: Sshd, opened: Opener) -> None:
    transport = opened(old_sshd.connection(common_args=LEGACY))
    assert transport.send(Command(("cat",), stdin=b"in")) == Result(0, b"in")
    transport.send(Claim(FENCE))
    answer = transport.send(Command(("sh", "-c", "echo out; echo err >&2; exit 255"), Effect.WRITE), FENCE)
    assert answer == Result(255, b"out\n", b"err\n")


def test_without_them_the_error_names_them(old_sshd: Sshd, opened: Opener) -> None:
    with pytest.raises(AccessDenied, match=r"HostKeyAlgorithms=\+ssh-rsa"):
        opened(old_sshd.connection()).send(Command(("true",)))
