"""When an online move may stop the service: at an order, in a window that was named by date, or as soon as it can."""

from __future__ import annotations

from harness.cutover_window import CutoverWindow
from harness.hosts.host import Host, Reader
from harness.migration.site import Site


def named(site: Site[Host] | Site[Reader]) -> CutoverWindow | None:
    """The window that the inventory or the command line names."""
    text = site.settings.cutover_window
    return None if text is None else CutoverWindow.parse(text)


def told(site: Site[Host] | Site[Reader]) -> bool:
    """The operator ordered it, now or before."""
    return bool(site.memory.fact("cutover")) or site.control.orders().cutover


def held(site: Site[Host] | Site[Reader]) -> str | None:
    """What it waits for; None when nothing holds it."""
    window = named(site)
    if told(site) or site.memory.intended("stop-services"):
        return None
    if site.settings.postpone_cutover:
        return "the cut-over is postponed until `walrus-ha cutover` says go"
    if window is not None and site.clock.dated_s() < window.opens:
        return f"the cut-over is held until its window opens, which is {window}"
    return None


def over(site: Site[Host] | Site[Reader]) -> str | None:
    """That the window has closed, or what is left of it is less than the services may be down; None when it has not.

    What was stopped already is not left stopped for a date.
    """
    window = named(site)
    if window is None or told(site) or site.memory.intended("stop-services"):
        return None
    left_s, needed_s = window.closes - site.clock.dated_s(), site.settings.window_s or 0.0
    if left_s <= 0:
        return f"the window of the cut-over, {window}, is over"
    if left_s < needed_s:
        return f"of the window of the cut-over, {window}, {left_s:.0f} s are left, and window_s is {needed_s:g} s"
    return None


MEND = (
    "Walrus was not stopped. Name another window with `migrate --cutover-window`, or cut over without one: "
    "`walrus-ha cutover RUN`, and the same `migrate` again"
)
