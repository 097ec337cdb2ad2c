"""One host of a containers lab: a container with a fixed address, sshd for the engine, `docker exec` for the lab."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import LabError
from harness.hosts.command import Result
from harness.labs import docker_exec
from harness.labs.container_network import LabNetwork
from harness.labs.docker_cleanup import OURS, labels
from harness.labs.hostfiles import File, packed

os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"  # read when testcontainers is imported; labels clean up instead

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

WORLD = "/srv/walrus-world"  # the volume that all hosts of a lab share
SSH_PORT = 22
_API_S = 600  # longest silence of the daemon: the walk over a large store says nothing until it is done
_ANSWER_S = 60.0
_PIPE = 'printf %s "$0" | "$@"'


@dataclass(frozen=True)
class Plan:
    """What a host shall be before it is there."""

    role: str
    name: str
    uname: str
    number: int
    volumes: dict[str, str]  # name of a volume to where it is mounted
    replicates: bool = False
    capabilities: tuple[str, ...] = ()


@dataclass
class LabHost:
    """A running, frozen or powerless container. ``power`` is held while its power changes or its disk is read."""

    plan: Plan
    box: DockerContainer
    address: str
    replication_address: str | None
    ssh: tuple[str, int]
    power: threading.RLock = field(default_factory=threading.RLock)

    @property
    def container(self) -> Any:
        return self.box.get_wrapped_container()

    def status(self) -> str:
        """Docker's word: running, paused, exited ...; "gone" when somebody removed the host."""
        from docker.errors import NotFound

        try:
            self.container.reload()
        except NotFound:
            return "gone"
        return str(self.container.status)

    def become(self, change: Literal["start", "kill", "pause", "unpause"]) -> None:
        """Change the host's power.

        Raises:
            LabError: when Docker would not.
        """
        from docker.errors import APIError

        try:
            getattr(self.container, change)()
        except APIError as error:
            raise LabError(f"{self.plan.name} did not {change}: {error.explanation}") from error

    def execute(self, *argv: str, stdin: str | None = None, ok: Iterable[int] = (0,)) -> Result:
        """Run a program through the lab's own door, past sshd. ``stdin`` is short.

        Raises:
            LabError: when it ended with a status that is not in ``ok``, or the host does not run.
        """
        from docker.errors import APIError

        piped = argv if stdin is None else ("sh", "-c", _PIPE, stdin, *argv)
        try:
            result = docker_exec.run(self.container, list(piped))
        except APIError as error:
            raise LabError(f"{self.plan.name}: {error.explanation}{self._last_words()}") from error
        if result.exit_status not in ok:
            said = (result.stderr or result.stdout).decode(errors="replace").strip()[-1000:] + self._last_words()
            raise LabError(f"{self.plan.name}: `{_brief(argv)}` ended with status {result.exit_status}: {said}")
        return result

    def _last_words(self) -> str:
        """What a host that does not run any more said, for an error message."""
        status = self.status()
        if status in ("running", "gone"):
            return "" if status == "running" else " (the host is gone)"
        said = self.container.logs(tail=20).decode(errors="replace").strip()
        return f" (the host is {status}; it said: {said})"

    @contextmanager
    def conversation(self, *argv: str, until: bytes) -> Iterator[None]:
        """Run a program that reads its standard input to the end; the block runs once it has printed ``until``.

        Raises:
            LabError: when it ended, or said nothing for too long, before.
        """
        with docker_exec.listening(self.container, list(argv), _ANSWER_S) as reader:
            said = b""
            while until not in said:
                chunk = reader.read1(4096)
                if not chunk:
                    raise LabError(f"{self.plan.name}: `{_brief(argv)}` ended: {said.decode(errors='replace')}")
                said += chunk
            yield

    def put(self, files: dict[str, File]) -> None:
        """Write files, owned by root; works on a host without power too."""
        if not self.container.put_archive("/", packed(files)):
            raise LabError(f"{self.plan.name}: could not write {', '.join(files)}")

    def wait_for_ssh(self) -> None:
        """Wait until its sshd greets.

        Raises:
            LabError: with the host's last words, when it does not within a minute.
        """
        deadline = time.monotonic() + _ANSWER_S
        while not _greets(*self.ssh):
            if time.monotonic() > deadline or self.status() != "running":
                raise LabError(f"{self.plan.name} does not answer ssh at {self.ssh[0]}{self._last_words()}")
            time.sleep(0.03)


def start_host(
    image: str, run_id: str, plan: Plan, reached: LabNetwork, replication: LabNetwork, direct: bool
) -> LabHost:
    """Start one host; it waits to be furnished. ``direct``: its address can be reached from here."""
    from docker.types import EndpointConfig
    from docker.version import __version__ as sdk
    from testcontainers.core.container import DockerContainer

    address = reached.address(plan.number)
    box = DockerContainer(image, docker_client_kw={"timeout": _API_S})
    box.with_name(f"{OURS}-{run_id}-{plan.name}").with_tmpfs_mount("/run")
    for volume, path in plan.volumes.items():
        box.with_volume_mapping(volume, path, "rw")
    ssh = (address, SSH_PORT) if direct else ("127.0.0.1", free_port())
    if not direct:
        box.ports[f"{SSH_PORT}/tcp"] = ssh  # type: ignore[assignment]  # Docker takes it, testcontainers' type does not
    box.with_kwargs(
        hostname=plan.uname,
        labels=labels(run_id),
        init=True,
        cap_add=list(plan.capabilities),
        network=reached.name,
        networking_config={reached.name: EndpointConfig(sdk, ipv4_address=address)},
    )
    box.start()
    replication_address = replication.address(plan.number) if plan.replicates else None
    if replication_address:
        replication.network.connect(box.get_wrapped_container(), ipv4_address=replication_address)
    return LabHost(plan, box, address, replication_address, ssh)


def _brief(argv: Iterable[str]) -> str:
    """A command for an error message, its scripts left out."""
    return " ".join(word if "\n" not in word else "..." for word in argv)


def free_port() -> int:
    """A port of this machine that a host keeps through a power cut, as it would not if Docker chose it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _greets(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=2.0) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
