"""What labs whose disks neither forget by choice nor fail in single objects say when a scenario asks for that."""

from __future__ import annotations

from harness.errors import FaultNotProven
from harness.evidence import Receipt
from harness.labs.lab import Survives


class WholeDisks:
    """The refusals, for a lab's faults to inherit."""

    def break_object(self, role: str, place: str) -> Receipt:
        raise FaultNotProven(
            f"no single object in {place} on {role} can be made unreadable: the disk has no such fault"
        )

    def mend_object(self, role: str, place: str) -> Receipt:
        raise FaultNotProven(f"nothing in {place} on {role} was made unreadable")

    def fail_flush(self, role: str, place: str) -> None:
        raise FaultNotProven(f"the disk with {place} on {role} cannot be made to refuse a single flush")

    def flush_failed(self, role: str, place: str) -> Receipt:
        raise FaultNotProven(f"no flush to the disk with {place} on {role} was to be refused")


def require_no_choice(role: str, survives: Survives) -> None:
    """What survives a power cut is what this lab's way of cutting leaves.

    Raises:
        FaultNotProven: something else is asked for.
    """
    if survives != "flushed":
        raise FaultNotProven(f"what survives a power cut of {role} cannot be chosen here: {survives} was asked for")
