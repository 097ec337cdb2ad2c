"""The inventory: which hosts take part in the move, how they are reached, and the settings of the move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.hosts.transport import Connection

Role = Literal["original", "additional", "clc"]


class Waits(BaseModel):
    """Upper bounds of the engine's waits, in seconds. Reaching one stops the run; none of them hurries anything."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    command: Annotated[float, Field(gt=0)] = 60.0
    host_return: Annotated[float, Field(ge=0)] = 600.0  # for a host that stopped answering
    stall: Annotated[float, Field(gt=0)] = 120.0  # a copy or sync without any progress
    connect: Annotated[float, Field(gt=0)] = 60.0  # DRBD peers to find each other
    service_stop: Annotated[float, Field(gt=0)] = 180.0
    service_start: Annotated[float, Field(gt=0)] = 600.0  # until one ENABLED and one DISABLED


class ServiceProbe(BaseModel):
    """How objects are read through Walrus after the move. ``{url}`` in the command is replaced."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    objects: list[str] = []  # "bucket/key"; empty: taken from the manifest, where key and file name agree
    sample: Annotated[int, Field(ge=0, le=100)] = 3
    command: list[str] = ["curl", "-fsS", "--max-time", "30", "--", "{url}"]


class Settings(BaseModel):
    """The settings of the move, under ``migrate:`` in the inventory; defaults are the vendor's."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    store: str = "/var/lib/eucalyptus/bukkits"
    service: str = "eucalyptus-cloud"
    resource: str = "r0"
    device: str = "/dev/drbd1"
    port: Annotated[int, Field(ge=1, le=65535)] = 7789
    staging: str = "/newlocation"
    filesystem: Literal["ext3", "ext4", "xfs"] = "ext4"
    first_sync: Literal["full", "skip"] = "full"
    strategy: Literal["staged"] = "staged"
    sync_rate: Annotated[str, Field(pattern=r"^[1-9][0-9]*[KMG]?$")] = "40M"  # bytes a second, DRBD's notation
    copy_limit_kib_s: Annotated[int, Field(gt=0)] | None = None
    partition: str = "walrus"
    component: str = "walrus-additional"  # the additional Walrus' name on the CLC
    drbd_conf: str = "/etc/eucalyptus/drbd.conf"
    eucarc: str | None = None  # file with the cloud credentials on the CLC, sourced there
    service_probe: ServiceProbe = ServiceProbe()
    waits: Waits = Waits()


@dataclass(frozen=True)
class Node:
    """One host of the move."""

    name: str  # the inventory's name; also what uname -n must print unless ``uname`` says otherwise
    role: Role
    connection: Connection
    address: str  # where its peers and clients reach it: an IP address
    uname: str
    backing_device: str | None = None  # disk or partition under DRBD; None on the CLC
    replication_address: str | None = None  # where DRBD listens; None: at ``address``


@dataclass(frozen=True)
class Inventory:
    """The hosts by role and the settings of the move."""

    original: Node
    additional: Node
    clc: Node
    settings: Settings
    source: str  # the file it came from, or the lab

    def nodes(self) -> Iterator[Node]:
        yield from (self.original, self.additional, self.clc)

    @property
    def pair(self) -> tuple[Node, Node]:
        """The two Walrus hosts, original first."""
        return self.original, self.additional


def load(path: Path) -> Inventory:
    """Read an inventory file; see docs/reference/inventory.md.

    Raises:
        InvalidInput: with every problem of the file, each with line, column and a suggestion.
    """
    raise NotImplementedError(path)
