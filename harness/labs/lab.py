"""What a lab is: towards the engine an inventory, towards the trial a door to break things and a door to the truth."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from harness.clock import Clock
from harness.evidence import Event, HostSnapshot, Manifest, ObjectRead, Receipt, Replication
from harness.inventory import Inventory

ORIGINAL, ADDITIONAL, CLC = "original", "additional", "clc"
ROLES = (ORIGINAL, ADDITIONAL, CLC)
Deed = Literal["write", "overwrite", "delete", "rename", "disguise"]
Survives = Literal["flushed", "all", "torn"] | int  # what of the unflushed survives a power cut; a number: that image


@dataclass(frozen=True)
class StoreSpec:
    """The objects that a lab puts into the store before the move; the same seed gives the same store."""

    objects: int = 60
    bytes: int = 2 * 1024 * 1024
    seed: int = 7
    hostile_names: bool = True  # newlines, quotes, bytes that are not UTF-8, dotfiles, links, xattrs, odd modes
    layout: Mapping[str, Any] | None = None  # as harness.layout counts it: made so instead, names and contents by seed

    def as_json(self) -> str:
        """As the fakes' planner takes it, wherever it runs."""
        return json.dumps(dataclasses.asdict(self))


@dataclass(frozen=True)
class Rates:
    """How fast a simulated site is; the other labs are as fast as they are."""

    read_bytes_per_s: float
    copy_bytes_per_s: float
    command_s: float
    entry_s: float = 0.0  # what find takes at each entry, beside the command
    sync_bytes_per_s: int | None = None  # None: as the start has it for every lab


@dataclass(frozen=True)
class Start:
    """The world in which a trial begins."""

    drbd: str = "8.4"
    clc: str = "own"  # the host of the cloud controller; or "original": the original Walrus runs it too
    init: str = "sysvinit"  # or "systemd": what starts the services of the pair
    host_tools: str = "today"  # or "2012": programs that refuse what is younger
    login: str = "root"  # or "sudo": a user whom sudo asks for a password, with noisy start-up files
    ssh: str = "today"  # or "5.3": a server that says so and offers what that did
    store: StoreSpec = StoreSpec()
    device_bytes: int = 1024**3  # size of each backing disk; ``differs`` below can change one
    staging_bytes: int | None = None  # a staging area of its own of this size; None: as large as the machine
    store_on: str = "root"  # the disk of the system; or "device": the backing device of the original
    second_staging_bytes: int | None = (
        None  # a second staging area on a disk of its own; 0: on the system's; None: none
    )
    sync_bytes_per_s: int = 200 * 1024 * 1024
    rates: Rates | None = None  # of the simulated lab; None: its usual ones
    settings: Mapping[str, Any] = field(default_factory=dict)  # the inventory's settings of the move, as written there
    differs: Mapping[str, Any] = field(default_factory=dict)  # hazards planted: see docs/reference/scenarios.md


class Faults(Protocol):
    """Breaks things, and proves that it did. Hosts are given by role. Every method returns its receipt."""

    def power_off(self, role: str, survives: Survives = "flushed") -> Receipt:
        """Cut the power. Only a lab that models disks can choose what of the unflushed survives."""
        ...

    def power_on(self, role: str) -> Receipt:
        """Start the host again and wait until it answers."""
        ...

    def freeze(self, role: str) -> Receipt: ...
    def thaw(self, role: str) -> Receipt: ...
    def cut_link(self, sender: str | None = None) -> Receipt:
        """Cut the replication link between original and additional; the engine still reaches both.

        With a ``sender`` only what that host sends is lost.
        """
        ...

    def heal_link(self) -> Receipt: ...
    def stall_sync(self) -> Receipt: ...
    def resume_sync(self) -> Receipt: ...
    def fill_disk(self, role: str, path: str) -> Receipt:
        """Leave almost no room in the file system that holds ``path``."""
        ...

    def free_disk(self, role: str, path: str) -> Receipt: ...
    def break_disk(self, role: str) -> Receipt:
        """Every read and write of the disk under DRBD fails; without disks FaultNotProven, here and below."""
        ...

    def slow_disk(self, role: str, delay_ms: int) -> Receipt: ...
    def mend_disk(self, role: str) -> Receipt:
        """The disk under DRBD works again. DRBD has let go of one that failed: somebody must attach it."""
        ...

    def break_object(self, role: str, place: str) -> Receipt:
        """Reading one object of a place ends in EIO; where disks are whole or not FaultNotProven, here and below."""
        ...

    def mend_object(self, role: str, place: str) -> Receipt: ...
    def fail_flush(self, role: str, place: str) -> None:
        """The next content that is flushed to the disk with the place is refused; ``flush_failed`` proves it."""
        ...

    def flush_failed(self, role: str, place: str) -> Receipt:
        """Whether it was refused by now; if not, it will not be any more."""
        ...

    def reset_ssh(self, role: str) -> Receipt:
        """Wait until a command of the engine runs on the host, then end all of its sessions without a word."""
        ...

    def corrupt(self, role: str, place: str) -> Receipt:
        """Change one byte of one object, time and size kept, in ``store``, ``staging``, ``old-store`` or ``device``."""
        ...

    def truncate(self, role: str, place: str) -> Receipt:
        """Cut one object to half its length, its time kept."""
        ...

    def write_object(self, role: str, served: bool = False) -> Receipt:
        """Change an object of the store as a writer that was not stopped would, or ``served`` as Walrus does."""
        ...

    def delete_object(self, role: str, served: bool = False) -> Receipt:
        """Remove the last object of the store, as a client does through Walrus."""
        ...

    def client(self, role: str, deed: Deed, number: int) -> Receipt:
        """Do to the store what a client does through the Walrus that serves it there; ``number`` tells deeds apart."""
        ...

    def outsider(self, role: str, argv: tuple[str, ...], status: int) -> Receipt:
        """Run a command as somebody else on the host would; proven when it ends with that exit status."""
        ...

    def unmodelled_call(self, role: str) -> Receipt:
        """Call a fake in a way that it does not model (labs without fakes raise FaultNotProven)."""
        ...

    def heal(self) -> None:
        """End every fault: power on, thaw, heal links, free and mend disks, resume syncs."""
        ...


class Truth(Protocol):
    """Looks at the world past the engine's programs and parsers. Hosts are given by role."""

    def snapshot(self, role: str) -> HostSnapshot: ...
    def manifest(self, role: str, place: str) -> Manifest:
        """Walk ``store``, ``old-store``, ``staging`` or ``device`` (the replicated content as this side holds it)."""
        ...

    def events(self) -> list[Event]: ...
    def read_objects(self, when: str, expected: Manifest) -> list[ObjectRead]:
        """Fetch a sample of objects over HTTP from the ENABLED Walrus (``before``: the original)."""
        ...

    def compare_sides(self) -> Replication | None:
        """Stop the services and compare both sides of the pair block by block; None where DRBD is a model."""
        ...

    def read_replica(self) -> Manifest:
        """Stop the services, promote the side that is not serving, mount it, walk it. The lab's last use.

        Raises:
            ReplicaRefused: it cannot be promoted or mounted; a finding about the pair.
        """
        ...

    def bytes_received(self, role: str, place: str) -> int:
        """Bytes that copies have written below the place so far; a file rewritten counts again."""
        ...

    def listing(self, role: str) -> dict[str, str]:
        """Every path on the host that a mutation could touch, with type, size and times."""
        ...

    def unsupported(self) -> list[str]:
        """Calls that a fake refused to model, so far."""
        ...


def written_places(served: bool) -> tuple[str, ...]:
    """Where ``Faults.write_object`` finds its object: who was not stopped has the old store in hand, wherever it is."""
    return ("store",) if served else ("old-store", "store")


class Timers(Protocol):
    """Lets something happen later, while the engine is busy or waiting."""

    def after(self, seconds: float, action: Callable[[], object]) -> None: ...

    def cancel(self) -> None:
        """Forget what has not happened yet."""
        ...


class WallTimers:
    """Timers on the machine's own time, each in a thread of its own."""

    def __init__(self) -> None:
        self._pending: list[threading.Timer] = []

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        self._pending.append(timer)
        timer.start()

    def cancel(self) -> None:
        for timer in self._pending:
            timer.cancel()
        for timer in self._pending:
            timer.join(60.0)
        self._pending.clear()


Connect = Callable[[str, int, float], socket.socket]  # address, port, time limit in seconds
"""A TCP connection to a host of the lab, as a client of the cloud makes it; OSError when nobody answers in time."""


def connect_to(address: str, port: int, timeout_s: float) -> socket.socket:
    """The same where this machine is in the lab's network."""
    return socket.create_connection((address, port), timeout=timeout_s)


@dataclass(frozen=True)
class Opened:
    """A lab that is up. ``repeatable``: the same start and faults give the same trace, byte for byte."""

    inventory: Inventory
    faults: Faults
    truth: Truth
    clock: Clock
    timers: Timers = field(default_factory=WallTimers)
    repeatable: bool = False
    connect: Connect | None = None  # None where hosts are no machines and have no network
    as_fast_as_told: bool = False  # the start's rates are those of its hosts
    state: object | None = None  # of a lab whose whole state can be compared: harness.labs.simulated_state.WorldState


class Lab(Protocol):
    """A place to run the engine. ``at_once``: how many trials in it keep this machine busy without crowding it."""

    name: str
    at_once: int

    def lacks(self) -> list[str]:
        """What this machine lacks for the lab, each with the command that would provide it; empty when it is ready."""
        ...

    def open(self, start: Start) -> AbstractContextManager[Opened]:
        """Bring the lab up in the given state and take it down at the end, whatever happens.

        Raises:
            LabUnavailable: when this machine cannot offer it.
        """
        ...
