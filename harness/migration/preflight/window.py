"""The window: does the move fit into the time that the operator has?"""

from __future__ import annotations

from collections.abc import Iterator

from harness.hosts.host import Reader
from harness.migration.estimate import estimate
from harness.migration.preflight.finding import Finding, error, warning
from harness.migration.site import Site
from harness.systems import files, volumes


def long_enough(site: Site[Reader]) -> Iterator[Finding]:
    """A window that even the best case exceeds is no window; one that the worst case exceeds is a risk to know of."""
    window_s, host = site.settings.window_s, site.original
    if window_s is None or files.stat(host, site.settings.store) is None:
        return
    if not volumes.is_block_device(host, site.disk(host)):
        return  # a finding of its own
    needed = estimate(site)
    what = f"the services would be down {needed}, the window is {window_s / 60:.0f} min"
    mend = "Take a longer window, raise `sync_rate` if the link and disks allow it, or a device no larger than needed."
    if needed.least_s > window_s:
        yield error("window-too-short", host.name, what, mend)
    elif needed.most_s > window_s:
        yield warning("window-may-be-too-short", host.name, what, mend)
