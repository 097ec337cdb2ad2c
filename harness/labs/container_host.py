"""One host of a containers lab: a container with a fixed address, sshd for the engine, `docker exec` for the lab."""

from __future__ import annotations

import io
import os
import socket
import tarfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import LabError
from harness.hosts.command import Result
from harness.labs.container_network import LabNetwork
from harness.labs.docker_cleanup import OURS, labels

os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"  # read when testcontainers is imported; labels clean up instead

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

WORLD = "/srv/walrus-world"  # the volume that all hosts of a lab share
FURNISHED = "/etc/lab/furnished"  # a host does not boot before this is there; see images/walrus/boot
SSH_PORT = 22
_API_S = 600  # longest silence of the daemon: the walk over a large store says nothing until it is done
_ANSWER_S = 60.0


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


@dataclass(frozen=True)
class File:
    """A file to put into a host."""

    content: bytes
    mode: int = 0o644


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
        """Docker's word: running, paused, exited ..."""
        self.container.reload()
        return str(self.container.status)

    def execute(self, *argv: str, ok: Iterable[int] = (0,)) -> Result:
        """Run a program through the lab's own door, past sshd.

        Raises:
            LabError: when it ended with a status that is not in ``ok``, or the host does not run.
        """
        from docker.errors import APIError

        try:
            answer = self.container.exec_run(list(argv), demux=True)
        except APIError as error:
            raise LabError(f"{self.plan.name}: {error.explanation}") from error
        stdout, stderr = answer.output
        result = Result(answer.exit_code, stdout or b"", stderr or b"")
        if result.exit_status not in ok:
            said = (result.stderr or result.stdout).decode(errors="replace").strip()[-1000:]
            raise LabError(f"{self.plan.name}: `{' '.join(argv)}` ended with status {result.exit_status}: {said}")
        return result

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
                last = self.container.logs(tail=20).decode(errors="replace")
                raise LabError(f"{self.plan.name} ({self.status()}) does not answer ssh at {self.ssh[0]}:\n{last}")
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
    ssh = (address, SSH_PORT) if direct else ("127.0.0.1", _free_port())
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


def packed(files: dict[str, File]) -> bytes:
    """The files as the tar that Docker unpacks at the root."""
    packing = io.BytesIO()
    with tarfile.open(fileobj=packing, mode="w") as archive:
        for path, file in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode, member.mtime = len(file.content), file.mode, int(time.time())
            archive.addfile(member, io.BytesIO(file.content))
    return packing.getvalue()


def _free_port() -> int:
    """A port of this machine that a host keeps through a power cut, as it would not if Docker chose it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _greets(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=2.0) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
