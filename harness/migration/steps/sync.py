"""Wait until both sides are UpToDate."""

from __future__ import annotations

from harness.errors import Indeterminate, StepBlocked, TimedOut
from harness.hosts.host import Host, Reader
from harness.migration.site import Progress, Site
from harness.migration.step import Pending, Satisfied, Step, StepState
from harness.systems.drbd import status

_LOOK_S, _HEARTBEAT_S = 0.25, 30.0  # a sync of days is looked at less often, but never less than that
_LOST_DISK = ("Diskless", "Failed")
_DISK_GONE_S = 5.0  # DRBD does not attach a disk again by itself; a peer that comes up may attach it only now


class WaitForSync(Step):
    """Both sides are connected and UpToDate and no block is marked out of sync, as each of them sees it."""

    name = "wait-for-sync"
    summary = "Wait until both sides are UpToDate"

    def inspect(self, site: Site[Reader]) -> StepState:
        found = site.on_pair(lambda host: status.status(host, site.settings.device))
        for host, seen in zip(site.pair, found, strict=True):
            if seen is None or not seen.in_sync:
                return Pending(f"{host.name}: {seen or 'not up'}")
        return Satisfied()

    def _has_source(self, site: Site[Reader], seen: status.Status) -> bool:
        """The original alone has the data until Walrus serves; from then on either side may be the one to catch up."""
        return seen.disk == "UpToDate" or (site.memory.moved and seen.peer_disk == "UpToDate")

    def apply(self, site: Site[Host]) -> None:
        """Watch the source. A lost link is waited for, the sync goes on from where it was; standing still is not."""
        clock, stall = site.clock, site.settings.waits.stall
        whole, least, moved_at = 0, None, clock.now()
        began = attached_at = clock.now()
        while True:
            seen = status.status(site.original, site.settings.device)
            if seen is None:
                # The host was away and came back empty-handed: start over from what is there.
                raise Indeterminate(site.original.name, f"{site.settings.resource} is not up any more")
            if not self._has_source(site, seen):
                raise StepBlocked(f"{site.original.name}: the source of the sync lost its disk: {seen}")
            if seen.in_sync:
                return
            if seen.peer_disk not in _LOST_DISK:
                attached_at = clock.now()
            elif clock.now() - attached_at > _DISK_GONE_S:
                raise StepBlocked(f"{site.additional.name}: the target of the sync lost its disk: {seen}")
            whole = max(whole, seen.out_of_sync_kib)
            site.report(Progress(self.name, str(seen), 1 - seen.out_of_sync_kib / whole if whole else None))
            if least is None or seen.out_of_sync_kib < least:
                least, moved_at = seen.out_of_sync_kib, clock.now()
            elif clock.now() - moved_at > stall:
                raise TimedOut(f"the sync stands still since {stall:g} s at {seen.out_of_sync_kib} KiB to go: {seen}")
            clock.sleep(min(_HEARTBEAT_S, max(_LOOK_S, (clock.now() - began) / 100)))


class FirstSync(WaitForSync):
    """The first synchronisation is over before anything is stopped for it."""

    name = "first-sync"
    summary = "Wait until both sides are UpToDate, while Walrus goes on serving"
    until = "stop-services"
