"""A host that is a Python function: the door to the simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.hosts.command import Answer, Fence, Request

Function = Callable[[str, Request, Fence | None], Answer]


@dataclass(frozen=True)
class FunctionConnection:
    """Every request becomes a call of ``function`` with the host's name, the request and the fence.

    The function keeps the promises of ``Transport.send``, exceptions included.
    """

    function: Function
    description: str = "simulated host"

    def open(self, name: str) -> FunctionTransport:
        return FunctionTransport(name, self.function)

    def describe(self) -> str:
        return self.description

    def weakness(self) -> str | None:
        return None


@dataclass(frozen=True)
class FunctionTransport:
    """Carries requests to a function."""

    name: str
    function: Function

    def send(self, request: Request, fence: Fence | None = None) -> Answer:
        return self.function(self.name, request, fence)

    def close(self) -> None:
        """Nothing is kept open."""
