"""Whether the pair can be taken back to the original alone, looked at before anything is stopped."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import StepBlocked
from harness.hosts.host import Reader
from harness.migration.preflight.finding import Finding, error
from harness.migration.site import Site
from harness.systems import comparing, copying, eucalyptus, files, mounts, store
from harness.systems.drbd import status

_SPARE = 0.05
_A_DIRECTORY_BYTES = 4096


def a_disk_to_go_back_to(site: Site[Reader]) -> Iterator[Finding]:
    """The store's own disk is the pair's now: made whole elsewhere, it would lie where nobody planned for it."""
    if site.settings.reuse_device:
        what = f"the store came from {site.disk(site.original)} itself, which is one side of the pair now"
        mend = "Stay with the pair; what it serves can be copied to another disk by hand, with the services stopped."
        yield error("device-was-reused", site.original.name, what, mend)


def both_sides_equal(site: Site[Reader]) -> Iterator[Finding]:
    """Sides that do not talk may each have writes that the other lacks: which one is read would be a guess."""
    for host in site.pair:
        seen = status.status(host, site.settings.device)
        if seen is None:
            what = f"{site.settings.resource} is not up"
            mend = f"Bring it up (drbdadm up {site.settings.resource}) and wait until both sides are UpToDate."
            yield error("pair-not-up", host.name, what, mend)
        elif not seen.in_sync:
            what = f"the pair is {seen}, so nobody knows that this side has the newest writes"
            yield error("pair-not-in-sync", host.name, what, "Mend the link, wait until both sides are UpToDate.")


def nothing_in_the_way(site: Site[Reader]) -> Iterator[Finding]:
    host, place = site.original, site.returning_store
    if files.stat(host, place) is not None:
        what = f"{place} exists, where the store is to be made whole"
        yield error("returning-store-in-the-way", host.name, what, "Find out what it is and move it away.")
    for one in site.hosts:
        holder = one.holder()
        if holder.run_id not in ("-", site.memory.run_id):
            what = f"run {holder.run_id} has not finished on this host"
            yield error("held-by-another-run", one.name, what, "Finish or roll back that run first.")
    for one in site.pair:
        eucalyptus.without_storage_manager(files.read(one, eucalyptus.CONFIGURATION) or "")


def room_for_the_difference(site: Site[Reader]) -> Iterator[Finding]:
    """What was written since the move has to fit beside the old store; what did not change is linked to it."""
    serving = _serving(site)
    if serving is None:
        return  # nothing is mounted: the copy itself finds out, and is taken back when there is no room
    host, settings = site.original, site.settings
    listed = store.listing(serving, settings.store)
    linkable = files.stat(host, site.old_store) is not None and copying.has_rsync(host)
    kept = store.listing(host, site.old_store) if linkable else store.manifest(())
    new = store.manifest(comparing.changed_since(kept, listed))
    directories = sum(entry.kind == "directory" for entry in listed)
    needed = int((store.total_bytes(new) + directories * _A_DIRECTORY_BYTES) * (1 + _SPARE))
    room = files.room(host, settings.store.rpartition("/")[0] or "/")
    if room.free_bytes < needed:
        what = f"{room.mounted_on} has {room.free_bytes} bytes free, what was written since the move needs {needed}"
        yield error("no-room-for-the-difference", host.name, what, "Make room there, or stay with the pair.")
    if room.free_inodes is not None and room.free_inodes < len(new) + directories:
        what = f"{room.mounted_on} has {room.free_inodes} inodes free, {len(new) + directories} are needed"
        yield error("no-room-for-the-difference", host.name, what, "Make room there, or stay with the pair.")


def _serving(site: Site[Reader]) -> Reader | None:
    """The host that has the pair's data mounted."""
    for host in site.pair:
        try:
            if mounts.mounted_exactly(host, site.settings.device, site.settings.store):
                return host
        except StepBlocked:
            continue
    return None


PARTS = (a_disk_to_go_back_to, both_sides_equal, nothing_in_the_way, room_for_the_difference)
