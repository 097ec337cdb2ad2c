"""The ssh keys of one lab: a pair for the controller, one for each host, and the file in which they are pinned."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.errors import LabUnavailable

_KEYGEN_S = 60.0


@dataclass(frozen=True)
class LabKeys:
    """Keys in a directory that only its owner can read; they open nothing but this lab's hosts."""

    directory: Path
    hosts: tuple[str, ...]

    @property
    def identity(self) -> Path:
        """The controller's private key."""
        return self.directory / "controller"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    def authorized(self) -> bytes:
        """What lets the controller in, for a host's authorized_keys."""
        return self.identity.with_suffix(".pub").read_bytes()

    def private(self, host: str) -> bytes:
        return (self.directory / host).read_bytes()

    def pin(self, doors: dict[str, tuple[str, int]], file: str = "known_hosts") -> None:
        """Write known_hosts: which key answers behind each host's address and port."""
        lines = []
        for host, (address, port) in doors.items():
            kind, key = (self.directory / f"{host}.pub").read_text().split()[:2]
            door = address if port == 22 else f"[{address}]:{port}"
            lines.append(f"{door} {kind} {key}\n")
        (self.directory / file).write_text("".join(lines))


def make_keys(directory: Path, hosts: tuple[str, ...], kind: str = "ed25519") -> LabKeys:
    """Fresh keys for the controller and the hosts."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(partial(_generate, kind), (directory / name for name in ("controller", *hosts))))
    return LabKeys(directory, hosts)


def _generate(kind: str, path: Path) -> None:
    command = [
        "ssh-keygen",
        "-q",
        "-t",
        kind,
        *(("-b", "2048") if kind == "rsa" else ()),
        "-N",
        "",
        "-C",
        f"walrus-ha lab {path.name}",
        "-f",
        str(path),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_KEYGEN_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise LabUnavailable(f"no ssh keys for the lab: {error}") from error


def lacks() -> list[str]:
    """The client programs of OpenSSH that this machine lacks."""
    return [f"{name}: make labs" for name in ("ssh", "ssh-keygen") if not shutil.which(name)]
