"""Small Python programs of the lab that run inside a host, past everything that the engine uses, and answer in JSON."""

from __future__ import annotations

import json
from typing import Any

from harness.labs.container_furnish import FAKES, PYTHON
from harness.labs.container_host import LabHost
from harness.labs.look import LOOKING

# What every such program may use. An argument ``image of DEVICE`` stands for the directory that holds the content of a
# disk, mounted or not; none does while a resync overwrites it.
_PRELUDE = f"""
import sys
sys.path.insert(0, {FAKES.rsplit("/", 1)[0]!r})


def directory(argument):
    if not argument.startswith("image of "):
        return os.path.realpath(argument)
    from fakes.container import ContainerMachine
    from fakes.programs import drbd_content
    machine = ContainerMachine.here()
    with machine.world() as world:
        drbd_content.refresh_all(machine, world)
        disk = machine.row(world).disks.get(argument.removeprefix("image of "))
    if disk is None or disk.image is None or disk.garbage:
        return f"/no content/{{argument}}"
    return machine.files.image_root(disk.image) or f"/no content/{{argument}}"


"""


def run_script(host: LabHost, script: str, *arguments: str) -> Any:
    """Run a program of the lab on a host and return what it answered.

    Raises:
        LabError: when it failed, or the host does not run.
    """
    done = host.execute(PYTHON, "-I", "-S", "-X", "utf8", "-c", LOOKING + _PRELUDE + script, *arguments)
    return json.loads(done.stdout)
