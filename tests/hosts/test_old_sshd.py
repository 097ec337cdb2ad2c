"""Hosts of 2012 are reached: a server that knows no more than OpenSSH 5.3 did, SHA-1 signatures of RSA keys only."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import AccessDenied
from harness.hosts.command import Claim, Command, Effect, Result
from harness.hosts.ssh import SshConnection
from tests.hosts.conftest import FENCE, Opener, Starter
from tests.hosts.server import known_as, new_key

LEGACY = ("-o", "HostKeyAlgorithms=+ssh-rsa", "-o", "PubkeyAcceptedAlgorithms=+ssh-rsa")


class OldSshd:
    """Runs in a thread; what it is asked to run, it runs on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host_key = new_key(folder / "host_key", "rsa")
        self.client_key = new_key(folder / "client_key", "rsa")
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.server = self._do(self._listen())
        self.port = int(self.server.get_port())
        (folder / "known_hosts").write_text(known_as(self.port, self.host_key))

    def connection(self, **changes: Any) -> SshConnection:
        fields: dict[str, Any] = {
            "address": "127.0.0.1",
            "port": self.port,
            "identity_file": self.client_key,
            "known_hosts": self.folder / "known_hosts",
            "common_args": ("-F", "/dev/null", *LEGACY),
            "state_directory": str(self.folder / "state"),
        }
        return SshConnection(**{**fields, **changes})

    def stop(self) -> None:
        self.server.close()
        self._do(self.server.wait_closed())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def _listen(self) -> Any:
        import asyncssh  # not a dependency: the tests that need it are skipped without it

        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_version="OpenSSH_5.3",
            server_host_keys=[str(self.host_key)],
            authorized_client_keys=str(self.client_key) + ".pub",
            signature_algs=["ssh-rsa"],
            kex_algs=["diffie-hellman-group-exchange-sha256"],
            encryption_algs=["aes128-ctr"],
            process_factory=run,
            encoding=None,
        )


async def run(process: Any) -> None:
    """What a client asks for, through the login shell."""
    pipe = subprocess.PIPE
    child = await asyncio.create_subprocess_shell(process.command, stdin=pipe, stdout=pipe, stderr=pipe)
    feeding = asyncio.create_task(forward(process.stdin, child.stdin))
    await asyncio.gather(forward(child.stdout, process.stdout), forward(child.stderr, process.stderr))
    process.exit(await child.wait())
    feeding.cancel()


async def forward(source: Any, sink: Any) -> None:
    while chunk := await source.read(65536):
        sink.write(chunk)
        await sink.drain()
    sink.write_eof()


@pytest.fixture
def old_sshd(tmp_path: Path) -> Iterator[OldSshd]:
    pytest.importorskip("asyncssh", reason="asyncssh is not installed here (pip install asyncssh)")
    server = OldSshd(tmp_path)
    yield server
    server.stop()


@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")  # OpenSSH 5.3 knows no other key exchange
def test_with_the_options_that_hosts_of_2012_need(old_sshd: OldSshd, opened: Opener) -> None:
    transport = opened(old_sshd.connection())
    assert transport.send(Command(("cat",), stdin=b"in")) == Result(0, b"in")
    transport.send(Claim(FENCE))
    answer = transport.send(Command(("sh", "-c", "echo out; echo err >&2; exit 255"), Effect.WRITE), FENCE)
    assert answer == Result(255, b"out\n", b"err\n")


def test_without_them_the_error_names_them(start_sshd: Starter, tmp_path: Path, opened: Opener) -> None:
    """Played by a server of today, which can be told to offer a host key's SHA-1 signature only."""
    host_key = new_key(tmp_path / "host_key", "rsa")
    sshd = start_sshd(f"HostKeyAlgorithms ssh-rsa\nHostKey {host_key}")
    sshd.known_hosts.write_text(known_as(sshd.port, host_key))
    with pytest.raises(AccessDenied, match=r"HostKeyAlgorithms=\+ssh-rsa"):
        opened(sshd.connection()).send(Command(("true",)))
    legacy = sshd.connection(common_args=("-F", "/dev/null", *LEGACY))
    assert opened(legacy).send(Command(("true",))) == Result(0)
