"""The labs by name, and what comes with the tool."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

from harness.errors import InvalidInput
from harness.labs import container_keep
from harness.labs.container_keep import UpLab
from harness.labs.lab import Lab, Start, StoreSpec


def _simulated() -> Lab:
    from harness.labs.simulated import SimulatedLab

    return SimulatedLab()


def _containers() -> Lab:
    from harness.labs.containers import ContainersLab

    return ContainersLab()


# Every lab that is built, each imported when it is asked for and not before.
LABS: dict[str, Callable[[], Lab]] = {"simulated": _simulated, "containers": _containers}


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
    if find(name).name != "containers":
        raise InvalidInput(f"the {name} lab ends with its process; the containers lab can stay up")
    return container_keep.up(Start(store=StoreSpec(objects=objects, bytes=size)))


def down(run_id: str | None) -> list[str]:
    """End a lab that was brought up, or all of ours; returns what was removed."""
    return container_keep.down(run_id)


def shell(run_id: str, host: str) -> list[str]:
    """The argument list that opens a shell on a host of a lab that is up."""
    return container_keep.shell(run_id, host)


def scenario_folder() -> Path:
    """The scenarios that come with the tool."""
    return Path(__file__).resolve().parents[2] / "scenarios"
