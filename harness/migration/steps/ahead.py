"""While Walrus still serves: mount the device beside the store, copy ahead, and keep the difference small."""

from __future__ import annotations

from harness.errors import StepBlocked, Stopped
from harness.hosts.host import Host, Reader
from harness.migration import ahead, cutover, jobs, proofs
from harness.migration.site import Progress, Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.migration.steps.mounting import holds_our_filesystem
from harness.systems import files, mounts


class MountAside(Step):
    """The replicated device is mounted beside the store, on a directory of the move's own and never over anything."""

    name = "mount-aside"
    summary = "Mount the replicated device beside the store, which stays where it is and is served on"
    until = "mount-device"
    undo_summary = "unmount the device and remove the directory that it was mounted on"

    def inspect(self, site: Site[Reader]) -> StepState:
        host, device, aside = site.original, site.settings.device, site.ahead
        try:
            if not is_in_place(site) and not is_mounted_aside(site):
                return Pending(f"{device} is not mounted on {aside}")
        except StepBlocked as found:
            return Blocked(str(found))
        if not holds_our_filesystem(site, host):
            return Blocked(f"{host.name}: {device} holds another file system")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        host, aside = site.original, site.ahead
        if files.stat(host, aside) is None:
            files.make_directory(host, aside, 0o700)
        command = mounts.mount_command(site.settings.device, aside, site.settings.filesystem)
        proofs.destroy(site, host, mounts.NothingHidden(aside), command)

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        if is_mounted_aside(site):
            mounts.unmount(host, site.ahead)
        if files.stat(host, site.ahead) is not None:
            files.remove_empty_directory(host, site.ahead)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        return f"{site.ahead} is still there" if files.stat(host, site.ahead) is not None else None


def is_in_place(site: Site[Reader]) -> bool:
    """The device is where the store was already, although the step that put it there was not seen to end."""
    if not site.memory.intended("mount-device"):
        return False
    seen = [(mount.device, mount.at) for mount in mounts.mounts(site.original)]
    return (site.settings.device, site.settings.store) in seen


def is_mounted_aside(site: Site[Reader]) -> bool:
    """The device is mounted beside the store, once and nowhere else.

    Raises:
        StepBlocked: it is mounted elsewhere, or something else is mounted there.
    """
    return mounts.mounted_exactly(site.original, site.settings.device, site.ahead)


class CopyAhead(Step):
    """Everything that the store held when the copy began was copied to this file system, and both were read."""

    name = "copy-ahead"
    summary = "Copy the store to the device and read both, while Walrus goes on serving"
    until = "stop-services"
    undo_summary = "end the copy; what it wrote goes with the file system"

    def inspect(self, site: Site[Reader]) -> StepState:
        if site.memory.fact("copied-ahead") != site.memory.fact("filesystem"):
            return Pending("the first copy is not finished")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        ahead.copy(site, self.name, site.settings.store, site.ahead, live=True)
        ahead.read_both(site, self.name)
        site.memory.remember("copied-ahead", site.memory.fact("filesystem"))

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        jobs.end_jobs(site, host, self.name)


_HOLD_S, _LOOK_S = 300.0, 1.0  # a held difference is copied again that often; an order is looked for more often
_NEXT = (
    "`walrus-ha cutover RUN` stops Walrus and opens the window; until the commit, the point of no return, a failure or "
    "`walrus-ha abort RUN` brings the old store back"
)


class CatchUp(Step):
    """What the device lacks of the served store is little enough to be copied in the window."""

    name = "catch-up"
    summary = "Copy what changes until what is left fits into the window"
    until = "stop-services"
    undo_summary = "end the copy; what it wrote goes with the file system"

    def inspect(self, site: Site[Reader]) -> StepState:
        left = ahead.difference(site)
        # Twice as much as was worked for: clients go on writing while this is looked at.
        if left.seconds > 2 * site.settings.cutover_within_s:
            return Pending(f"the device lacks {left}")
        if waits := cutover.held(site) or cutover.over(site):
            return Pending(waits)
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        """Catch up, and hold there for as long as the cut-over has to wait, catching up again and again.

        Raises:
            Stopped: the store changes too fast, nobody said go, or the window is over; everything stays as it is, and
                Walrus serves on.
        """
        began = site.clock.now()
        self._catch_up(site)
        while cutover.held(site):
            self._hold(site, began)
            self._catch_up(site)
        if late := cutover.over(site):
            raise Stopped(f"{site.original.name}: {late}. {cutover.MEND}")
        if cutover.told(site):
            site.memory.remember("cutover", True)  # an order that was obeyed once counts, whatever becomes of the file

    def _hold(self, site: Site[Host], began: float) -> None:
        """Tell the operator what comes next, and wait for it, for as long as the difference may rest.

        Raises:
            Stopped: nobody ordered a postponed cut-over for as long as the inventory allows.
        """
        until = site.clock.now() + _HOLD_S
        while site.clock.now() < until and (waits := cutover.held(site)):
            site.report(Progress(self.name, f"ready; {waits}. {_NEXT}", self._share(site, began)))
            site.clock.sleep(_LOOK_S)

    def _share(self, site: Site[Host], began: float) -> float:
        """How much of the longest time that it may be held is over."""
        held_s, window = site.clock.now() - began, cutover.named(site)
        if window is not None:
            return held_s / (held_s + max(0.0, window.opens - site.clock.dated_s()) + _LOOK_S)
        most_s = site.settings.hold_at_most_s
        if held_s > most_s:
            raise Stopped(f"{site.original.name}: nobody ordered the cut-over within {most_s:g} s")
        return held_s / most_s

    def _catch_up(self, site: Site[Host]) -> None:
        """Bounded: a store that changes faster than it is copied is not stopped for an unknown time.

        Raises:
            Stopped: it does.
        """
        jobs.end_jobs(site, site.original, self.name)
        most, rounds = site.settings.cutover_within_s, site.settings.catch_up_rounds
        for number in range(1, rounds + 1):
            ahead.copy_round(site, self.name)
            left = ahead.difference(site)
            site.report(Progress(self.name, f"round {number}: the device lacks {left}", None))
            if left.seconds <= most:
                return
        raise Stopped(
            f"{site.original.name}: the store changes faster than it is copied: after {rounds} rounds the device still "
            f"lacks {left}, and the window allows {most:g} s for it. Walrus was not stopped and serves the store; the "
            "copy on the device stays. Go on at a quieter time, raise `cutover_within_s`, or lower what slows the copy"
        )

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.original,)

    def undo(self, site: Site[Host], host: Host) -> None:
        jobs.end_jobs(site, host, self.name)
