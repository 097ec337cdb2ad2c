"""Everything a fake program may touch: files, the world, the time. No environment, clock or randomness of its own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from fakes.filesystem import Filesystem
from fakes.world import HostRow, World


class Machine(Protocol):
    """One host as the programs that run on it see it."""

    name: str  # as uname -n prints

    @property
    def files(self) -> Filesystem: ...

    def world(self) -> AbstractContextManager[World]:
        """The shared state, locked; changes are kept at the end of the block. Blocks do not nest."""
        ...

    def row(self, world: World) -> HostRow:
        """This machine's row."""
        ...

    def now(self) -> float:
        """Seconds; virtual in the simulation, the wall clock in containers."""
        ...

    def spawn(self, daemon: str) -> int:
        """Start a background program of ``programs.daemons.DAEMONS`` that is ticked until stopped; returns its pid."""
        ...

    def kill(self, pid: int) -> None:
        """End a background program at once."""
        ...

    def alive(self, pid: int) -> bool: ...
