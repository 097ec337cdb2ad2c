"""Hosts of a containers lab without containers: a scratch directory is each one's disk, programs run as processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fakes.container import IDENTITY_VARIABLE, PYTHON_OPTIONS, RUN, ContainerMachine
from fakes.world import Disk, HostRow, Service, World
from fakes.worldfile import WorldFile

CONFIGURATION = "/etc/eucalyptus/eucalyptus.conf"
STORE = "/var/lib/eucalyptus/bukkits"
KEY = "/var/lib/eucalyptus/keys/euca.p12"
TICK_S = 0.05
ROLES = {"walrus00": "original", "walrus01": "additional", "clc00": "clc"}
# Of this process alone, so that tests can run beside each other.
_NETWORK = f"127.{(os.getpid() >> 8) % 250 + 1}.{os.getpid() % 256}"
ADDRESSES = {"walrus00": f"{_NETWORK}.10", "walrus01": f"{_NETWORK}.11", "clc00": f"{_NETWORK}.2"}


@dataclass
class HostOnDisk:
    """One host: its machine, and its programs as processes."""

    machine: ContainerMachine
    identity: Path

    def run(self, *argv: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, *PYTHON_OPTIONS, RUN, *argv]
        environment = {**os.environ, IDENTITY_VARIABLE: str(self.identity)}
        return subprocess.run(command, input=stdin, capture_output=True, env=environment, timeout=60, check=False)

    def real(self, path: str) -> Path:
        return Path(self.machine.files.real(path))


def world_of_three() -> World:
    """Three hosts that were just installed."""
    world = World()
    world.cloud.tick_s = TICK_S
    for name, role in ROLES.items():
        row = HostRow(name, ADDRESSES[name], f"boot-{name}", role)
        row.services["eucalyptus-cloud"] = Service()
        if role != "clc":
            row.disks["/dev/sdb"] = Disk("/dev/sdb", 1024**3)
        world.hosts[name] = row
    return world


def three_hosts(scratch: Path) -> dict[str, HostOnDisk]:
    """The hosts by name, furnished and not yet booted."""
    shared = scratch / "shared"
    shared.mkdir()
    world_path = str(shared / "world.json")
    WorldFile(world_path).create(world_of_three())
    return {name: _furnish(scratch / name, name, world_path) for name in ROLES}


def _furnish(root: Path, name: str, world_path: str) -> HostOnDisk:
    for directory in ("etc/eucalyptus", "var/lib/eucalyptus/keys", "dev", "newlocation"):
        (root / directory).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\neucalyptus:x:498:498::/:/bin/sh\n")
    (root / "etc/fstab").write_text("")
    (root / CONFIGURATION[1:]).write_text('CLOUD_OPTS="--log-level=INFO"\n')
    (root / KEY[1:]).write_text("the cloud's keys") if name == "clc00" else None
    (root / STORE[1:]).mkdir(mode=0o700)
    os.chown(root / STORE[1:], 498, 498)
    settings = {"name": name, "world": world_path, "root": str(root), "address": ADDRESSES[name]}
    identity = root / "etc/walrus-fakes.json"
    identity.write_text(json.dumps(settings))
    return HostOnDisk(ContainerMachine(**settings), identity)


def service_pid(host: HostOnDisk) -> int:
    """Process id of the host's eucalyptus-cloud, 0 when it does not run."""
    with host.machine.world() as world:
        return host.machine.row(world).services["eucalyptus-cloud"].pid


def get(host: HostOnDisk, path: str) -> tuple[int, bytes]:
    """Status and bytes of an object, by HTTP."""
    url = f"http://{ADDRESSES[host.machine.name]}:8773/services/Walrus/{path}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, b""


def eventually(holds: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
    """Wait for a condition; fail with what was waited for."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.02)
