"""Looking at the simulated world past the engine."""

from __future__ import annotations

from fakes import programs, truth
from fakes.filesystem import Filesystem
from fakes.memory import MemoryFilesystem
from fakes.program import Call
from fakes.programs import walrus
from fakes.simulated import SimulatedMachine, SimulatedWorld
from harness.errors import LabError
from harness.evidence import Entry, Event, HostSnapshot, Manifest, ObjectRead
from harness.inventory import Inventory
from harness.labs.lab import ADDITIONAL, ORIGINAL, Start
from harness.labs.premises import BACKING_DEVICE, NAMES, SERVICE, WATCHED, last_with_cloud, place_path
from harness.labs.reading import read_sample, require_taken

_LOOKING_GLASS = "/tmp/looking-glass"


def objects_in(files: Filesystem, root: str) -> list[str]:
    """Paths of the files with content below a directory, in byte order."""
    return [path for path in files.walk(root) if (found := files.stat(path)).kind == "file" and found.size > 1]


class SimulatedTruth:
    """The door to the truth."""

    def __init__(self, world: SimulatedWorld, inventory: Inventory, start: Start) -> None:
        self._world = world
        self._start = start
        self._settings = inventory.settings

    def _machine(self, role: str) -> SimulatedMachine:
        return self._world.machines[NAMES[role]]

    def snapshot(self, role: str) -> HostSnapshot:
        machine = self._machine(role)
        if not self._world.state.hosts[machine.name].powered:
            return HostSnapshot(machine.name, False)
        watched, settings = (*WATCHED, self._settings.drbd_conf), self._settings
        found = truth.snapshot(machine, watched, settings.store, settings.staging)
        if settings.second_staging:
            second = truth.leftovers(machine.files, settings.store, settings.second_staging)
            found["leftovers"] = sorted({*found["leftovers"], *second})
        return HostSnapshot(**found)

    def manifest(self, role: str, place: str) -> Manifest:
        machine = self._machine(role)
        if place == "device":
            return self._device(machine)
        return _walk(machine.files, place_path(self._settings, place))

    def _device(self, machine: SimulatedMachine) -> Manifest:
        """The replicated content as this side holds it, mounted or not."""
        row = self._world.state.hosts[machine.name]
        mounted = [mount.at for mount in row.mounts if mount.device == self._settings.device]
        if mounted:
            return _walk(machine.files, mounted[0])
        disk = row.disks[BACKING_DEVICE]
        if disk.image is None or not machine.files.has_image(disk.image):
            return Manifest([], f"{machine.name}: nothing was ever written to {BACKING_DEVICE}")
        machine.files.mkdir(_LOOKING_GLASS)
        machine.files.mount_image(disk.image, _LOOKING_GLASS)
        try:
            return _walk(machine.files, _LOOKING_GLASS)
        finally:
            machine.files.unmount_image(_LOOKING_GLASS)
            machine.files.rmdir(_LOOKING_GLASS)

    def events(self) -> list[Event]:
        return [Event(one.at, one.host, one.kind, one.detail) for one in self._world.state.events]

    def read_objects(self, when: str, expected: Manifest) -> list[ObjectRead]:
        serving = self._machine(self._enabled(when))
        return read_sample(when, expected, lambda: self._world.now, lambda keys: [_fetch(serving, key) for key in keys])

    def _enabled(self, when: str) -> str:
        """The role of the ENABLED Walrus; before the move the original."""
        states = {found.host: found.state for found in self._world.state.cloud.walruses.values()}
        additional = self._world.state.hosts[NAMES[ADDITIONAL]].address
        return ADDITIONAL if when == "after" and states.get(additional) == "ENABLED" else ORIGINAL

    def compare_sides(self) -> None:
        """A model of DRBD has no blocks."""

    def read_replica(self) -> Manifest:
        """Both services stop, the side that did not serve is promoted and mounted, and its files are walked."""
        serving = self._enabled("after")
        waiting = ORIGINAL if serving == ADDITIONAL else ADDITIONAL
        for role in last_with_cloud((waiting, serving), self._start):
            self._run(self._machine(role), "service", SERVICE, "stop")
        idle = self._machine(waiting)
        device, place = self._settings.device, self._settings.store
        promote = ("drbdadm", "primary", self._settings.resource)
        for argv in (promote, ("mount", "-t", self._settings.filesystem, device, place)):
            reply = programs.run(Call(argv), idle)
            require_taken(idle.name, argv, reply.exit_status, reply.stderr)
        return _walk(idle.files, place)

    def _run(self, machine: SimulatedMachine, *argv: str) -> None:
        reply = programs.run(Call(argv), machine)
        if reply.exit_status != 0:
            raise LabError(f"{machine.name}: {' '.join(argv)}: {reply.stderr.decode()}")

    def bytes_received(self, role: str, place: str) -> int:
        """On the device those count that came while it was mounted beside the store, too."""
        received, path = self._machine(role).files.received, place_path(self._settings, place)
        return received[path] + (received[f"{self._settings.store}.on-device"] if place == "device" else 0)

    def listing(self, role: str) -> dict[str, str]:
        return truth.listing(self._machine(role))

    def unsupported(self) -> list[str]:
        return list(self._world.state.unsupported)


def _fetch(serving: SimulatedMachine, key: str) -> tuple[int, str | None]:
    status, path = walrus.located(serving, walrus.HTTP_PREFIX + key)
    try:
        return status, serving.files.sha256(path) if status == 200 else None
    except OSError:
        return 500, None


def _walk(files: MemoryFilesystem, root: str) -> Manifest:
    if not files.exists(root):
        return Manifest([], f"{root} does not exist")
    with files.laid_bare():
        return Manifest([Entry(**entry) for entry in truth.walk(files, files.resolve(root))])
