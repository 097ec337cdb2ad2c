"""The site: hosts, devices and paths by their meaning in the move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from harness.hosts.host import Host, Reader
from harness.inventory import Inventory, Node, Settings
from harness.migration.attention import AttentiveClock
from harness.migration.control import Control
from harness.migration.memory import Memory
from harness.systems.drbd.config import Peer, Resource
from harness.systems.eucalyptus import Cloud

H = TypeVar("H", bound=Reader, covariant=True)
Found = TypeVar("Found")


@dataclass(frozen=True)
class Progress:
    """How far a long piece of work is; ``fraction`` None while the whole is not known.

    ``rests_on`` says that a part of a step begins which goes on from the world, the run's memory and these plain values
    alone: whatever came before, from equal ones follows the same.
    """

    step: str
    what: str
    fraction: float | None
    rests_on: tuple[object, ...] | None = None


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Site(Generic[H]):
    """What the steps work on. With Readers for hosts it can only be looked at."""

    original: H
    additional: H
    clc: H
    inventory: Inventory
    memory: Memory
    clock: AttentiveClock
    report: Report
    control: Control

    @property
    def pair(self) -> tuple[H, H]:
        return self.original, self.additional

    @property
    def hosts(self) -> Iterator[H]:
        """Each host once, though it be the original and the cloud controller."""
        yield from {host.name: host for host in (self.original, self.additional, self.clc)}.values()

    def on_pair(self, work: Callable[[Reader], Found]) -> list[Found]:
        """What comes of looking at the original and at the additional, which is done on both at the same time.

        What changes a host is sent to one after the other, in the same order everywhere.
        """
        return self.clock.together([partial(work, host) for host in self.pair])

    @property
    def clc_is_original(self) -> bool:
        """One service runs Walrus and the cloud controller: they stop and start together."""
        return self.clc.name == self.original.name

    @property
    def settings(self) -> Settings:
        return self.inventory.settings

    @property
    def copy_rate_kib_s(self) -> int:
        """How fast a copy may be now: as ordered, otherwise as the inventory says; 0 for no limit."""
        return self.control.orders().throttle_kib_s or self.settings.copy_limit_kib_s or 0

    @property
    def cloud(self) -> Cloud:
        return Cloud(self.settings.eucarc)

    @property
    def staged_copy(self) -> str:
        """The copy of the store in the staging area, named as the vendor's command would name it."""
        return f"{self.settings.staging}/{self.settings.store.rsplit('/', 1)[-1]}"

    @property
    def second_copy(self) -> str:
        """The second copy, where the store's own device is used again; below the second staging area."""
        return f"{self.settings.second_staging}/{self.settings.store.rsplit('/', 1)[-1]}"

    @property
    def staged_copies(self) -> tuple[str, ...]:
        """Where copies of the store are kept."""
        return (self.staged_copy, self.second_copy) if self.settings.reuse_device else (self.staged_copy,)

    @property
    def old_store(self) -> str:
        """Where the original store lies after it was renamed aside."""
        return f"{self.settings.store}.before-ha"

    @property
    def last_kept(self) -> str:
        """What the move leaves and retiring deletes last."""
        return self.staged_copy if self.settings.reuse_device else self.old_store

    @property
    def returning_store(self) -> str:
        """Where a reverse move makes the store whole again on the original's old disk, before it takes its place."""
        return f"{self.settings.store}.after-ha"

    @property
    def ahead(self) -> str:
        """Where an online move mounts the device while Walrus still serves from the old disk: beside the store."""
        return f"{self.settings.store}.on-device"

    def node(self, host: Reader) -> Node:
        return next(node for node in self.inventory.nodes() if node.name == host.name)

    def disk(self, host: Reader) -> str:
        """The backing device of one of the pair."""
        disk = self.node(host).backing_device
        assert disk is not None, f"{host.name} has no backing device"
        return disk

    def peer(self, host: Reader) -> H:
        return self.additional if host.name == self.original.name else self.original

    def resource(self) -> Resource:
        """The DRBD resource that the inventory describes."""
        one, other = (
            Peer(node.uname, node.replication_address or node.address, node.backing_device or "")
            for node in self.inventory.pair
        )
        settings = self.settings
        return Resource(settings.resource, settings.device, settings.port, settings.sync_rate, (one, other))


def readable(site: Site[Host]) -> Site[Reader]:
    """The same site through hosts that can only be read."""
    readers = {host.name: Reader(host.name, host.transport, host.clock) for host in site.hosts}
    original, additional, clc = (readers[host.name] for host in (site.original, site.additional, site.clc))
    return Site(original, additional, clc, site.inventory, site.memory, site.clock, site.report, site.control)
