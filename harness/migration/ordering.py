"""Giving an order: what it makes of those that stand, and what the operator is told, decided from what is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.migration.control import Control, Orders
from harness.migration.memory import STOPPING
from harness.migration.standing import Standing, standing

GIVEN, REFUSED, WAITS = 0, 3, 4


@dataclass(frozen=True)
class Answer:
    """What the operator is told: ``orders`` as they stand now, and an exit status.

    0: an engine that works hears it at its next safe point. 3: there is nothing that it could reach, nothing was
    ordered. 4: no engine works now, the order waits for the next one.
    """

    orders: Orders
    exit_status: int
    message: str


def pause(folder: Path) -> Answer:
    """Let the run stand still at its next safe point."""

    def said(known: Standing) -> str:
        window = "The window is open: the services stay down meanwhile. " if known.window_open else ""
        past = "It is past the commit point. " if known.committed else ""
        return f"The run stands still at its next safe point, with its copy or hash. {past}{window}A sync goes on."

    return _give(folder, lambda orders: replace(orders, paused=True), said)


def resume(folder: Path) -> Answer:
    """Take a pause back; a file of orders that nobody can read is written anew."""
    known = standing(folder)
    if known.orders is None:
        Control(folder).anew()
        return _told(known, Orders(), "The orders could not be read and were taken back, all of them.")
    if not known.orders.paused:
        return Answer(known.orders, GIVEN, f"It was not paused. Next: {known.next}")
    changed = Control(folder).change(lambda orders: replace(orders, paused=False))
    return _told(known, changed, "The run goes on.")


def throttle(folder: Path, rate_kib_s: int | None) -> Answer:
    """Copy at another rate from now on; None takes that back."""

    def said(known: Standing) -> str:
        if rate_kib_s is None:
            return "Copies go on at the inventory's own limit, if it has one."
        return f"Copies go on at {rate_kib_s} KiB/s at most; what is copied stays. A sync has DRBD's own rate."

    return _give(folder, lambda orders: replace(orders, throttle_kib_s=rate_kib_s), said)


def cutover(folder: Path) -> Answer:
    """Permit the stop of the services where the run waits for that."""
    known = standing(folder)
    if known.orders and STOPPING in known.steps and not known.ended:
        return Answer(known.orders, GIVEN, f"The services were stopped already: nothing waits for this. {known.next}")
    return _give(folder, lambda orders: replace(orders, cutover=True), lambda known: "The services may be stopped.")


def abort(folder: Path) -> Answer:
    """End the run at its next safe point: taken back before the commit point, halted after it."""
    known = standing(folder)
    if known.orders is not None and not known.ended and not known.working:
        return Answer(known.orders, WAITS, f"No engine works on this run, so it stands still. Next: {known.next}")
    if known.state == "rolling back" and known.orders is not None:
        return Answer(known.orders, GIVEN, "The move is being taken back already.")

    def said(known: Standing) -> str:
        if known.committed:
            return "The run halts at its next safe point: past the commit point nothing is taken back."
        return "The run is taken back from its next safe point on."

    return _give(folder, lambda orders: replace(orders, abort=True), said)


def _give(folder: Path, order: Callable[[Orders], Orders], said: Callable[[Standing], str]) -> Answer:
    known = standing(folder)
    if known.orders is None:
        return Answer(Orders(), REFUSED, f"{known.orders_trouble}. Nothing was ordered.")
    if known.ended:
        return Answer(known.orders, REFUSED, f"This run is {known.state}: nothing was ordered. Next: {known.next}")
    changed = Control(folder).change(order)
    again = "That was ordered before. " if changed == known.orders else ""
    return _told(known, changed, f"{again}{said(known)}")


def _told(known: Standing, orders: Orders, said: str) -> Answer:
    if known.ended or known.working:
        return Answer(orders, GIVEN, f"{said} Look with: walrus-ha status RUN")
    return Answer(orders, WAITS, f"{said} No engine works on this run now, so it waits. Next: {known.next}")
