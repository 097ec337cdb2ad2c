"""How long machines with kernels of their own take to be reached, and the success path with real DRBD."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from harness.hosts.command import Command
from harness.inventory import Node
from harness.labs import catalogue
from harness.labs.lab import Start, StoreSpec
from harness.trials.scenario_files import load_scenarios
from tests.bench.figure import Figure, median_s, timed, trial

SMALL = Start(store=StoreSpec(objects=1, bytes=1))


def measure() -> Iterator[Figure]:
    """A pair up and answering, a host back after a power cut, a whole move."""
    lab = catalogue.find("machines")
    with lab.open(SMALL):
        pass  # what the image is made of is in memory from now on
    opening: list[float] = []
    back: list[float] = []
    with timed(opening):
        context = lab.open(SMALL)
        opened = context.__enter__()
    try:
        pair = opened.inventory.original, opened.inventory.additional
        with timed(opening):
            for node in pair:
                _ask(node)
        yield Figure("machines: the pair answers ssh, and Walrus serves", sum(opening), 15.0, name="machines_up_s")
        for node in pair:
            opened.faults.power_off(node.role)
            with timed(back):
                opened.faults.power_on(node.role)
                _ask(node)
    finally:
        context.__exit__(None, None, None)
    yield Figure("machines: a host answers ssh after a power cut and a start", max(back), 15.0, name="machine_back_s")
    (success,) = load_scenarios([catalogue.scenario_folder() / "success-500-objects-50-mib.yaml"])
    taken = median_s(partial(trial, success, "machines"), 1)
    yield Figure(f"machines trial: {success.name}", taken, 60.0, name="machines_trial_s")


def _ask(node: Node) -> None:
    transport = node.connection.open(node.name)
    transport.send(Command(("true",)))
    transport.close()
