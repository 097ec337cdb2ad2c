"""Looking at a machines lab past the engine: through the lab's door, in the kernels' logs, on the disks themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from harness.clock import WallClock
from harness.errors import LabError
from harness.evidence import Entry, Event, HostSnapshot, Manifest, ObjectRead, Replication
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, ROLES
from harness.labs.machine_events import kernel_events, merged
from harness.labs.machine_furnish import BACKING_DEVICE, PAIR, WORLD_FILE
from harness.labs.machine_host import MachineHost, run_script
from harness.labs.machine_rack import MachineRack
from harness.labs.machine_scripts import FETCH, LISTING, PLACES, RUNS, SNAPSHOT, WORLD
from harness.labs.machine_sides import compare_sides
from harness.labs.premises import SERVICE, WATCHED, place_path
from harness.labs.reading import ANY_ANSWER, read_sample, require_taken

_HTTP_S = 30
_WALK_S = 300.0
_PLACES = ("store", "old-store", "returning-store", "staging", "device")


class MachineTruth:
    """Implements harness.labs.lab.Truth.

    A host without power is started for the lab alone and everything about its disks is read at once: nothing changes
    there until it has power again.
    """

    def __init__(self, rack: MachineRack) -> None:
        self._rack = rack
        self._clock = WallClock()
        self._sizes: dict[tuple[str, str], dict[str, int]] = {}  # largest size seen, by inode and birth
        self._received: dict[tuple[str, str], int] = {}
        self._last_world: dict[str, Any] | None = None
        self._asleep: dict[str, tuple[int, dict[str, Any]]] = {}  # what a powerless host's disks hold, by power cut

    def _host(self, role: str) -> MachineHost:
        return self._rack.hosts[role]

    def _path(self, place: str) -> str:
        return place_path(self._rack.settings, place)

    # One host

    def snapshot(self, role: str) -> HostSnapshot:
        host, settings = self._host(role), self._rack.settings
        if host.status() != "running":
            return HostSnapshot(host.plan.name, False)
        disk = BACKING_DEVICE if role in PAIR else ""
        watched = (*WATCHED, settings.drbd_conf)
        found = run_script(host, SNAPSHOT, SERVICE, disk, settings.store, settings.staging, *watched)
        return HostSnapshot(host.plan.name, True, **found)

    def manifest(self, role: str, place: str) -> Manifest:
        """Also of a host without power, from its disk; a frozen one cannot be read and says so."""
        host = self._host(role)
        with host.power:
            if host.status() == "frozen":
                return Manifest([], f"{host.plan.name} is frozen")
            found = self._found(role, (place,))["manifests"][place]
        return Manifest([Entry(**entry) for entry in found["entries"]], found["error"])

    def bytes_received(self, role: str, place: str) -> int:
        """Counts what files have grown by since the last look; a file that was made anew counts in full.

        A file is its inode and its time of birth: rsync makes a new one for every object that it copies again.
        """
        host, key = self._host(role), (role, place)
        with host.power:
            if host.status() == "frozen":
                return self._received.get(key, 0)
            found = self._found(role, (place,), counting=True)["files"][place]
        sizes, received = self._sizes.setdefault(key, {}), self._received.get(key, 0)
        for file, size in found:
            received += max(0, int(size) - sizes.get(file, 0))
            sizes[file] = max(int(size), sizes.get(file, 0))
        self._received[key] = received
        return received

    def _found(self, role: str, places: Iterable[str], counting: bool = False) -> dict[str, Any]:
        """Manifests of the places, or the files in them; the host is held and not frozen."""
        host = self._host(role)
        if host.status() == "running":
            return self._look(host, places if not counting else (), places if counting else ())
        cuts = sum(
            (event.host, event.kind, event.detail) == (host.plan.name, "power", "off") for event in self._rack.happened
        )
        known = self._asleep.get(role)
        if known is None or known[0] != cuts:
            with self._rescued(host):
                found = self._look(host, _PLACES, ("staging", "device"))
                found["world"] = run_script(host, WORLD, WORLD_FILE)
            known = self._asleep[role] = (cuts, found)
        return known[1]

    def _look(self, host: MachineHost, walked: Iterable[str], counted: Iterable[str]) -> dict[str, Any]:
        settings = self._rack.settings
        asked = [f"walk {place} {self._path(place)}" for place in walked]
        asked += [f"count {place} {self._path(place)}" for place in counted]
        disk = self._rack.disk_below(host.plan.role) if host.plan.role in PAIR else ""
        found: dict[str, Any] = run_script(
            host, PLACES, disk, settings.device, settings.filesystem, *asked, timeout_s=_WALK_S
        )
        return found

    @contextmanager
    def _rescued(self, host: MachineHost) -> Iterator[None]:
        """A host without power gets some for as long as its disks are read, and runs nothing but the lab's door."""
        host.start(rescue=True)
        try:
            host.wait_for_door()
            yield
            host.execute("sync")
        finally:
            host.kernel.cut_power()

    def listing(self, role: str) -> dict[str, str]:
        found: dict[str, str] = run_script(self._host(role), LISTING)
        return found

    # All of them

    def events(self) -> list[Event]:
        """The kernels' own words, the cloud's word on Walrus, and what the lab did."""
        told = [
            kernel_events(
                host.plan.name, host.kernel.console.read_text("utf-8", "replace"), self._rack.settings.resource
            )
            for host in (self._host(role) for role in ROLES)
        ]
        walrus = [Event(**event) for event in self._world()["events"] if event["kind"].startswith("walrus")]
        return merged(list(self._rack.happened), *told, walrus)

    def _world(self) -> dict[str, Any]:
        """The cloud's world; from the CLC's disk when that has no power, as it last was when that is frozen."""
        host = self._host(CLC)
        with host.power:
            status = host.status()
            if status != "frozen" or self._last_world is None:
                self._last_world = self._found(CLC, ())["world"] if status == "off" else self._rack.world()
            world: dict[str, Any] = self._last_world
            return world

    def unsupported(self) -> list[str]:
        return list(self._world()["unsupported"])

    # The service and the replica

    def read_objects(self, when: str, expected: Manifest) -> list[ObjectRead]:
        """Asked for on the CLC, as a client of the cloud would."""
        serving = self._host(self._serving(when)).address

        def fetch(keys: list[str]) -> list[tuple[int, str | None]]:
            paths = [f"/services/Walrus/{key}" for key in keys]
            answers: list[tuple[int, str | None]] = run_script(self._host(CLC), FETCH, str(_HTTP_S), serving, *paths)
            return answers

        return read_sample(when, expected, self._clock.now, fetch)

    def _serving(self, when: str) -> str:
        """The role of the ENABLED Walrus; before the move the original."""
        states = {one["host"]: one["state"] for one in self._world()["cloud"]["walruses"].values()}
        moved = when == "after" and states.get(self._host(ADDITIONAL).address) == "ENABLED"
        return ADDITIONAL if moved else ORIGINAL

    def compare_sides(self) -> Replication | None:
        """Both services stop; then DRBD compares every block itself, and the lab the disks."""
        self._stop_services()
        skipped = any(event.kind == "destroy" and "new-current-uuid" in event.detail for event in self.events())
        return compare_sides(self._rack, skipped)

    def read_replica(self) -> Manifest:
        """Both services stop, the side that did not serve is promoted and mounted, and its files are walked."""
        idle = self._stop_services()
        settings = self._rack.settings
        promote = ("drbdadm", "primary", settings.resource)
        for argv in (promote, ("mount", "-t", settings.filesystem, settings.device, settings.store)):
            answer = idle.execute(*argv, ok=ANY_ANSWER)
            require_taken(idle.plan.name, argv, answer.exit_status, answer.stderr)
        found = self._look(idle, ("store",), ())["manifests"]["store"]
        return Manifest([Entry(**entry) for entry in found["entries"]], found["error"])

    def _stop_services(self) -> MachineHost:
        """Stop Walrus on both hosts; returns the one that did not serve."""
        serving = self._serving("after")
        idle = next(role for role in PAIR if role != serving)
        running = [role for role in (idle, serving) if self._host(role).status() == "running"]
        if len(running) < len(PAIR):
            raise LabError("the pair cannot be compared: not both of its hosts run")
        for role in running:
            if run_script(self._host(role), RUNS, SERVICE):  # the sides and the replica are looked at one by one
                self._host(role).execute("service", SERVICE, "stop", timeout_s=_WALK_S)
        return self._host(idle)
