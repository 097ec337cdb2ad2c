"""What the everyday programs have in common: how they quote, complain and reach the files in memory.

These programs are real in containers; here they are modelled as Debian 12 has them (coreutils 9.1, findutils 4.9),
under LC_ALL=C, in the few forms that are sent.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from fakes.filesystem import Stat
from fakes.machine import Machine
from fakes.program import Call, Reply, UnsupportedInvocation

if TYPE_CHECKING:
    from fakes.memory import MemoryFilesystem
    from fakes.simulated import SimulatedMachine


def simulated(machine: Machine) -> SimulatedMachine:
    """The machine as an object of the simulation; nowhere else are these programs modelled.

    Raises:
        UnsupportedInvocation: in a container.
    """
    from fakes.simulated import SimulatedMachine

    if not isinstance(machine, SimulatedMachine):
        raise UnsupportedInvocation("modelled in memory only")
    return machine


def memory(machine: Machine) -> MemoryFilesystem:
    """The machine's files, which are in memory."""
    return simulated(machine).files


def not_modelled(call: Call) -> UnsupportedInvocation:
    return UnsupportedInvocation("these arguments")


def operands(call: Call, options: tuple[str, ...]) -> tuple[str, ...]:
    """What follows ``options`` and ``--``; at least one.

    Raises:
        UnsupportedInvocation: when the call does not begin like that.
    """
    begin = (*options, "--")
    rest = call.argv[1:]
    if rest[: len(begin)] != begin or len(rest) == len(begin):
        raise not_modelled(call)
    return rest[len(begin) :]


def operand(call: Call, options: tuple[str, ...]) -> str:
    """As ``operands``, exactly one."""
    found = operands(call, options)
    if len(found) != 1:
        raise not_modelled(call)
    return found[0]


def fails(message: str, status: int = 1) -> Reply:
    """One complaint on the error stream."""
    return Reply(status, b"", os.fsencode(message) + b"\n")


def complaints(messages: list[str], stdout: bytes = b"") -> Reply:
    """Success without messages, status 1 with any."""
    return Reply(1 if messages else 0, stdout, b"".join(os.fsencode(message) + b"\n" for message in messages))


def reason(error: OSError) -> str:
    return os.strerror(error.errno or errno.EIO)


def quoted(name: str) -> str:
    """As GNU's messages show a name that is plain; an odd one is shown as it is."""
    return f"'{name}'"


def device_numbers(machine: Machine, path: str) -> tuple[int, int] | None:
    """Major and minor of a block device: a disk of the machine or a DRBD device that is up; None for other paths."""
    with machine.world() as world:
        row = machine.row(world)
        if path in row.disks:
            major, minor = row.disks[path].number.split(":")
            return int(major), int(minor)
        for side in row.sides.values():
            if side.configured and side.device == path:
                return 147, side.minor
    return None


def status_of(machine: Machine, path: str) -> Stat | None:
    """lstat(2), devices included; None where nothing is there.

    Raises:
        OSError: other than ENOENT.
    """
    try:
        return machine.files.stat(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
    numbers = device_numbers(machine, path)
    if numbers is None:
        return None
    return Stat("other", 0, 0o660, 0, 6, 0, os.makedev(*numbers), 5, 1)
