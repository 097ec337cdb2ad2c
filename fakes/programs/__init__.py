"""Every fake program by name. A module of this package offers its programs as ``PROGRAMS``."""

from __future__ import annotations

import importlib
from functools import cache

from fakes.machine import Machine
from fakes.program import Call, Program, Reply, Slow, UnsupportedInvocation


@cache
def programs() -> dict[str, Program]:
    """Every modelled program by its name.

    Raises:
        ValueError: when two modules offer the same program.
    """
    import pkgutil  # a process that is told the module of its program needs none of this

    found: dict[str, Program] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        for name, program in getattr(importlib.import_module(f"{__name__}.{module}"), "PROGRAMS", {}).items():
            if name in found:
                raise ValueError(f"two modules model the program {name}")
            found[name] = program
    return found


def dispatch(call: Call, machine: Machine) -> Reply | Slow:
    """Begin a program: its answer, or the steps that lead to it.

    Raises:
        UnsupportedInvocation: no such program, or one that does not know these arguments.
    """
    program = programs().get(call.argv[0])
    if program is None:
        raise UnsupportedInvocation(f"no program {call.argv[0]}")
    return program(call, machine)


def run(call: Call, machine: Machine) -> Reply:
    """Run a program to its end at once, as part of another program; its time is not counted.

    Raises:
        UnsupportedInvocation: as ``dispatch``.
    """
    outcome = dispatch(call, machine)
    while not isinstance(outcome, Reply):
        try:
            next(outcome)
        except StopIteration as ended:
            outcome = ended.value
    return outcome
