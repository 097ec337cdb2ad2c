"""Small shell scripts on PATH, one a faked program."""

from __future__ import annotations

import os
import shlex
import sys

from fakes import programs
from fakes.container import PYTHON_OPTIONS, RUN

# Programs that only the simulation models: in a container the real ones run.
_REAL_NAMES = """
bash cat chmod chown cp curl date dd df du find flock getfattr id ionice mkdir mv nice od openssl ps readlink rm rmdir
rsync setsid sh sha256sum stat sync sysctl test timeout touch true uname which xargs
"""
REAL = frozenset(_REAL_NAMES.split())
# Of these the real ones run, except for what touches the kernel or a device: shell patterns of the arguments.
PARTLY = {
    "cat": "/proc/drbd|/proc/mounts|/proc/swaps|/proc/modules",
    "od": "-A\\ n\\ -t\\ x8\\ -N\\ 69632\\ /dev/*",
    "dd": "if=/dev/zero\\ of=/dev/*|if=/dev/*\\ of=/dev/null*",
}


def names() -> list[str]:
    """Programs that get a shim."""
    return sorted(programs.programs().keys() - REAL)


def script(name: str, python: str) -> str:
    """A shim: the program as a process. It says in which module the program stands, so that no other is loaded."""
    module = getattr(programs.programs()[name], "__module__", "").removeprefix(f"{programs.__name__}.")
    known = name in getattr(sys.modules.get(f"{programs.__name__}.{module}"), "PROGRAMS", {})
    command = shlex.join([python, *PYTHON_OPTIONS, RUN, f"{module}:{name}" if known else name])
    if name not in PARTLY:
        return f'#!/bin/sh\nexec {command} "$@"\n'
    return f'#!/bin/sh\ncase "$*" in\n{PARTLY[name]}) exec {command} "$@" ;;\nesac\nexec /bin/{name} "$@"\n'


def install(directory: str, python: str) -> list[str]:
    """Write every shim; returns the programs' names."""
    os.makedirs(directory, exist_ok=True)
    installed = [*names(), *PARTLY]
    for name in installed:
        path = os.path.join(directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(script(name, python))
        os.chmod(path, 0o755)
    return installed
