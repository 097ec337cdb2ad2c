"""All that one run of the containers lab starts, from the first key to the last network, and its end."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import LabError
from harness.hosts.secret import Secret
from harness.hosts.ssh import SshConnection
from harness.inventory import Inventory, Node, Role, Settings
from harness.labs import container_furnish as furnish
from harness.labs import container_login
from harness.labs.container_front import old_doors
from harness.labs.container_host import WORLD, LabHost, Plan, start_host
from harness.labs.container_image import ensure
from harness.labs.container_keys import LabKeys, make_keys
from harness.labs.container_look import run_script
from harness.labs.container_network import LabNetwork, create_network
from harness.labs.docker_cleanup import OURS, connect, labels, sweep
from harness.labs.lab import CLC, ORIGINAL, ROLES, Start
from harness.labs.premises import BACKING_DEVICE, EUCALYPTUS_ID, FIRST_WALRUS, NAMES

_ENABLED_S = 30.0
_KEPT_STAGING = "/srv/walrus-staging"  # the CLC holds a bounded staging area while the original has no power

_SEED = """
from fakes import layouts, seeding
os.sync = lambda: None  # nothing here is lost with its processes, and flushing this whole machine can take long
store, spec, owner = sys.argv[1], sys.argv[2], int(sys.argv[3])
answer(seeding.materialise_on_disk(store, layouts.planned(spec), owner, owner))
"""
_OPEN_CLOUD = """
import time
from fakes.worldfile import WorldFile
path, name, patience_s, patch = sys.argv[1:]
world, deadline = WorldFile(path), time.monotonic() + float(patience_s)
while (found := world.read().cloud.walruses[name]).state != "ENABLED" and time.monotonic() < deadline:
    time.sleep(0.03)
world.patch(json.loads(patch))
answer({"state": found.state, "message": found.message})
"""
_SYMLINK = """
set -eu
ln -s -- "$1.real" "$1.link"
mv -T -- "$1" "$1.real"
# A Walrus that looks just now finds no directory and makes one.
for try in 1 2 3 4 5; do
    mv -T -- "$1.link" "$1" 2>/dev/null && exit
    rmdir -- "$1" || true
done
exit 1
"""

T = TypeVar("T")


@dataclass
class Rack:
    """The hosts, networks, volumes and keys of one run. ``world`` is the door to what the fakes share."""

    run_id: str
    client: Any
    directory: Path
    start: Start
    settings: Settings
    keys: LabKeys = field(init=False)
    reached: LabNetwork = field(init=False)
    replication: LabNetwork = field(init=False)
    hosts: dict[str, LabHost] = field(default_factory=dict)
    doors: dict[str, tuple[str, int]] = field(default_factory=dict)  # by role: where the engine reaches it
    ending: ExitStack = field(default_factory=ExitStack)  # what ends with the rack and is no container

    def bring_up(self) -> None:
        """Start, furnish and boot the three hosts, seed the store and wait until the original Walrus is ENABLED."""
        image = ensure(self.client, _tell)
        self._lay_out()
        roles = list(ROLES)
        self.hosts = dict(zip(roles, _at_once(lambda role: self._start_host(image, role), roles), strict=True))
        hosts = list(self.hosts.values())
        self._open_doors()
        _at_once(lambda host: furnish.put_in(host, self.hosts, self.keys, self.start), hosts)
        _at_once(self._boot, hosts)

    def _open_doors(self) -> None:
        """Where the engine is to reach the hosts, and which key answers there."""
        self.doors = {role: host.ssh for role, host in self.hosts.items()}
        if self.start.ssh == "5.3":
            self._pin("known_hosts_behind")
            self.doors = self.ending.enter_context(old_doors(self.hosts, self.keys, self.directory))
        self._pin("known_hosts")

    def _pin(self, file: str) -> None:
        self.keys.pin({self.hosts[role].plan.name: door for role, door in self.doors.items()}, file)

    def _lay_out(self) -> None:
        """What the hosts need before they are there."""

        def keys() -> None:
            kind = "ed25519" if self.start.ssh == "today" else "rsa"
            self.keys = make_keys(self.directory, tuple(NAMES.values()), kind)

        def networks() -> None:
            self.reached = create_network(self.client, self.run_id, "reached", internal=False)
            self.replication = create_network(self.client, self.run_id, "replication", internal=True)

        _at_once(lambda work: work(), [keys, networks, self._create_volumes])

    def _create_volumes(self) -> None:
        self.client.volumes.create(f"{self._prefix}-world", labels=labels(self.run_id))
        if self.start.staging_bytes is not None:
            options = {"type": "tmpfs", "device": "tmpfs", "o": f"size={self.start.staging_bytes},mode=0755"}
            self.client.volumes.create(f"{self._prefix}-staging", labels=labels(self.run_id), driver_opts=options)

    @property
    def _prefix(self) -> str:
        return f"{OURS}-{self.run_id}"

    def _start_host(self, image: str, role: str) -> LabHost:
        volumes = {f"{self._prefix}-world": WORLD}
        if self.start.staging_bytes is not None and role in (ORIGINAL, CLC):
            volumes[f"{self._prefix}-staging"] = self.settings.staging if role == ORIGINAL else _KEPT_STAGING
        plan = Plan(
            role,
            NAMES[role],
            furnish.uname_of(role, self.start),
            ROLES.index(role),
            volumes,
            replicates=role != CLC,
            capabilities=furnish.capabilities(role, self.start),
        )
        return start_host(image, self.run_id, plan, self.reached, self.replication, direct=_direct(self.client))

    def _boot(self, host: LabHost) -> None:
        furnish.prepare(host, self.settings, self.start)
        if host.plan.role == ORIGINAL:
            self._seed(host)
        if host.plan.role == CLC:
            self._open_cloud()
        host.wait_for_ssh()

    def _seed(self, original: LabHost) -> None:
        """Fill the store with the objects that the start asks for."""
        spec, store = self.start.store, self.settings.store
        run_script(original, _SEED, store, spec.as_json(), str(EUCALYPTUS_ID))
        if self.start.differs.get("store_is_symlink"):
            original.execute("sh", "-c", _SYMLINK, "plant", store)

    def replicate(self) -> None:
        """Let what has reached a peer's disk be there, as far as the fakes put that off."""
        running = [role for role in furnish.PAIR if self.hosts[role].status() == "running"]
        _at_once(lambda role: self.fakes(role, "replicate"), running)

    def _open_cloud(self) -> None:
        """Wait until the original Walrus serves, plant what the cloud does wrong from then on, forget the events."""
        differs = self.start.differs
        cloud: dict[str, Any] = {
            "key_sync_fails": bool(differs.get("key_sync_fails")),
            "next_enabled": differs.get("next_enabled", ""),
        }
        if "storagedir" in differs:
            cloud["properties"] = {"walrus.storagedir": differs["storagedir"]}
        patch = json.dumps({"cloud": cloud, "events": []})
        last = run_script(self.hosts[CLC], _OPEN_CLOUD, furnish.WORLD_FILE, FIRST_WALRUS, str(_ENABLED_S), patch)
        if last["state"] != "ENABLED":
            raise LabError(f"{FIRST_WALRUS} is not ENABLED after {_ENABLED_S:g} s: {last}")

    # The world that the fakes share

    def fakes(self, role: str, *arguments: str, stdin: str | None = None) -> str:
        """Run one of the fakes' own commands on a host and return what it printed."""
        return self.hosts[role].execute(*furnish.fakes_call(*arguments), stdin=stdin).text

    def observer(self, avoiding: str | None = None) -> str:
        """The role of a host that runs, through which the world can be seen.

        Raises:
            LabError: when there is none.
        """
        for role in (CLC, *ROLES):
            if role != avoiding and self.hosts[role].status() == "running":
                return role
        raise LabError("no host of the lab runs, so its world cannot be seen")

    def world(self) -> dict[str, Any]:
        """The world as it is now."""
        found: dict[str, Any] = json.loads(self.fakes(self.observer(), "world", "show"))
        return found

    @contextmanager
    def world_held(self, avoiding: str) -> Iterator[None]:
        """Nobody reads or changes the world meanwhile: whoever is stopped now does not hold it."""
        holder = self.hosts[self.observer(avoiding)]
        with holder.conversation(*furnish.fakes_call("world", "hold"), until=b"held"):
            yield

    def patch_world(self, patch: dict[str, Any]) -> None:
        """Merge a JSON merge patch into the world."""
        self.fakes(self.observer(), "world", "patch", stdin=json.dumps(patch))

    # Towards the engine

    def inventory(self) -> Inventory:
        """The hosts as the engine is to reach them: by ssh, with the run's keys, strictly."""
        common = SshConnection(
            address="localhost",
            identity_file=self.keys.identity,
            known_hosts=self.keys.known_hosts,
            legacy=self.start.ssh == "5.3",
        )
        if self.start.login == "sudo":
            password = Secret(str(container_login.keep_password(self.keys)))
            common = replace(common, user=container_login.USER, become=True, become_password=password)

        def node(role: Role) -> Node:
            host = self.hosts[role]
            address, port = self.doors[role]
            way = replace(common, address=address, port=port)
            disk = None if role == CLC else BACKING_DEVICE
            name = host.plan.name
            return Node(name, role, way, host.address, name, disk, host.replication_address)

        original = node("original")
        clc = node("clc") if self.start.clc == "own" else replace(original, role="clc", backing_device=None)
        return Inventory(original, node("additional"), clc, self.settings, f"containers {self.run_id}")

    def tear_down(self) -> None:
        """Remove everything that carries the run's label, and the keys."""
        try:
            sweep(self.client, self.run_id)
        finally:
            self.ending.close()
            self.let_go()
            shutil.rmtree(self.directory, ignore_errors=True)

    def let_go(self) -> None:
        """Close the connections to the Docker daemon; everything stays as it is."""
        for host in self.hosts.values():
            host.box.get_docker_client().client.close()
        self.client.close()


def rack(run_id: str, start: Start, directory: Path | None = None) -> Rack:
    """A rack that is not up yet; ``directory`` receives the keys.

    Raises:
        LabUnavailable: when no Docker daemon answers.
    """
    settings = Settings.model_validate(dict(start.settings))
    directory = directory or Path(tempfile.mkdtemp(prefix="walrus-ha-lab-"))
    directory.mkdir(mode=0o700, exist_ok=True)
    return Rack(run_id, connect(timeout_s=600.0), directory, start, settings)


def _at_once(work: Callable[[Any], T], items: Iterable[Any]) -> list[T]:
    """Do the work for all items at the same time; the first error is raised when all have ended."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        return [future.result() for future in [pool.submit(work, item) for item in items]]


def _direct(client: Any) -> bool:
    """Addresses of containers can be reached from here: the daemon runs in this very system."""
    local = client.api.base_url.startswith(("http+docker://", "unix://"))
    return sys.platform == "linux" and bool(local) and client.info()["OperatingSystem"] != "Docker Desktop"


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
