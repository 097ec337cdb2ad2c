"""The configuration on the way back: as it was before the move, without what others wrote since being lost."""

from __future__ import annotations

from harness.errors import UnexpectedOutput
from harness.hosts.command import Command, Effect
from harness.hosts.host import Host, Reader
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.migration.steps.configure import FSTAB, MAIN_CONFIGURATION, ConfigureDrbd
from harness.systems import eucalyptus, files, mounts
from harness.systems.drbd import config, status


class Unconfigure(Step):
    """Nothing of the pair is left in the hosts' configuration.

    A file into which nobody wrote since the move comes back from its backup, to the byte; from any other only what the
    move had put in is taken out.
    """

    name = "unconfigure"
    summary = "Put the configuration of both hosts back as it was before the move"
    undo_summary = "configure DRBD and Walrus again"

    def inspect(self, site: Site[Reader]) -> StepState:
        for host in site.pair:
            try:
                left = [path for path in self._paths(site) if self._is_ours(site, host, path)]
            except UnexpectedOutput as odd:
                return Blocked(f"{host.name}: {odd}")
            if left:
                return Pending(f"{host.name}: {', '.join(left)} must be put back")
            if self._loaded_for_us(site, host):
                return Pending(f"{host.name}: the drbd module is still loaded")
        return Satisfied()

    def _paths(self, site: Site[Reader]) -> tuple[str, ...]:
        # The resource's own file goes last: as long as the others name it, it must be there.
        return MAIN_CONFIGURATION, FSTAB, eucalyptus.CONFIGURATION, site.settings.drbd_conf

    def _is_ours(self, site: Site[Reader], host: Reader, path: str) -> bool:
        """Something of the move is still in the file, or its backup lies beside it."""
        if files.stat(host, path + files.BACKUP_SUFFIX) is not None:
            return True
        present = files.read(host, path)
        absent_before = bool(site.memory.fact(f"absent:{host.name}:{path}"))
        return present is not None and (absent_before or self._without(site, path, present) != present)

    def _without(self, site: Site[Reader], path: str, text: str) -> str:
        """The file without what the move put in."""
        settings = site.settings
        if path == FSTAB:
            return mounts.fstab_without(text, settings.device, settings.store)
        if path == MAIN_CONFIGURATION:
            return config.without_include(text, settings.drbd_conf)
        return eucalyptus.without_storage_manager(text) if path == eucalyptus.CONFIGURATION else text

    def _loaded_for_us(self, site: Site[Reader], host: Reader) -> bool:
        return bool(site.memory.fact(f"loaded-module:{host.name}")) and status.module_loaded(host)

    def apply(self, site: Site[Host]) -> None:
        for host in site.pair:
            untouched = ConfigureDrbd().untouched(site, host)
            for path in self._paths(site):
                if self._is_ours(site, host, path):
                    self._put_back(site, host, path, path in untouched)
            if self._loaded_for_us(site, host):
                host.run(Command(("rmmod", "drbd"), Effect.WRITE))

    def _put_back(self, site: Site[Host], host: Host, path: str, untouched: bool) -> None:
        absent_before = bool(site.memory.fact(f"absent:{host.name}:{path}"))
        if not untouched and path != site.settings.drbd_conf:
            present = files.read(host, path) or ""
            host.put(path, self._without(site, path, present).encode("utf-8", "surrogateescape"))
            ConfigureDrbd().remove(site, host, path + files.BACKUP_SUFFIX, None)
        elif absent_before:
            ConfigureDrbd().remove(site, host, path, site.memory.fact(f"wrote:{host.name}:{path}"))
        elif files.stat(host, path + files.BACKUP_SUFFIX) is not None:
            files.restore_backup(host, path)
            files.sync(host)

    def undo(self, site: Site[Host], host: Host) -> None:
        ConfigureDrbd().configure(site, host)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        unlike = ConfigureDrbd().unlike(site, host)
        return f"not configured again: {', '.join(unlike)}" if unlike else None
