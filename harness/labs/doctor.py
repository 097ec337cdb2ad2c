"""Which labs this machine offers, what the others lack, and what would provide it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from harness import shipped
from harness.labs import catalogue, machine_backend, privileged_image

NAMES = tuple(catalogue.LABS)
REMEDIES = ("make labs", "make labs-qemu")
_WITHOUT_MAKE = {"make labs": "walrus-ha lab provide", "make labs-qemu": "walrus-ha lab provide --qemu"}
REQUIRED = "WALRUS_HA_REQUIRE_LABS"  # labs that must not be skipped, separated by commas


@dataclass(frozen=True)
class LabState:
    """One lab on this machine.

    ``remedy`` is the command that would provide what it lacks, empty where none would; ``note`` says which of several
    ways it goes.
    """

    name: str
    ready: bool
    lacks: list[str]
    remedy: str
    note: str = ""


def survey() -> list[LabState]:
    """The state of every lab, ready or not."""
    return [_state(name) for name in NAMES]


def missing(name: str) -> str | None:
    """Why the lab cannot be opened here, in one line; None when it can."""
    state = _state(name)
    return None if state.ready else f"the {name} lab lacks: " + "; ".join(state.lacks)


def required() -> frozenset[str]:
    """The labs that must not be skipped, from the environment."""
    return frozenset(name for name in os.environ.get(REQUIRED, "").split(",") if name)


def _state(name: str) -> LabState:
    lacks = catalogue.find(name).lacks()
    return LabState(name, ready=not lacks, lacks=lacks, remedy=_remedy(lacks) if lacks else "", note=_note(name))


def _note(name: str) -> str:
    if name == "privileged":
        return privileged_image.whose_kernel()
    return f"in {machine_backend.chosen().name}" if name == "machines" else ""


def _remedy(lacks: list[str]) -> str:
    """The command that provides what can be provided; every lack names its own."""
    named = (word for lack in lacks if (word := lack.rpartition(": ")[2]) in REMEDIES)
    remedy = max(named, key=REMEDIES.index, default=REMEDIES[0])
    return _WITHOUT_MAKE[remedy] if shipped.installed() else remedy


def provider(qemu: bool) -> list[str]:
    """The argument list of the script that installs what the labs need and makes their images."""
    return [str(shipped.folder("images") / "provide"), "labs-qemu" if qemu else "labs", sys.executable]
