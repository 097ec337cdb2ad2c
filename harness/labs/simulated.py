"""The simulated lab: three hosts as objects of this process, on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from fakes.simulated import SimulatedWorld
from harness.clock import Found
from harness.hosts.function import FunctionConnection
from harness.inventory import Inventory, Node, Role, Settings
from harness.labs.lab import Opened, Start
from harness.labs.premises import BACKING_DEVICE, NAMES
from harness.labs.simulated_door import Door
from harness.labs.simulated_faults import SimulatedFaults
from harness.labs.simulated_site import ADDRESSES, build
from harness.labs.simulated_state import WorldState
from harness.labs.simulated_truth import SimulatedTruth


class VirtualClock:
    """The simulation's time; waiting is what makes it pass."""

    _CALENDAR = "2013-01-12T03:00:00Z"

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world

    def now(self) -> float:
        return self._world.now

    def sleep(self, seconds: float) -> None:
        self._world.advance(max(0.0, seconds))

    def date(self) -> str:
        return f"{self._CALENDAR}+{self._world.now:.3f}s"

    def dated_s(self) -> float:
        return datetime.fromisoformat(self._CALENDAR).timestamp() + self._world.now

    def together(self, works: Sequence[Callable[[], Found]]) -> list[Found]:
        """One after the other: the same start must give the same trace."""
        return [work() for work in works]


class VirtualTimers:
    """Things that happen at a virtual time, whoever lets it pass."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._on = True

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        def due() -> None:
            if self._on:
                action()

        self._world.schedule.at(self._world.now + seconds, due)

    def cancel(self) -> None:
        self._on = False


class SimulatedLab:
    """Always there: it needs nothing but Python."""

    name = "simulated"
    at_once = 1

    def lacks(self) -> list[str]:
        return []

    @contextmanager
    def open(self, start: Start) -> Iterator[Opened]:
        """A world of its own, gone when the block ends. The same start gives the same world."""
        world = build(start)
        settings = Settings.model_validate(dict(start.settings))
        door = Door(world)

        def node(role: Role) -> Node:
            device = None if role == "clc" else BACKING_DEVICE
            name = NAMES[role]
            return Node(name, role, FunctionConnection(door.send), ADDRESSES[role], name, device)

        clc = node("clc") if start.clc == "own" else replace(node("original"), role="clc", backing_device=None)
        inventory = Inventory(node("original"), node("additional"), clc, settings, "the simulated lab")
        faults = SimulatedFaults(world, inventory)
        truth = SimulatedTruth(world, inventory, start)
        state = WorldState(world, inventory)
        clock, timers = VirtualClock(world), VirtualTimers(world)
        yield Opened(
            inventory,
            faults,
            truth,
            clock,
            timers,
            repeatable=True,
            as_fast_as_told=start.rates is not None,
            state=state,
        )
