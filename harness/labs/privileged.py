"""The privileged lab: three hosts as privileged containers on one kernel, DRBD on a loop device for each.

Programs, files, networks and DRBD are real, only Eucalyptus is played. What hosts with a kernel each have for
themselves, minors, resource names and the addresses of DRBD, is told apart by wrappers: images/privileged.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from harness.clock import WallClock
from harness.errors import LabUnavailable
from harness.labs import privileged_image
from harness.labs.lab import Opened, Start
from harness.labs.life import brought_up
from harness.labs.machine_cleanup import watch_over
from harness.labs.privileged_faults import PrivilegedFaults
from harness.labs.privileged_rack import rack
from harness.labs.privileged_truth import PrivilegedTruth


class PrivilegedLab:
    """Implements harness.labs.lab.Lab."""

    name = "privileged"
    at_once = 2  # one kernel each, with Docker and three hosts on it

    def lacks(self) -> list[str]:
        """What this machine lacks, each with the command that would provide it."""
        return privileged_image.lacks()

    @contextlib.contextmanager
    def open(self, start: Start) -> Iterator[Opened]:
        """A lab of its own, gone when the block ends, also when this process is killed in it."""
        if lacking := self.lacks():
            raise LabUnavailable("the privileged lab lacks: " + "; ".join(lacking))
        with brought_up(lambda run_id: rack(run_id, start), watch_over) as run:
            faults, truth = PrivilegedFaults(run), PrivilegedTruth(run)
            yield Opened(run.inventory(), faults, truth, WallClock(), connect=run.network.connect)
