"""This machine as all hosts of a move: what the engine does there is timed with its own commands."""

from __future__ import annotations

from pathlib import Path

from harness.clock import WallClock
from harness.hosts.command import Fence
from harness.hosts.host import Host
from harness.hosts.local import LocalConnection
from harness.inventory import Inventory, Node, Settings
from harness.migration.attention import AttentiveClock
from harness.migration.control import Control
from harness.migration.journal import Journal
from harness.migration.memory import Memory
from harness.migration.site import Site

RUN = "bench"


def settings_for(folder: Path) -> Settings:
    """The places of the move, below a folder; the store is there already."""
    return Settings(store=f"{folder}/store", staging=f"{folder}/staging")


def site_in(folder: Path, journal: Journal, epoch: int = 1) -> Site[Host]:
    """A site whose hosts are claimed for a run that has begun; a later ``epoch`` resumes it."""
    nodes = {
        role: Node(f"host-{role}", role, LocalConnection(state_directory=f"{folder}/{role}"), "127.0.0.1", "here")
        for role in ("original", "additional", "clc")
    }
    inventory = Inventory(nodes["original"], nodes["additional"], nodes["clc"], settings_for(folder), "the bench")
    control = Control(folder)
    clock = AttentiveClock(WallClock(), control)
    memory = Memory(journal, journal.path.parent, clock)
    if not memory.began:
        memory.note("begun", run_id=RUN)
    hosts = [Host(node.name, node.connection.open(node.name), clock) for node in inventory.nodes()]
    for host in hosts:
        host.claim(Fence(epoch, RUN))
    memory.note("epoch", epoch=epoch)
    return Site(hosts[0], hosts[1], hosts[2], inventory, memory, clock, lambda progress: None, control)
