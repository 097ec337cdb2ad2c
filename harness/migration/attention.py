"""The engine's attention to its operator: whoever waits on the run's clock listens to orders.

Every loop of the engine that waits sleeps on this clock, so a pause and an abort are heard within a second wherever it
is, and no watchdog counts the time of a pause: for those who wait it has not passed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from harness.clock import Clock, Found
from harness.errors import Stopped
from harness.migration.control import Control, Orders

LOOK_S = 1.0


class AbortOrdered(Stopped):
    """The operator wants the run to end at this safe point."""


class Holder(Protocol):
    """Something that goes on by itself and has to stand still during a pause."""

    def hold(self) -> None:
        """Make it stand still. Called again every second, so what cannot be done now is done then."""
        ...

    def go_on(self) -> None:
        """Let it go on."""
        ...


class AttentiveClock:
    """A clock that stands still while the run is paused, and does not let a run sleep that is to end."""

    def __init__(self, inner: Clock, control: Control) -> None:
        self._inner = inner
        self._control = control
        self._holders: list[Holder] = []
        self._held_s = 0.0
        self._deaf = False

    def now(self) -> float:
        return self._inner.now() - self._held_s

    def date(self) -> str:
        return self._inner.date()

    def dated_s(self) -> float:
        return self._inner.dated_s()

    def together(self, works: Sequence[Callable[[], Found]]) -> list[Found]:
        return self._inner.together(works)

    def sleep(self, seconds: float) -> None:
        """Let time pass, listening every second; ends early when another rate is ordered.

        Raises:
            AbortOrdered, OrdersUnclear: as ``attend``.
        """
        rate = None if self._deaf else self._control.orders().throttle_kib_s
        while True:
            self._inner.sleep(min(LOOK_S, seconds))
            seconds -= LOOK_S
            heard = self.attend()
            if seconds <= 0 or (not self._deaf and heard.throttle_kib_s != rate):
                return

    def attend(self) -> Orders:
        """A safe point: go on under the orders that are returned, stand still until told otherwise, or leave.

        Raises:
            AbortOrdered: the run is to end here.
            OrdersUnclear: nobody can say what is ordered.
        """
        if self._deaf:
            return Orders()
        orders = self._control.orders()
        if orders.paused and not orders.abort:
            orders = self._stand_still()
        if orders.abort:
            raise AbortOrdered("the operator ordered the run to end")
        return orders

    def _stand_still(self) -> Orders:
        began = self._inner.now()
        try:
            while (orders := self._control.orders()).paused and not orders.abort:
                for holder in self._holders:
                    holder.hold()
                self._inner.sleep(LOOK_S)
        finally:
            self._held_s += self._inner.now() - began
        if not orders.abort:
            for holder in reversed(self._holders):
                holder.go_on()
        return orders

    @contextlib.contextmanager
    def holding(self, holder: Holder) -> Iterator[None]:
        """While this lasts, a pause makes the holder stand still too."""
        self._holders.append(holder)
        try:
            yield
        finally:
            self._holders.remove(holder)

    @contextlib.contextmanager
    def deaf(self) -> Iterator[None]:
        """While this lasts no order is heard: taking back goes to its end, since it is what brings the service back."""
        before, self._deaf = self._deaf, True
        try:
            yield
        finally:
            self._deaf = before
