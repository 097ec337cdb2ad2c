"""The labs by name, and what comes with the tool."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

from harness import shipped
from harness.errors import InvalidInput
from harness.labs import container_keep, keep, machine_cleanup
from harness.labs.keep import UpLab
from harness.labs.lab import Lab, Start, StoreSpec


def _simulated() -> Lab:
    from harness.labs.simulated import SimulatedLab

    return SimulatedLab()


def _containers() -> Lab:
    from harness.labs.containers import ContainersLab

    return ContainersLab()


def _machines() -> Lab:
    from harness.labs.machines import MachinesLab

    return MachinesLab()


def _privileged() -> Lab:
    from harness.labs.privileged import PrivilegedLab

    return PrivilegedLab()


def _keep_containers(start: Start) -> UpLab:
    return container_keep.up(start)


def _keep_machines(start: Start) -> UpLab:
    from harness.labs import machine_keep

    return machine_keep.up(start)


def _keep_privileged(start: Start) -> UpLab:
    from harness.labs import machine_keep, privileged_image, privileged_rack

    return machine_keep.up(start, "privileged", privileged_image.lacks, privileged_rack.rack)


# Every lab that is built, each imported when it is asked for and not before.
LABS: dict[str, Callable[[], Lab]] = {
    "simulated": _simulated,
    "containers": _containers,
    "privileged": _privileged,
    "machines": _machines,
}
# Those whose hosts outlive the process that brought them up.
KEPT: dict[str, Callable[[Start], UpLab]] = {
    "containers": _keep_containers,
    "privileged": _keep_privileged,
    "machines": _keep_machines,
}


def find(name: str) -> Lab:
    """The lab of this name.

    Raises:
        InvalidInput: when there is none, with the nearest name.
    """
    if name not in LABS:
        near = difflib.get_close_matches(name, LABS, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(LABS)}"
        raise InvalidInput(f"there is no lab {name!r}; {hint}")
    return LABS[name]()


def up(name: str, objects: int, size: int) -> UpLab:
    """Bring up a lab that stays; only labs whose hosts outlive this process can.

    Raises:
        InvalidInput: when there is no such lab, or it lives in this process.
        LabUnavailable: when this machine cannot offer it.
    """
    if find(name).name not in KEPT:
        raise InvalidInput(f"the {name} lab ends with its process; those that can stay up are {', '.join(KEPT)}")
    return KEPT[name](Start(store=StoreSpec(objects=objects, bytes=size)))


def down(run_id: str | None) -> list[str]:
    """End a lab that was brought up, or all of ours; returns what was removed.

    Raises:
        InvalidInput: there is nothing of such a run.
    """
    home = keep.home(run_id) if run_id else None  # refuses what cannot be a lab's name before anything is swept
    removed = [*machine_cleanup.sweep(run_id), *container_keep.end(run_id), *map(str, keep.forget(run_id))]
    if home is not None and not removed:
        raise InvalidInput(f"there is no lab {run_id!r}; {keep.known()}")
    return [f"removed {thing}" for thing in removed]


def shell(run_id: str, host: str) -> list[str]:
    """The argument list that opens a shell on a host of a lab that is up."""
    return keep.shell(run_id, host)


def scenario_folder() -> Path:
    """The scenarios that come with the tool."""
    return shipped.folder("scenarios")
