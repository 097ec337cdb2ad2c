"""The model of ``cp -a`` on a full file system goes on where it can, as GNU cp 9.1 does on a tmpfs without inodes."""

from __future__ import annotations

import re

from fakes.program import Call
from harness.labs.lab import ORIGINAL, Start, StoreSpec
from harness.labs.simulated import SimulatedLab
from harness.labs.simulated_state import WorldState


def test_nothing_below_a_directory_that_could_not_be_made_is_tried() -> None:
    with SimulatedLab().open(Start(store=StoreSpec(12, 64 * 1024, 7, True), device_bytes=64 * 1024**2)) as opened:
        assert isinstance(opened.state, WorldState)
        machine, store = opened.state.machine(ORIGINAL), opened.inventory.settings.store
        opened.faults.fill_disk(ORIGINAL, "staging")
        reply = machine.execute(Call(("cp", "-a", "-x", "--", f"{store}/.", "/newlocation/")))
    said = reply.stderr.decode("utf-8", "surrogateescape")
    refused = re.findall(r"^cp: cannot create directory '([^'\n]+)': No space left on device$", said, re.MULTILINE)
    assert reply.exit_status == 1
    assert "/newlocation/empty-bucket.links" in refused
    assert not [one for one in refused if f"{one}/" in said]
