"""A machine's disks with their numbers and what is stacked on them, as ``lsblk -i`` draws it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fakes.machine import Machine
from fakes.memory import MemoryFilesystem
from fakes.program import UnsupportedInvocation
from fakes.programs.drbd_kernel import attached_to
from fakes.world import HostRow, World

_DRBD_MAJOR, _MAPPER_MAJOR = 147, 253
_MINORS_OF_A_DISK = 16


class Branch(NamedTuple):
    """One block device and what lies on it."""

    name: str
    number: tuple[int, int]
    children: Sequence[Branch] = ()


def text(world: World, machine: Machine) -> str:
    """All disks of the machine.

    Raises:
        UnsupportedInvocation: in a container, whose own disks are those of the machine around it.
    """
    if not isinstance(machine.files, MemoryFilesystem):
        raise UnsupportedInvocation("the disks of a container are not modelled")
    row = machine.row(world)
    rows = [row for top in (*_system(machine.files), *_own(row)) for row in _drawn(top, "", "")]
    width = max((len(name) for name, _ in rows), default=0)
    return "".join(f"{name:<{width}} {major:>3}:{minor:<3}\n" for name, (major, minor) in rows)


def _system(files: MemoryFilesystem) -> Iterator[Branch]:
    """The disks that are there from boot on: one partition each, with a file system."""
    for source, at in files.fixed_mounts():
        number = files.stat(at).device
        major, minor = os.major(number), os.minor(number)
        partition = source.removeprefix("/dev/")
        first = minor // _MINORS_OF_A_DISK * _MINORS_OF_A_DISK
        yield Branch(partition.rstrip("0123456789"), (major, first), [Branch(partition, (major, minor))])


def _own(row: HostRow) -> Iterator[Branch]:
    """The disks that a program can get at, with DRBD or others above them."""
    for disk in row.disks.values():
        major, _, minor = disk.number.partition(":")
        side = attached_to(row, disk)
        above = [Branch(side.device.removeprefix("/dev/"), (_DRBD_MAJOR, side.minor))] if side else []
        above += [Branch(name, (_MAPPER_MAJOR, at)) for at, name in enumerate(disk.holders)]
        yield Branch(disk.device.removeprefix("/dev/"), (int(major), int(minor)), above)


def _drawn(branch: Branch, lead: str, below: str) -> Iterator[tuple[str, tuple[int, int]]]:
    yield lead + branch.name, branch.number
    for child in branch.children:
        last = child is branch.children[-1]
        yield from _drawn(child, below + ("`-" if last else "|-"), below + ("  " if last else "| "))
