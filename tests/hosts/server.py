"""A real sshd on a loopback port, with keys of its own: what the ssh transport talks to in these tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.hosts.ssh import SshConnection

_ADDRESS = "127.0.0.1"


class Sshd:
    """One sshd and everything needed to reach it; ends with ``stop``."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.state = folder / "state"  # what requests take for the host's state directory
        self.port = unused_port()
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self.known_hosts = folder / "known_hosts"
        self.client_key = new_key(folder / "client_key")
        host_key = new_key(folder / "host_key")
        self.known_hosts.write_text(known_as(self.port, host_key))
        (folder / "authorized_keys").write_text(_public(self.client_key) + "\n")
        (folder / "sshd_config").write_text(_config(folder, self.port, settings))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        argv = [sshd_program() or "sshd", "-D", "-e", "-f", str(folder / "sshd_config")]
        with (folder / "sshd.log").open("wb") as log:
            self.process = subprocess.Popen(argv, stderr=log, stdin=subprocess.DEVNULL)
        self._await_listening()

    def connection(self, **changes: Any) -> SshConnection:
        """How to reach it; keywords replace fields of the connection."""
        fields: dict[str, Any] = {
            "address": _ADDRESS,
            "port": self.port,
            "user": self.user,
            "identity_file": self.client_key,
            "known_hosts": self.known_hosts,
            "common_args": ("-F", "/dev/null"),
            "state_directory": str(self.state),
        }
        return SshConnection(**{**fields, **changes})

    def sessions(self) -> list[int]:
        """The sshd processes that serve connections; what runs in them is not among them."""
        if self.process.poll() is not None:
            return []  # its process id may be another's by now
        found, parents = [], [self.process.pid]
        while parents:
            parents = [child for child in _children(parents) if _program(child) == _program(self.process.pid)]
            found += parents
        return found

    def signal_sessions(self, number: signal.Signals) -> None:
        """Freeze, thaw or cut every connection from the host's side."""
        for pid in self.sessions():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        """End it and every connection."""
        self.signal_sessions(signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def _await_listening(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection((_ADDRESS, self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.process.kill()
        self.process.wait()
        raise RuntimeError(f"sshd does not listen: {(self.folder / 'sshd.log').read_text()}")


def sshd_program() -> str | None:
    """Where sshd is; it insists on being called by its absolute path."""
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def new_key(path: Path, kind: str = "ed25519") -> Path:
    """A new private key, its public half beside it."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


def known_as(port: int, key: Path) -> str:
    """The line of known_hosts for a key on this machine."""
    return f"[{_ADDRESS}]:{port} {_public(key)}\n"


def _public(key: Path) -> str:
    return " ".join(Path(f"{key}.pub").read_text().split()[:2])


def _config(folder: Path, port: int, settings: str) -> str:
    """Without the start-up files of the account's own home, which cost time and are not the test's business."""
    return f"""{settings}
ListenAddress {_ADDRESS}
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
MaxStartups 100
SetEnv HOME={folder}
"""


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind((_ADDRESS, 0))
        return int(probe.getsockname()[1])


def _children(parents: list[int]) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if parent in parents:
            yield int(stat.parent.name)


def _program(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""
