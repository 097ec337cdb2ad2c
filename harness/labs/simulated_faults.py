"""Breaking the simulated world."""

from __future__ import annotations

from collections.abc import Callable

from fakes import clients
from fakes.program import Call
from fakes.simulated import SimulatedMachine, SimulatedWorld
from fakes.survival import NAMED
from fakes.volume import Survival
from harness.errors import FaultNotProven
from harness.evidence import Receipt
from harness.inventory import Inventory
from harness.labs.lab import ADDITIONAL, ORIGINAL, Deed, Survives, written_places
from harness.labs.orders import judged, typed
from harness.labs.premises import BACKING_DEVICE, NAMES, place_path
from harness.labs.simulated_truth import objects_in

_LEFT_BYTES = 64 * 1024


class SimulatedFaults:
    """The door for breaking things; each method looks afterwards whether it did."""

    def __init__(self, world: SimulatedWorld, inventory: Inventory) -> None:
        self._world = world
        self._settings = inventory.settings
        self._filled: set[tuple[str, str]] = set()

    def _machine(self, role: str) -> SimulatedMachine:
        return self._world.machines[NAMES[role]]

    def _receipt(self, fault: str, proven: bool, detail: str) -> Receipt:
        return Receipt(self._world.now, fault, proven, detail)

    def power_off(self, role: str, survives: Survives = "flushed") -> Receipt:
        machine = self._machine(role)
        survival, told = _chosen(machine, survives)
        machine.power_off(survival)
        detail = f"{machine.name}, {told}"
        return self._receipt("power_off", not self._world.state.hosts[machine.name].powered, detail)

    def power_on(self, role: str) -> Receipt:
        machine = self._machine(role)
        if not self._world.state.hosts[machine.name].powered:
            machine.power_on()
        return self._receipt("power_on", self._world.state.hosts[machine.name].powered, machine.name)

    def freeze(self, role: str) -> Receipt:
        machine = self._machine(role)
        machine.freeze()
        return self._receipt("freeze", self._world.state.hosts[machine.name].frozen, machine.name)

    def thaw(self, role: str) -> Receipt:
        machine = self._machine(role)
        if self._world.state.hosts[machine.name].frozen:
            machine.thaw()
        return self._receipt("thaw", not self._world.state.hosts[machine.name].frozen, machine.name)

    def cut_link(self, sender: str | None = None) -> Receipt:
        if sender:
            raise FaultNotProven("the model of DRBD knows links that carry both directions or none")
        pair = NAMES[ORIGINAL], NAMES[ADDITIONAL]
        self._world.cut_link(*pair)
        return self._receipt("cut_link", not self._world.state.linked(*pair), " - ".join(pair))

    def heal_link(self) -> Receipt:
        pair = NAMES[ORIGINAL], NAMES[ADDITIONAL]
        self._world.heal_link(*pair)
        return self._receipt("heal_link", sorted(pair) not in self._world.state.cut_links, " - ".join(pair))

    def stall_sync(self) -> Receipt:
        self._world.stall_sync(True)
        stalled = [name for name, resource in self._world.state.resources.items() if resource.sync_stalled]
        return self._receipt("stall_sync", bool(stalled), f"stalled: {', '.join(stalled)}")

    def resume_sync(self) -> Receipt:
        self._world.stall_sync(False)
        return self._receipt("resume_sync", True, "no resource is stalled")

    def fill_disk(self, role: str, path: str) -> Receipt:
        machine, where = self._machine(role), self._directory(role, path)
        machine.files.fill(where, _LEFT_BYTES)
        self._filled.add((role, where))
        free = machine.files.usage(where).free_bytes
        return self._receipt("fill_disk", free <= 2 * _LEFT_BYTES, f"{machine.name}:{where} has {free} bytes left")

    def free_disk(self, role: str, path: str) -> Receipt:
        machine, where = self._machine(role), self._directory(role, path)
        machine.files.empty(where)
        self._filled.discard((role, where))
        return self._receipt("free_disk", True, f"{machine.name}:{where}")

    def _directory(self, role: str, path: str) -> str:
        """The directory behind a place: the staging area itself, which is there before its copy is."""
        return self._settings.staging if path == "staging" else place_path(self._settings, path)

    def break_disk(self, role: str) -> Receipt:
        raise _no_disk(self._machine(role))

    def slow_disk(self, role: str, delay_ms: int) -> Receipt:
        raise _no_disk(self._machine(role))

    def mend_disk(self, role: str) -> Receipt:
        raise _no_disk(self._machine(role))

    def break_object(self, role: str, place: str) -> Receipt:
        machine, victim = self._victim(role, place)
        machine.files.make_unreadable(victim)
        return self._receipt("read_error", not _can_be_read(machine, victim), f"{machine.name}:{victim!r}")

    def mend_object(self, role: str, place: str) -> Receipt:
        machine = self._machine(role)
        machine.files.make_readable()
        return self._receipt("mend_object", True, f"{machine.name}: every object can be read")

    def fail_flush(self, role: str, place: str) -> None:
        self._machine(role).files.fail_next_flush(self._directory(role, place))

    def flush_failed(self, role: str, place: str) -> Receipt:
        machine, where = self._machine(role), self._directory(role, place)
        failed = machine.files.forgive_flush(where)
        what = "a flush was refused" if failed else "nothing was flushed"
        return self._receipt("fsync_fails", failed, f"{machine.name}:{where}: {what}")

    def reset_ssh(self, role: str) -> Receipt:
        raise FaultNotProven(f"{self._machine(role).name} is reached by a function's call: there is no session to end")

    def corrupt(self, role: str, place: str) -> Receipt:
        machine, victim = self._victim(role, place)
        before = machine.files.sha256(victim)
        machine.files.flip_byte(victim)
        return self._receipt("corrupt", machine.files.sha256(victim) != before, f"{machine.name}:{victim!r}")

    def truncate(self, role: str, place: str) -> Receipt:
        machine, victim = self._victim(role, place)
        before = machine.files.stat(victim)
        machine.files.shorten(victim)
        after = machine.files.stat(victim)
        proven = after.size < before.size and after.mtime_ns == before.mtime_ns
        return self._receipt("truncate", proven, f"{machine.name}:{victim!r}")

    def _victim(self, role: str, place: str) -> tuple[SimulatedMachine, str]:
        """The first object of a place with content; the device's content is where the device is mounted.

        Raises:
            FaultNotProven: there is none.
        """
        machine, root = self._machine(role), place_path(self._settings, place)
        if place == "device":
            mounts = self._world.state.hosts[machine.name].mounts
            root = next((mount.at for mount in mounts if mount.device == self._settings.device), root)
        found = objects_in(machine.files, root) if machine.files.exists(root) else []
        if not found:
            raise FaultNotProven(f"{machine.name}: there is no object in {root}")
        return machine, found[0]

    def write_object(self, role: str, served: bool = False) -> Receipt:
        machine = self._machine(role)
        files = machine.files
        roots = (place_path(self._settings, place) for place in written_places(served))
        root = next(root for root in roots if files.exists(root))
        victim = objects_in(files, root)[0]
        files.write(victim, b"written by somebody who was not stopped")
        files.sync()
        return self._receipt("write_object", files.read(victim).startswith(b"written"), f"{machine.name}:{victim!r}")

    def delete_object(self, role: str, served: bool = False) -> Receipt:
        machine = self._machine(role)
        roots = (place_path(self._settings, place) for place in written_places(served))
        root = next(root for root in roots if machine.files.exists(root))
        victim = objects_in(machine.files, root)[-1]
        machine.files.unlink(victim)
        machine.files.sync()
        return self._receipt("delete_object", not machine.files.exists(victim), f"{machine.name}:{victim!r}")

    def client(self, role: str, deed: Deed, number: int) -> Receipt:
        machine, root = self._machine(role), place_path(self._settings, "store")
        proven, victim = clients.act(machine.files, objects_in(machine.files, root), deed, number)
        machine.files.sync()
        return self._receipt("client", proven, f"{machine.name}: {deed} {victim!r}")

    def outsider(self, role: str, argv: tuple[str, ...], status: int) -> Receipt:
        argv = typed(argv, BACKING_DEVICE)
        machine = self._machine(role)
        reply = machine.execute(Call(argv))
        return self._receipt("outsider", *judged(machine.name, argv, reply.exit_status, status, reply.stderr))

    def unmodelled_call(self, role: str) -> Receipt:
        machine = self._machine(role)
        before = len(self._world.state.unsupported)
        reply = machine.execute(Call(("lsblk", "--nobody-models-this")))
        if len(self._world.state.unsupported) == before:
            raise FaultNotProven(f"{machine.name}: the fake answered status {reply.exit_status} instead of refusing")
        return self._receipt("unmodelled_call", True, self._world.state.unsupported[-1])

    def heal(self) -> None:
        self.heal_link()
        self.resume_sync()
        endings: tuple[Callable[[str], Receipt], ...] = (self.power_on, self.thaw)
        for ending in endings:
            for role in NAMES:
                ending(role)
        for role in NAMES:
            self._machine(role).files.make_readable()
        for role, where in sorted(self._filled):
            self._machine(role).files.empty(where)
        self._filled.clear()


def _can_be_read(machine: SimulatedMachine, path: str) -> bool:
    try:
        machine.files.content(path)
    except OSError:
        return False
    return True


def _chosen(machine: SimulatedMachine, survives: Survives) -> tuple[Survival, str]:
    """What of the unflushed survives, and how to say it."""
    if isinstance(survives, str):
        return NAMED[survives], f"what was flushed survives, of the rest: {survives}"
    images = machine.files.images()
    if survives >= len(images):
        raise FaultNotProven(f"{machine.name}: there are {len(images)} images, none has the number {survives}")
    return images[survives], f"image {survives} of {len(images)}"


def _no_disk(machine: SimulatedMachine) -> FaultNotProven:
    return FaultNotProven(f"the disk under DRBD of {machine.name} is a model: it cannot fail")
