"""The window: does the move fit into the time that the operator has? Go or no-go, before anything is stopped."""

from __future__ import annotations

from collections.abc import Iterator

from harness.hosts.host import Reader
from harness.migration import cutover
from harness.migration.forecast import clock, foresee
from harness.migration.preflight.finding import Finding, error
from harness.migration.site import Site
from harness.systems import files, volumes


def still_open(site: Site[Reader]) -> Iterator[Finding]:
    """A window that has closed already is told before hours of copying, not after."""
    if late := cutover.over(site):
        yield error("cutover-window-over", site.original.name, late, f"{cutover.MEND}.")


def long_enough(site: Site[Reader]) -> Iterator[Finding]:
    """A window that the move exceeds in more than one case of twenty is none: measured on these hosts, now."""
    window_s, host = site.settings.window_s, site.original
    place = files.stat(host, site.settings.store)
    if window_s is None or place is None or place.kind != "directory":
        return
    if not volumes.is_block_device(host, site.disk(host)):
        return  # a finding of its own
    needed = foresee(site)
    if needed.most_s <= window_s:
        return
    fits = "cannot be kept" if needed.least_s > window_s else "may not be kept"
    how = "as measured now" if needed.measured else "by assumed rates, as nothing could be measured"
    what = f"the window of {clock(window_s)} {fits}: the services would be down for {needed}, {how}: {needed.figures()}"
    longer = f"Take a window of {clock(needed.most_s + 60)}"
    mend = f"{longer}, raise `sync_rate` if the link and disks allow it, or choose `strategy: online`."
    yield error("window-too-short", host.name, what, mend)
