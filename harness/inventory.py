"""The inventory: which hosts take part in the move, how they are reached, and the settings of the move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from harness.cutover_window import interval
from harness.grammar import ComponentName, Directory, DrbdDevice, FilePath, ResourceName, ServiceName
from harness.hosts.transport import Connection
from harness.yamlmodel import Strict, wrong

Role = Literal["original", "additional", "clc"]
Seconds = Annotated[float, Field(ge=0.001, le=30 * 86_400)]


class Waits(Strict):
    """Upper bounds of the engine's waits, in seconds. Reaching one stops the run; none of them hurries anything."""

    command: Seconds = 60.0
    host_return: Annotated[float, Field(ge=0, le=30 * 86_400)] = 600.0  # for a host that stopped answering
    stall: Seconds = 120.0  # a copy or sync without any progress
    connect: Seconds = 60.0  # DRBD peers to find each other
    service_stop: Seconds = 180.0
    service_start: Seconds = 600.0  # until one ENABLED and one DISABLED


def _object_key(value: str) -> str:
    bucket, _, key = value.partition("/")
    if not bucket or not key or any(character < " " for character in value):
        raise wrong(f"{value!r} names no object", "write bucket/key")
    return value


def _probe_command(value: list[str]) -> list[str]:
    if not value or not value[0] or value[0].startswith("-"):
        raise wrong("the first word of the command is no program", "such as [curl, -fsS, --, '{url}']")
    if not any("{url}" in word for word in value[1:]):
        raise wrong("the command does not say which object to read", "put {url} where the address belongs")
    return value


class ServiceProbe(Strict):
    """How objects are read through Walrus after the move. ``{url}`` in the command is replaced."""

    objects: list[Annotated[str, AfterValidator(_object_key)]] = Field(default_factory=list)  # empty: from the manifest
    sample: Annotated[int, Field(ge=0, le=100)] = 3
    command: Annotated[list[str], AfterValidator(_probe_command)] = Field(
        default_factory=lambda: ["curl", "-fsS", "--max-time", "30", "--", "{url}"]
    )


def _program(value: list[str]) -> list[str]:
    if not value or not value[0].startswith("/"):
        raise wrong("the first word of a hook is no path of a program", "such as [/usr/local/bin/announce, --now]")
    if any("\0" in word for word in value):
        raise wrong("a word of a hook holds a NUL byte", "take it out")
    return value


StepWord = Annotated[str, Field(pattern=r"^[a-z][a-z-]*$", max_length=64)]
HookProgram = Annotated[list[str], AfterValidator(_program)]


class Hooks(Strict):
    """Programs of the controller that are run before and after steps, by the step's name or ``every-step``."""

    before: dict[StepWord, HookProgram] = Field(default_factory=dict)
    after: dict[StepWord, HookProgram] = Field(default_factory=dict)
    timeout_s: Annotated[float, Field(ge=1, le=3600)] = 60.0


_RATE_KIB = {"": 1, "K": 1, "M": 1024, "G": 1024**2}  # a bare number is KiB to drbdadm
_FASTEST_KIB = 4 * 1024**2


def drbd_rate(value: str) -> str:
    """A rate in DRBD's notation, as it is.

    Raises:
        PydanticCustomError: it is none; a ValueError, for whoever reads it elsewhere than in a file.
    """
    number, unit = (value[:-1], value[-1]) if value[-1:] in ("K", "M", "G") else (value, "")
    if not number.isascii() or not number.isdigit() or number[0] == "0" or len(number) > 9:
        raise wrong(f"{value!r} is no rate in DRBD's notation", "bytes a second with K, M or G, such as 40M")
    if int(number) * _RATE_KIB[unit] > _FASTEST_KIB:
        raise wrong(f"{value!r} is more than DRBD takes", "4G at most")
    return number + unit


def bytes_per_s(rate: str) -> int:
    """The bytes a second that a rate in DRBD's notation means."""
    number, unit = (rate[:-1], rate[-1]) if rate[-1:] in ("K", "M", "G") else (rate, "")
    return int(number) * _RATE_KIB[unit] * 1024


class Settings(Strict):
    """The settings of the move, under ``migrate:`` in the inventory; defaults are the vendor's."""

    store: Directory = "/var/lib/eucalyptus/bukkits"
    service: ServiceName = "eucalyptus-cloud"
    resource: ResourceName = "r0"
    device: DrbdDevice = "/dev/drbd1"
    port: Annotated[int, Field(ge=1, le=65535)] = 7789
    staging: Directory = "/newlocation"
    reuse_device: bool = False  # staged: the original's backing device holds the store itself, and is erased for DRBD
    second_staging: Directory | None = None  # with reuse_device: for a second copy, on a disk of its own
    filesystem: Literal["ext3", "ext4", "xfs"] = "ext4"
    first_sync: Literal["full", "skip"] = "full"
    strategy: Literal["staged", "online"] = "staged"
    cutover_within_s: Seconds = 30.0  # online: how long the last difference may take before anything is stopped for it
    catch_up_rounds: Annotated[int, Field(ge=1, le=1000)] = 10  # online: copies of what changed, before giving up
    postpone_cutover: bool = False  # online: hold before the stop until `walrus-ha cutover` says go
    cutover_window: Annotated[str, AfterValidator(interval)] | None = None  # online: when the service may be stopped
    hold_at_most_s: Seconds = 7 * 86_400.0  # online: how long it is held, the difference kept small meanwhile
    rehash: Literal["changed", "all"] = "changed"  # online: what is read in the window
    sync_rate: Annotated[str, AfterValidator(drbd_rate)] = "40M"  # bytes a second, DRBD's notation
    disk_rate: Annotated[str, AfterValidator(drbd_rate)] = "100M"  # what one copy on the original reaches, as measured
    window_s: Seconds | None = None  # how long the services may be down; preflight refuses what cannot fit
    copy_limit_kib_s: Annotated[int, Field(gt=0, lt=2**31)] | None = None
    partition: ComponentName = "walrus"
    component: ComponentName = "walrus-additional"  # the additional Walrus' name on the CLC
    drbd_conf: FilePath = "/etc/eucalyptus/drbd.conf"
    eucarc: FilePath | None = None  # file with the cloud credentials on the CLC, sourced there
    service_probe: ServiceProbe = ServiceProbe()
    hooks: Hooks = Hooks()
    waits: Waits = Waits()

    @model_validator(mode="after")
    def _apart(self) -> Self:
        """Store, staging area and the old store's new name lie apart: none is another, or inside another."""
        for key, area in (("staging", self.staging), ("second_staging", self.second_staging)):
            for store in (self.store, f"{self.store}.before-ha") if area else ():
                for inner, outer in ((area, store), (store, area)):
                    if f"{inner}/".startswith(f"{outer}/"):
                        where = "the same as" if inner == outer else "inside"
                        raise wrong(f"{inner} is {where} {outer}", "keep the staging area apart from the store", key)
        return self

    @model_validator(mode="after")
    def _cut_over_once(self) -> Self:
        """A cut-over is ordered, or comes with its window."""
        if self.cutover_window is not None and self.postpone_cutover:
            hint = "keep one; walrus-ha cutover RUN cuts over before a window, too"
            raise wrong("postpone_cutover waits for an order, cutover_window for a date", hint, "cutover_window")
        return self

    @model_validator(mode="after")
    def _copied_twice(self) -> Self:
        """A device that holds the store is erased only after two copies were made, while nobody serves."""
        if self.reuse_device and self.second_staging is None:
            hint = "add second_staging: with a directory on another disk"
            raise wrong(
                "reuse_device erases the store's own device, for which two copies are needed", hint, "reuse_device"
            )
        if self.reuse_device and self.strategy == "online":
            hint = "write strategy: staged, or give the pair a device of its own"
            raise wrong("an online move serves from the old device to the end", hint, "reuse_device")
        if self.second_staging is not None and not self.reuse_device:
            raise wrong(
                "second_staging is for reuse_device alone", "add reuse_device: true, or take it out", "second_staging"
            )
        if self.second_staging == self.staging:
            raise wrong("both staging areas are one", "choose a directory on another disk", "second_staging")
        return self


@dataclass(frozen=True)
class Node:
    """One host of the move."""

    name: str  # the inventory's name; also what uname -n must print unless ``uname`` says otherwise
    role: Role
    connection: Connection
    address: str  # where its clients and the CLC reach it, and its peer unless the next says otherwise: an IP address
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
        """One for each role; the cloud controller may be the original Walrus, by the same name."""
        yield from (self.original, self.additional, self.clc)

    def hosts(self) -> list[Node]:
        """One for each host."""
        return [*self.pair, *([] if self.clc.name == self.original.name else [self.clc])]

    @property
    def pair(self) -> tuple[Node, Node]:
        """The two Walrus hosts, original first."""
        return self.original, self.additional


def load(path: Path) -> Inventory:
    """Read an inventory file; see docs/reference/inventory.md.

    Raises:
        InvalidInput: with every problem of the file, each with line, column and a suggestion.
    """
    from harness.inventory_file import read_inventory  # the file's form needs the model, never the other way round

    return read_inventory(path)


def render(inventory: Inventory) -> str:
    """The inventory as a file that ``load`` reads to an equal one.

    Raises:
        ValueError: a host is reached in a way that no inventory file can say.
    """
    from harness.inventory_text import render_inventory

    return render_inventory(inventory)
