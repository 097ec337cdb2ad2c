"""Hosts to send requests to: this machine through a real sshd, and this machine directly."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.hosts.command import Claim, Fence
from harness.hosts.local import LocalConnection
from harness.hosts.transport import Connection, Transport
from tests.hosts.server import Sshd, sshd_program

Opener = Callable[[Connection], Transport]
Starter = Callable[[str], Sshd]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of the test's own, with a name that is as hostile as a path may be."""
    path = tmp_path_factory.mktemp('it\'s 100% "odd"')
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def start_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    """Starts servers with extra lines of configuration, and ends them with the session."""
    if sshd_program() is None or shutil.which("ssh-keygen") is None:
        pytest.skip("sshd is not installed here (apt-get install openssh-server)")
    servers: list[Sshd] = []

    def start(settings: str) -> Sshd:
        servers.append(Sshd(tmp_path_factory.mktemp("sshd"), settings))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def usual_sshd(start_sshd: Starter) -> Sshd:
    """A server as a distribution ships it, for all tests that leave it as it is."""
    return start_sshd("")


@pytest.fixture
def sshd(usual_sshd: Sshd, folder: Path) -> Sshd:
    """The usual server with a state directory of the test's own."""
    usual_sshd.state = folder / "state"
    return usual_sshd


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Opens transports and closes them at the end."""
    transports: list[Transport] = []

    def open_one(connection: Connection) -> Transport:
        transports.append(connection.open("walrus00"))
        return transports[-1]

    yield open_one
    for transport in transports:
        transport.close()


@pytest.fixture
def local(opened: Opener, folder: Path) -> Transport:
    return opened(LocalConnection(state_directory=str(folder / "state")))


@pytest.fixture(params=["ssh", "local"])
def transport(request: pytest.FixtureRequest, opened: Opener, folder: Path) -> Transport:
    """This machine, once through sshd and once directly."""
    if request.param == "local":
        return opened(LocalConnection(state_directory=str(folder / "state")))
    sshd: Sshd = request.getfixturevalue("sshd")
    return opened(sshd.connection())


@dataclass(frozen=True)
class SmallDisk:
    """A host with a directory on a disk of 256 KiB, in a mount namespace that ends with the test."""

    transport: Transport
    path: str  # of the directory, for the host

    def __truediv__(self, name: str) -> str:
        return f"{self.path}/{name}"


@pytest.fixture
def small_disk(folder: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    """Its shell is entered through a program that is called sh."""
    (folder / "small").mkdir()
    script = 'mount -t tmpfs -o size=256k none "$1" && echo mounted && exec sleep 300'
    argv = ["unshare", "-m", "sh", "-c", script, "sh", str(folder / "small")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as holder:
        try:
            if not holder.stdout or holder.stdout.readline() != b"mounted\n":
                pytest.skip("a small file system cannot be mounted here")
            (folder / "sh").write_text(f'#!/bin/sh\nexec nsenter -t {holder.pid} -m /bin/sh "$@"\n')
            (folder / "sh").chmod(0o755)
            monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
            yield SmallDisk(opened(LocalConnection(state_directory=str(folder / "small/state"))), str(folder / "small"))
        finally:
            holder.kill()


FENCE = Fence(1, "run-1")


@pytest.fixture
def claimed(transport: Transport) -> Transport:
    """A host that FENCE holds."""
    transport.send(Claim(FENCE))
    return transport


@pytest.fixture
def claimed_local(local: Transport) -> Transport:
    local.send(Claim(FENCE))
    return local


def eventually(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait until ``condition`` holds; the test fails when it does not come true."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
