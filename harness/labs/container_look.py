"""Small Python programs of the lab that run inside a host, past everything that the engine uses, and answer in JSON."""

from __future__ import annotations

import json
from typing import Any

from harness.labs.container_furnish import FAKES, PYTHON
from harness.labs.container_host import LabHost

# What every such program may use. An argument ``image of DEVICE`` stands for the directory that holds the content of a
# disk, mounted or not.
_PRELUDE = f"""
import json, os, stat, sys
sys.path.insert(0, {FAKES.rsplit("/", 1)[0]!r})


def directory(argument):
    if not argument.startswith("image of "):
        return argument
    from fakes.container import ContainerMachine
    machine = ContainerMachine.here()
    disk = machine.world_file.read().hosts[machine.name].disks.get(argument.removeprefix("image of "))
    return (disk and disk.image and machine.files.image_root(disk.image)) or "/nonexistent"


def files_below(root):
    for folder, folders, names in os.walk(os.fsencode(root)):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode):
                yield path, status


def objects(arguments):
    root = next(root for root in map(directory, arguments) if os.path.isdir(root))
    top = os.fsencode(root)
    return sorted(path for path, status in files_below(root) if status.st_size > 1 and os.path.dirname(path) != top)


def answer(found):
    json.dump(found, sys.stdout)


"""


def run_script(host: LabHost, script: str, *arguments: str) -> Any:
    """Run a program of the lab on a host and return what it answered.

    Raises:
        LabError: when it failed, or the host does not run.
    """
    done = host.execute(PYTHON, "-I", "-S", "-X", "utf8", "-c", _PRELUDE + script, *arguments)
    return json.loads(done.stdout)
