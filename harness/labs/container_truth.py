"""Looking at a containers lab past the engine: by `docker exec`, in the shared world, by an HTTP client of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.clock import WallClock
from harness.evidence import Entry, Event, HostSnapshot, Manifest, ObjectRead
from harness.labs.container_furnish import PAIR, fakes_call
from harness.labs.container_host import LabHost
from harness.labs.container_look import run_script
from harness.labs.container_rack import Rack
from harness.labs.hostfiles import File
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL
from harness.labs.premises import BACKING_DEVICE, SERVICE, WATCHED, last_with_cloud, place_path
from harness.labs.reading import ANY_ANSWER, read_sample, require_taken

_HTTP_S = 30
_RESCUE = "/etc/lab/rescue"  # a host that has power, and does not boot while something is written there

_WALK = """
from fakes import truth
from fakes.disk import PlainFiles
answer(truth.manifest(PlainFiles(), directory(sys.argv[1])))
"""
_SNAPSHOT = """
from fakes import truth
from fakes.container import ContainerMachine
store, staging, *watched = sys.argv[1:]
answer(truth.snapshot(ContainerMachine.here(), watched, store, staging))
"""
_LISTING = """
from fakes import truth
from fakes.container import ContainerMachine
answer(truth.listing(ContainerMachine.here()))
"""
_FETCH = """
import hashlib, urllib.error, urllib.request
def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=int(sys.argv[1])) as reply:
            return [reply.status, hashlib.sha256(reply.read()).hexdigest()]
    except urllib.error.HTTPError as refusal:
        return [refusal.code, None]
    except OSError:
        return [0, None]
answer([fetch(url) for url in sys.argv[2:]])
"""
_RECEIVED = r"""
import subprocess
root = directory(sys.argv[1])
stat = ["find", root, "-type", "f", "-exec", "stat", "--printf", r"%i %W %w %s\n", "--", "{}", "+"]
done = subprocess.run(stat, capture_output=True, env={"LC_ALL": "C"}) if os.path.isdir(root) else None
answer([line.rsplit(" ", 1) for line in done.stdout.decode().splitlines()] if done else [])
"""


class ContainerTruth:
    """Implements harness.labs.lab.Truth."""

    def __init__(self, rack: Rack) -> None:
        self._rack = rack
        self._clock = WallClock()
        self._sizes: dict[tuple[str, str], dict[str, int]] = {}  # largest size seen, by inode and birth
        self._received: dict[tuple[str, str], int] = {}

    def _host(self, role: str) -> LabHost:
        return self._rack.hosts[role]

    def snapshot(self, role: str) -> HostSnapshot:
        host, settings = self._host(role), self._rack.settings
        if host.status() != "running":
            return HostSnapshot(host.plan.name, False)
        watched = (*WATCHED, settings.drbd_conf)
        return HostSnapshot(**run_script(host, _SNAPSHOT, settings.store, settings.staging, *watched))

    def manifest(self, role: str, place: str) -> Manifest:
        """Also of a host without power, from its disk; a frozen one cannot be read and says so."""
        host = self._host(role)
        if place == "device":
            self._rack.replicate()
        with host.power:
            if host.status() == "paused":
                return Manifest([], f"{host.plan.name} is frozen")
            with self._readable(host):
                return _manifest(run_script(host, _WALK, self._root(place)))

    def _root(self, place: str) -> str:
        return f"image of {BACKING_DEVICE}" if place == "device" else place_path(self._rack.settings, place)

    @contextmanager
    def _readable(self, host: LabHost) -> Iterator[None]:
        """A host without power gets some for as long as its disk is read, and does not boot.

        It is let off only once it is dead: in the moment between the two it would boot.
        """
        if host.status() == "running":
            yield
            return
        host.put({_RESCUE: File(b"the disk is being read\n")})
        host.become("start")
        try:
            yield
        finally:
            host.become("kill")
            host.container.wait(timeout=60)
            host.put({_RESCUE: File(b"")})

    def events(self) -> list[Event]:
        return [Event(**event) for event in self._rack.world()["events"]]

    def read_objects(self, when: str, expected: Manifest) -> list[ObjectRead]:
        """Asked for on the CLC, as a client of the cloud would."""
        serving = self._host(self._serving(when)).address

        def fetch(keys: list[str]) -> list[tuple[int, str | None]]:
            urls = [f"http://{serving}:8773/services/Walrus/{key}" for key in keys]
            answers: list[tuple[int, str | None]] = run_script(self._host(CLC), _FETCH, str(_HTTP_S), *urls)
            return answers

        return read_sample(when, expected, self._clock.now, fetch)

    def _serving(self, when: str) -> str:
        """The role of the ENABLED Walrus; before the move the original."""
        states = {one["host"]: one["state"] for one in self._rack.world()["cloud"]["walruses"].values()}
        moved = when == "after" and states.get(self._host(ADDITIONAL).address) == "ENABLED"
        return ADDITIONAL if moved else ORIGINAL

    def compare_sides(self) -> None:
        """A model of DRBD has no blocks."""

    def read_replica(self) -> Manifest:
        """Both services stop, the side that did not serve is promoted and mounted, and its files are walked."""
        serving = self._serving("after")
        idle = next(role for role in PAIR if role != serving)
        settings = self._rack.settings
        for role in last_with_cloud((idle, serving), self._rack.start):
            self._host(role).execute(*fakes_call("services:service", SERVICE, "stop"))  # whatever it has for init
        promoted = self._host(idle)
        promote = ("drbdadm", "primary", settings.resource)
        for argv in (promote, ("mount", "-t", settings.filesystem, settings.device, settings.store)):
            answer = promoted.execute(*argv, ok=ANY_ANSWER)
            require_taken(promoted.plan.name, argv, answer.exit_status, answer.stderr)
        return _manifest(run_script(promoted, _WALK, settings.store))

    def bytes_received(self, role: str, place: str) -> int:
        """Counts what files have grown by since the last look; a file that was made anew counts in full.

        A file is its inode and its time of birth: rsync makes a new one for every object that it copies again.
        """
        host, key = self._host(role), (role, place)
        with host.power, self._readable(host):
            found = run_script(host, _RECEIVED, self._root(place))
        sizes, received = self._sizes.setdefault(key, {}), self._received.get(key, 0)
        for file, size in found:
            received += max(0, int(size) - sizes.get(file, 0))
            sizes[file] = max(int(size), sizes.get(file, 0))
        self._received[key] = received
        return received

    def listing(self, role: str) -> dict[str, str]:
        found: dict[str, str] = run_script(self._host(role), _LISTING)
        return found

    def unsupported(self) -> list[str]:
        return list(self._rack.world()["unsupported"])


def _manifest(found: dict[str, Any]) -> Manifest:
    return Manifest([Entry(**entry) for entry in found["entries"]], found["error"])
