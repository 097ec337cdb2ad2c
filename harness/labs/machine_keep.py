"""A lab of real kernels that stays up until somebody ends it: to try the commands on, by hand."""

from __future__ import annotations

from collections.abc import Callable

from harness.errors import LabUnavailable
from harness.labs import machine_image, machine_rack
from harness.labs.keep import UpLab
from harness.labs.lab import Start
from harness.labs.life import left_up
from harness.labs.machine_cleanup import watch_over
from harness.labs.machine_rack import MachineRack


def up(
    start: Start,
    name: str = "machines",
    lacks: Callable[[], list[str]] = machine_image.lacks,
    rack: Callable[[str, Start], MachineRack] = machine_rack.rack,
) -> UpLab:
    """Bring a lab up and leave it running, with its inventory in a directory of the user's own.

    Raises:
        LabUnavailable: when this machine cannot offer it; nothing is left then.
    """
    if lacking := lacks():
        raise LabUnavailable(f"the {name} lab lacks: " + "; ".join(lacking))
    return left_up(lambda run_id: rack(run_id, start), watch_over)
