"""What each lab can play: starts and faults that are not for every lab, with what it lacks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.trials.fault_kinds import (
    AtCommand,
    CutLink,
    DiskErrors,
    Fault,
    FsyncFails,
    PowerOff,
    ReadError,
    ResetSsh,
    SlowDisk,
    UnmodelledCall,
)
from harness.trials.start import Before

KERNEL_LABS = ("privileged", "machines")
_MODELS = ("simulated", "containers")
_OTHERWISE: tuple[tuple[str, Any, tuple[str, ...], str], ...] = (
    ("drbd", "8.4", _MODELS, "the lab {} runs DRBD 8.4, the kernel's"),
    ("clc", "own", _MODELS, "the lab {} has its cloud on a host of its own"),
    ("init", "sysvinit", _MODELS, "the hosts of the lab {} boot by scripts"),
    ("host_tools", "today", ("containers",), "the lab {} cannot play old hosts"),
    ("login", "root", ("containers",), "the lab {} cannot play old hosts"),
    ("ssh", "today", ("containers",), "the lab {} cannot play old hosts"),
    ("store_on", "root", ("simulated",), "the lab {} has the store on the disk of the system"),
    ("second_staging_bytes", None, ("simulated",), "the lab {} has one staging area"),
    ("rates", None, ("simulated",), "the hosts of the lab {} are as fast as they are"),
)
"""A key of the start, what every lab has, who can play something else, and what the others say to it."""


def start_not_played(start: Before, lab: str) -> Iterator[tuple[str, str]]:
    """What of a start the lab has not, each with a way out."""
    for key, usual, labs, message in _OTHERWISE:
        if getattr(start, key) != usual and lab not in labs:
            hint = 'or start with drbd: "8.4"' if key == "drbd" else f"or {key} out of start"
            yield message.format(lab), f"take the lab out, {hint}"
    if start.differs.other_drbd_mount is not None and lab != "simulated":
        yield f"the lab {lab} has one DRBD device", "take the lab out"


def fault_not_played(fault: Fault, lab: str) -> str | None:
    """What the lab lacks for a fault."""
    model = lab not in KERNEL_LABS
    match fault:
        case AtCommand() if lab != "simulated":
            return "sends other commands than the simulated lab, where they were counted"
        case UnmodelledCall() if not model:
            return "has no fakes to call"
        case DiskErrors() | SlowDisk() if model:
            return "has no disks that could fail"
        case CutLink(only_from=str()) if model:
            return "cannot cut one direction of a link alone"
        case PowerOff(survives=survives) if lab in ("containers", "machines") and survives != "flushed":
            return "cannot choose what survives a power cut"
        case ReadError() | FsyncFails() if lab != "simulated":
            return "cannot fail for one object alone"
        case PowerOff() if lab == "privileged":
            return "has one kernel for all hosts, whose power cannot be cut for one of them"
        case ResetSsh() if lab == "simulated":
            return "reaches its hosts without ssh"
    return None
