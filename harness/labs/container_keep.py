"""A containers lab that stays up until somebody ends it: to try the commands on, by hand."""

from __future__ import annotations

import contextlib

from harness.errors import LabUnavailable
from harness.labs import keep
from harness.labs.container_rack import Rack, rack
from harness.labs.docker_cleanup import connect, sweep, watch_over
from harness.labs.keep import UpLab
from harness.labs.lab import Start
from harness.labs.life import left_up


def up(start: Start) -> UpLab:
    """Bring a lab up and leave it running, with its inventory and keys in a directory of the user's own.

    Raises:
        LabUnavailable: when this machine cannot offer it; nothing is left then.
    """

    def make(run_id: str) -> Rack:
        directory = keep.home(run_id)
        directory.mkdir(mode=0o700, parents=True)
        return rack(run_id, start, directory)

    return left_up(make, watch_over)


def end(run_id: str | None) -> list[str]:
    """End what Docker holds of one lab, or of every lab with None; returns what was removed."""
    try:
        client = connect()
    except LabUnavailable:
        return []  # without a daemon there are no containers
    with contextlib.closing(client):
        return sweep(client, run_id)
