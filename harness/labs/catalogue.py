"""The labs by name, and what comes with the tool."""

from __future__ import annotations

import difflib
from pathlib import Path

from harness.errors import InvalidInput
from harness.labs import doctor
from harness.labs.containers import ContainersLab
from harness.labs.lab import Lab
from harness.labs.simulated import SimulatedLab

LABS: dict[str, type[Lab]] = {"simulated": SimulatedLab, "containers": ContainersLab}


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


def survey() -> list[doctor.LabState]:
    """Every lab, what it lacks on this machine, and what would provide it."""
    return doctor.survey()


def scenario_folder() -> Path:
    """The scenarios that come with the tool."""
    return Path(__file__).resolve().parents[2] / "scenarios"
