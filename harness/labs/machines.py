"""The machines lab: three hosts with kernels, disks and networks of their own, reached by ssh as in production.

Everything on them is real but Eucalyptus itself: the kernel's DRBD, drbd-utils, mounts, file systems, power.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from harness.clock import WallClock
from harness.errors import LabUnavailable
from harness.labs import machine_image
from harness.labs.lab import Opened, Start
from harness.labs.life import brought_up
from harness.labs.machine_cleanup import watch_over
from harness.labs.machine_faults import MachineFaults
from harness.labs.machine_rack import rack
from harness.labs.machine_truth import MachineTruth


class MachinesLab:
    """Implements harness.labs.lab.Lab."""

    name = "machines"
    at_once = 4  # three kernels each: a trial waits for clocks and disks for nearly half of its time

    def lacks(self) -> list[str]:
        """What this machine lacks, each with the command that would provide it."""
        return machine_image.lacks()

    @contextlib.contextmanager
    def open(self, start: Start) -> Iterator[Opened]:
        """A lab of its own, gone when the block ends, also when this process is killed in it."""
        if lacking := self.lacks():
            raise LabUnavailable("the machines lab lacks: " + "; ".join(lacking))
        with brought_up(lambda run_id: rack(run_id, start), watch_over) as run:
            faults, truth = MachineFaults(run), MachineTruth(run)
            yield Opened(run.inventory(), faults, truth, WallClock(), connect=run.network.connect)
