"""Configure DRBD and Walrus on both hosts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from harness.errors import StepBlocked, UnexpectedOutput
from harness.hosts.command import Command, Effect
from harness.hosts.host import Host, Reader
from harness.migration import proofs
from harness.migration.site import Progress, Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.systems import eucalyptus, files, mounts
from harness.systems.drbd import config, dialect, status

MAIN_CONFIGURATION = "/etc/drbd.conf"
FSTAB = "/etc/fstab"

_Values = tuple[object, ...]


def dialect_on(site: Site[Reader], host: Reader) -> dialect.Dialect:
    """The grammar that the host's configuration is written in, or will be.

    Raises:
        StepBlocked: when its DRBD is none that Walrus 3.2 works with.
    """
    if known := site.memory.fact(f"dialect:{host.name}"):
        return dialect.DIALECTS[known]
    version = dialect.kernel_version(host)
    found = dialect.dialect_of(version)
    if found is None:
        raise StepBlocked(f"{host.name}: DRBD {'.'.join(map(str, version))} does not work under Walrus 3.2")
    return found


@dataclass(frozen=True)
class _Change:
    """A file's content as it is, None where there is no file, and as it must be."""

    present: str | None
    wanted: str


class ConfigureDrbd(Step):
    """Module, drbd.conf, its include, fstab and CLOUD_OPTS are right on both hosts; what was there is kept beside."""

    name = "configure-drbd"
    summary = "Configure DRBD and Walrus on both hosts; every changed file is backed up"
    undo_summary = "put the configuration files back as they were, and unload the module if it was not loaded"

    def __init__(self, walrus_too: bool = True) -> None:
        """Without ``walrus_too`` CLOUD_OPTS is left to a later step: a Walrus that serves may be started again."""
        self._walrus_too = walrus_too

    def inspect(self, site: Site[Reader]) -> StepState:
        states = site.on_pair(partial(self._state_on, site))
        return next((state for state in states if not isinstance(state, Satisfied)), Satisfied())

    def _state_on(self, site: Site[Reader], host: Reader) -> StepState:
        try:
            changes = self._changes(site, host)
        except UnexpectedOutput as odd:
            return Blocked(f"{host.name}: {odd}")
        if changes:
            return Pending(f"{host.name}: {', '.join(changes)} must be changed")
        return self._state_beside_files(host)

    def _state_beside_files(self, host: Reader) -> StepState:
        if not status.module_loaded(host):
            return Pending(f"{host.name}: the drbd module is not loaded")
        return Satisfied()

    def apply(self, site: Site[Host]) -> None:
        for host in site.pair:
            self.configure(site, host)

    def configure(self, site: Site[Host], host: Host) -> None:
        """One of the pair."""
        self._begin(site, host, (), "configure")
        site.memory.remember(f"dialect:{host.name}", dialect_on(site, host).name)
        self._change(site, host, self._changes(site, host))
        self._begin(site, host, (), "load the module")
        if not status.module_loaded(host):
            site.memory.remember(f"loaded-module:{host.name}", True)
            host.run(Command(("modprobe", "drbd"), Effect.WRITE))
        host.read(Command(("drbdadm", "-c", MAIN_CONFIGURATION, "sh-nop")))

    def unlike(self, site: Site[Reader], host: Reader) -> list[str]:
        """The files of a host that are not as they must be."""
        return list(self._changes(site, host))

    def untouched(self, site: Site[Reader], host: Reader) -> list[str]:
        """The files that are, to the byte, what was made of their backups: nobody wrote into them since."""
        kept = {path: files.read(host, path + files.BACKUP_SUFFIX) for path in self._paths(site)}
        made = self._changes(site, host, kept)
        there = [path for path in kept if kept[path] is not None or site.memory.fact(f"absent:{host.name}:{path}")]
        return [path for path in there if path in made and files.read(host, path) == made[path].wanted]

    def _change(self, site: Site[Host], host: Host, changes: dict[str, _Change]) -> None:
        """Every backup is on stable storage before the first file is changed."""
        for path, change in changes.items():
            if change.present is None:
                site.memory.remember(f"absent:{host.name}:{path}", True)
        wanted = tuple(changes.items())
        begin = partial(self._begin, site, host, wanted)
        files.back_up(host, [path for path in changes if not site.memory.fact(f"absent:{host.name}:{path}")], begin)
        files.sync(host)
        for number, (path, change) in enumerate(wanted):
            self._begin(site, host, wanted[number:], f"write {path}")
            if change.present is None:
                site.memory.remember(f"wrote:{host.name}:{path}", change.wanted)
            host.put(path, change.wanted.encode("utf-8", "surrogateescape"))

    def _begin(self, site: Site[Host], host: Host, wanted: _Values, what: str, before: _Values = ()) -> None:
        """Say what begins on a host, what is still to be written there, and what comes before that."""
        site.report(Progress(self.name, f"{host.name}: {what}", None, (wanted, before)))

    def _changes(
        self, site: Site[Reader], host: Reader, found: dict[str, str | None] | None = None
    ) -> dict[str, _Change]:
        """The files that must change, each made from what is there, or was found, so that what others wrote stays."""
        present = found or {path: files.read(host, path) for path in self._paths(site)}
        wanted = self._wanted(site, host, {path: text or "" for path, text in present.items()})
        return {path: _Change(present[path], text) for path, text in wanted.items() if present[path] != text}

    def _wanted(self, site: Site[Reader], host: Reader, present: dict[str, str]) -> dict[str, str]:
        settings = site.settings
        wanted = {
            settings.drbd_conf: config.render(site.resource(), dialect_on(site, host)),
            MAIN_CONFIGURATION: config.with_include(present[MAIN_CONFIGURATION], settings.drbd_conf),
            FSTAB: mounts.fstab_with(present[FSTAB], settings.device, settings.store, settings.filesystem),
        }
        if self._walrus_too:
            wanted[eucalyptus.CONFIGURATION] = eucalyptus.with_storage_manager(present[eucalyptus.CONFIGURATION])
        return wanted

    def _paths(self, site: Site[Reader]) -> tuple[str, ...]:
        walrus = (eucalyptus.CONFIGURATION,) if self._walrus_too else ()
        return site.settings.drbd_conf, MAIN_CONFIGURATION, FSTAB, *walrus

    def undo(self, site: Site[Host], host: Host) -> None:
        self._put_back(site, host)
        if site.memory.fact(f"loaded-module:{host.name}") and status.module_loaded(host):
            host.run(Command(("rmmod", "drbd"), Effect.WRITE))

    def _put_back(self, site: Site[Host], host: Host) -> None:
        """The caller flushes."""
        kept = [path + files.BACKUP_SUFFIX for path in self._paths(site)]
        unfinished = [path + ".new" for path in kept]
        there = dict(zip(kept + unfinished, files.stats(host, kept + unfinished), strict=True))
        for path in self._paths(site):
            if site.memory.fact(f"absent:{host.name}:{path}"):
                self.remove(site, host, path, site.memory.fact(f"wrote:{host.name}:{path}"))
            elif there[path + files.BACKUP_SUFFIX]:
                files.restore_backup(host, path)
        for path in unfinished:
            if there[path]:
                self.remove(site, host, path, None)

    def remove(self, site: Site[Host], host: Host, path: str, wrote: str | None) -> None:
        """Remove a file that was not there before this run, if it is there now, durably."""
        if files.stat(host, path) is not None:
            proofs.destroy(site, host, files.Written(path, wrote), files.remove_command(path))
            files.sync(host)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        paths = self._paths(site)
        found = files.stats(host, [path + files.BACKUP_SUFFIX for path in paths])
        left = [path for path, backup in zip(paths, found, strict=True) if backup]
        return f"backups not put back: {', '.join(left)}" if left else None


class ConfigureWalrus(ConfigureDrbd):
    """CLOUD_OPTS names the storage manager for DRBD on both hosts.

    An online move writes it only when both are stopped: a host that lost power before would otherwise come back with a
    Walrus that looks for a device which nobody has given it, and serves nothing.
    """

    name = "configure-walrus"
    summary = "Tell Walrus on both hosts to keep its store on DRBD; the file is backed up"
    undo_summary = "put the file back as it was"

    def _state_beside_files(self, host: Reader) -> StepState:
        return Satisfied()

    def configure(self, site: Site[Host], host: Host) -> None:
        self._change(site, host, self._changes(site, host))

    def _wanted(self, site: Site[Reader], host: Reader, present: dict[str, str]) -> dict[str, str]:
        return {eucalyptus.CONFIGURATION: eucalyptus.with_storage_manager(present[eucalyptus.CONFIGURATION])}

    def _paths(self, site: Site[Reader]) -> tuple[str, ...]:
        return (eucalyptus.CONFIGURATION,)

    def undo(self, site: Site[Host], host: Host) -> None:
        self._put_back(site, host)
