"""Register the additional Walrus."""

from __future__ import annotations

from harness.errors import StepBlocked
from harness.hosts.command import Command
from harness.hosts.host import Host, Reader
from harness.migration.site import Site
from harness.migration.step import Blocked, Pending, Satisfied, Step, StepState
from harness.systems import eucalyptus, services


class RegisterAdditional(Step):
    """The cloud controller knows the additional Walrus, and the additional Walrus has the cloud's keys."""

    name = "register-additional"
    summary = "Register the additional Walrus on the cloud controller"
    undo_summary = "deregister the additional Walrus"

    def inspect(self, site: Site[Reader]) -> StepState:
        address = site.inventory.additional.address
        if site.clc_is_original and not services.processes(site.original, site.settings.service):
            return self._of_a_stopped_cloud(site)
        walruses = site.cloud.walruses(site.clc)
        found = [walrus for walrus in walruses if walrus.address == address]
        if not found:
            taken = [walrus for walrus in walruses if walrus.name == site.settings.component]
            if taken:
                return Blocked(f"{site.clc.name}: the name {taken[0].name} is registered for {taken[0].address}")
            return Pending(f"{address} is not registered")
        if found[0].partition != site.settings.partition:
            return Blocked(f"{site.clc.name}: {address} is registered in partition {found[0].partition}")
        if not _same_keys(site):
            return Blocked(f"{site.additional.name} is registered but does not have the cloud's keys: key sync failed")
        return Satisfied()

    def _of_a_stopped_cloud(self, site: Site[Reader]) -> StepState:
        """The registration stands in the database of a cloud controller that is stopped together with the original."""
        if site.memory.done(self.name):
            return Satisfied()
        return Blocked(f"{site.clc.name}: the cloud controller does not run, which the additional is registered with")

    def apply(self, site: Site[Host]) -> None:
        settings = site.settings
        address = site.inventory.additional.address
        said = site.cloud.register(site.clc, settings.partition, address, settings.component)
        if eucalyptus.key_sync_failed(said):
            words = said.stderr.decode("utf-8", "backslashreplace").strip()
            raise StepBlocked(f"{site.clc.name}: registered, but without keys: {words}")

    def undo_hosts(self, site: Site[Host]) -> tuple[Host, ...]:
        return (site.clc,)

    def undo(self, site: Site[Host], host: Host) -> None:
        for walrus in site.cloud.walruses(host):
            if walrus.address == site.inventory.additional.address:
                site.cloud.deregister(host, walrus.partition, walrus.address, walrus.name)

    def still_there(self, site: Site[Reader], host: Reader) -> str | None:
        address = site.inventory.additional.address
        registered = any(walrus.address == address for walrus in site.cloud.walruses(host))
        return f"{address} is still registered" if registered else None


def _same_keys(site: Site[Reader]) -> bool:
    """The copied key file is the cloud's; euca_conf's exit status does not tell: a failed key sync exits 0."""
    answers = [
        host.ask(Command(("sha256sum", "-b", "--", eucalyptus.CLOUD_KEY))) for host in (site.clc, site.additional)
    ]
    return all(answer.ok for answer in answers) and answers[0].stdout == answers[1].stdout
