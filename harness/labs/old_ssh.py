"""An ssh server as hosts of 2012 run it: it says that it is OpenSSH 5.3 and offers what that offered, nothing younger.

It stands before hosts that run a server of today, and hands each session's command to one of them. A process of its
own, ``python -m harness.labs.old_ssh``, which reads what to do as JSON and ends with its standard input, so also with a
lab that was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.errors import LabError

VERSION = "OpenSSH_5.3"
# myproposal.h of OpenSSH 5.3p1, in its order, as far as asyncssh knows them too. It signs with SHA-1 only.
KEX = (
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group1-sha1",
)
CIPHERS = ("aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-cbc", "3des-cbc", "aes192-cbc", "aes256-cbc")
MACS = ("hmac-md5", "hmac-sha1", "hmac-sha1-96", "hmac-md5-96")
SIGNATURES = ("ssh-rsa",)
COMPRESSIONS = ("none", "zlib@openssh.com")

_READY = b"listening\n"
_CHUNK = 65536


@dataclass(frozen=True)
class Door:
    """One host behind the server: where it is reached, with which key it answers, and what runs its commands.

    A session's command line becomes the last argument of ``command``.
    """

    address: str
    port: int
    host_key: str
    command: tuple[str, ...]


@contextlib.contextmanager
def old_server(doors: Sequence[Door], authorized_keys: Path) -> Iterator[None]:
    """A server for these doors, until the block ends.

    Raises:
        LabError: it does not listen.
    """
    told = {"authorized_keys": str(authorized_keys), "doors": [vars(door) for door in doors]}
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            server.stdin.write(json.dumps(told).encode() + b"\n")
            server.stdin.flush()
            if server.stdout.readline() != _READY:
                raise LabError(f"the server that plays {VERSION} does not listen; it said why on standard error")
            yield
        finally:
            server.kill()


async def _serve(told: dict[str, Any]) -> None:
    """Listen at every door until standard input ends."""
    import asyncssh

    _forget_what_is_younger()

    for plain in told["doors"]:
        door = Door(**plain)
        await asyncssh.listen(
            door.address,
            door.port,
            server_host_keys=[_signing_as_then(door.host_key)],
            authorized_client_keys=told["authorized_keys"],
            process_factory=partial(_carry, door),
            encoding=None,
            server_version=VERSION,
            kex_algs=KEX,
            encryption_algs=CIPHERS,
            mac_algs=MACS,
            signature_algs=SIGNATURES,
            compression_algs=COMPRESSIONS,
            password_auth=False,
            kbdint_auth=False,
            allow_pty=False,
            agent_forwarding=False,
        )
    sys.stdout.buffer.write(_READY)
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)


async def _carry(door: Door, process: Any) -> None:
    """Run one session's command behind the door; bytes go both ways as they come."""
    pipe = asyncio.subprocess.PIPE
    command = [*door.command, process.command or "exec sh"]
    inner = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    hearing = asyncio.create_task(_pass_on(process.stdin, inner.stdin, close=True))
    await asyncio.gather(_pass_on(inner.stdout, process.stdout), _pass_on(inner.stderr, process.stderr))
    status = await inner.wait()
    hearing.cancel()
    process.exit(status if status >= 0 else 255)


async def _pass_on(source: Any, sink: Any, close: bool = False) -> None:
    """Everything from one stream to another, until one of them ends."""
    with contextlib.suppress(OSError):
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
    if close:
        sink.close()


def _signing_as_then(path: str) -> Any:
    """The key as a server of then uses it; asyncssh would offer an RSA key for SHA-2 signatures too."""
    import asyncssh

    (pair,) = asyncssh.load_keypairs(path)
    pair.sig_algorithms = pair.host_key_algorithms = [name.encode() for name in SIGNATURES]
    return pair


def _forget_what_is_younger() -> None:
    """No extension messages (RFC 8308, 2018) and no strict key exchange (2023), which asyncssh has no options for.

    Without them a client of today has to know by itself with what the server verifies.
    """
    from asyncssh.connection import SSHServerConnection

    connection: Any = SSHServerConnection  # private parts of it; constraints.txt says of which version

    def never(self: object, value: object) -> None: ...

    connection._get_extra_kex_algs = lambda self: []
    for name in ("_can_send_ext_info", "_strict_kex"):
        setattr(connection, name, property(lambda self: False, never))


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.stdin.buffer.readline())))
