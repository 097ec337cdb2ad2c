"""The containers lab: three hosts as unprivileged containers, reached by ssh as in production.

DRBD, mounts, services and the cloud are the fakes, as programs on the hosts' PATH; everything else on them is real.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator

from harness.clock import WallClock
from harness.errors import LabUnavailable
from harness.labs import container_image, container_keys
from harness.labs.container_faults import ContainerFaults
from harness.labs.container_rack import rack
from harness.labs.container_truth import ContainerTruth
from harness.labs.docker_cleanup import connect, watch_over
from harness.labs.lab import Opened, Start, connect_to
from harness.labs.life import brought_up
from harness.labs.premises import require_one_drbd_device


class ContainersLab:
    """Implements harness.labs.lab.Lab."""

    name = "containers"
    at_once = (os.cpu_count() or 1) + 1  # a trial waits as much as it works

    def lacks(self) -> list[str]:
        """What this machine lacks, each with the command that would provide it."""
        lacks = container_keys.lacks()
        if importlib.util.find_spec("testcontainers") is None:
            return [*lacks, "the Python package testcontainers: pip install 'walrus-ha[labs]'"]
        try:
            with contextlib.closing(connect(timeout_s=5.0)) as client:
                lacks += container_image.lacks(client)
        except LabUnavailable as error:
            lacks.append(str(error))
        return lacks

    @contextlib.contextmanager
    def open(self, start: Start) -> Iterator[Opened]:
        """A lab of its own, gone when the block ends, also when this process is killed in it."""
        require_one_drbd_device(start)
        with brought_up(lambda run_id: rack(run_id, start), watch_over) as run:
            yield Opened(run.inventory(), ContainerFaults(run), ContainerTruth(run), WallClock(), connect=connect_to)
