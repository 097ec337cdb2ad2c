"""What ssh says comes from strangers, and much of it may be the beginning of something that we look for."""

from __future__ import annotations

import time

import pytest

from harness.errors import AccessDenied, Unreachable
from harness.hosts.exchange import NotSent
from harness.hosts.ssh import SshConnection, SshTransport

SOON_S = 2.0  # of the processor; a tenth of it is enough


def told(said: str) -> AccessDenied | Unreachable:
    return SshTransport("walrus00", SshConnection("10.0.0.10"))._no_shell(NotSent(255, said))


@pytest.mark.parametrize("begun", ["Host key verifi", "host key ", "no matching", "Permission denied "])
def test_what_is_begun_again_and_again(begun: str) -> None:
    started = time.process_time()
    assert isinstance(told(begun * (300_000 // len(begun))), Unreachable)
    assert time.process_time() - started < SOON_S


def test_a_revoked_key_is_a_refusal_however_long_the_name_of_its_host() -> None:
    assert isinstance(told(f"The RSA host key for {'h' * 253} is marked as revoked.\n"), AccessDenied)
