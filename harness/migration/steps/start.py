"""Start the services on the pair, tell the cloud about the device, and see that it serves."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

from harness.errors import Indeterminate, StepBlocked, TimedOut
from harness.hosts.command import Command
from harness.hosts.host import Host, Reader
from harness.migration import copies
from harness.migration.site import Progress, Site
from harness.migration.step import Pending, Satisfied, Step, StepState
from harness.systems import files, mounts, services
from harness.systems.drbd import status
from harness.systems.eucalyptus import Registered

_SAMPLE_OBJECT_BYTES = 16 * 1024 * 1024


def require_up(site: Site[Reader]) -> None:
    """The resource is up on both hosts; a host that rebooted unseen, between two requests, has lost it.

    Raises:
        Indeterminate: so that the engine starts over from the first step, which brings it up again.
    """
    found = site.on_pair(lambda host: status.status(host, site.settings.device))
    for host, seen in zip(site.pair, found, strict=True):
        if seen is None:
            raise Indeterminate(host.name, f"{site.settings.resource} is not up any more")


class StartServices(Step):
    """eucalyptus-cloud runs on both hosts, and starts at boot as it did before."""

    name = "start-services"
    summary = "Start eucalyptus-cloud on both hosts, the original first"

    def inspect(self, site: Site[Reader]) -> StepState:
        missing = next(filter(None, site.on_pair(partial(self._not_running, site))), None)
        if missing:
            return Pending(missing)
        if site.clc_is_original and not site.cloud.answers(site.clc):
            return Pending(
                f"{site.clc.name}: the cloud controller, which starts with the original, does not answer yet"
            )
        return Satisfied()

    def _not_running(self, site: Site[Reader], host: Reader) -> str | None:
        service = site.settings.service
        if not services.processes(host, service):
            return f"{host.name}: {service} does not run"
        if services.starts_at_boot(host, service) != self._at_boot(site, host):
            return f"{host.name}: {service} is not set to start at boot as before"
        return None

    def _at_boot(self, site: Site[Reader], host: Reader) -> bool:
        before = site.memory.fact(f"service:{host.name}")
        return bool(before["boot"]) if before else True

    def apply(self, site: Site[Host]) -> None:
        require_up(site)
        service = site.settings.service
        for host in site.pair:
            services.set_starts_at_boot(host, service, self._at_boot(site, host))
            files.sync(host)
            if not services.processes(host, service):
                services.start(host, service, site.settings.waits.command)
            bound = site.settings.waits.service_start
            host.wait_until(partial(services.processes, host, service), bound, f"{service} to run")
        if site.clc_is_original:
            bound = site.settings.waits.service_start
            site.clc.wait_until(partial(site.cloud.answers, site.clc), bound, "the cloud controller to answer again")


class SetProperties(Step):
    """The cloud's database names the device and the resource; read again: set too early, nothing happens silently."""

    name = "set-properties"
    summary = "Set walrus.blockdevice and walrus.resource and read them back"

    def _wanted(self, site: Site[Reader]) -> dict[str, str]:
        return {"walrus.blockdevice": site.settings.device, "walrus.resource": site.settings.resource}

    def _unlike(self, site: Site[Reader], found: dict[str, str]) -> dict[str, str]:
        """The properties that are not as wanted, with the value wanted."""
        return {name: wanted for name, wanted in self._wanted(site).items() if found.get(name) != wanted}

    def inspect(self, site: Site[Reader]) -> StepState:
        missing = self._unlike(site, site.cloud.properties(site.clc))
        return Pending(f"not set: {', '.join(missing)}") if missing else Satisfied()

    def apply(self, site: Site[Host]) -> None:
        bound = site.settings.waits.service_start
        why = "the properties to be set; their row exists once Walrus has started with its DRBD manager"
        site.clc.wait_until(partial(self._set, site), bound, why)

    def _set(self, site: Site[Host]) -> bool:
        """Ask for what is missing once the row is there: then the device has a value, /dev/unknown at first."""
        found = site.cloud.properties(site.clc)
        if "walrus.blockdevice" in found:
            for name, wanted in self._unlike(site, found).items():
                site.cloud.set_property(site.clc, name, wanted)
        return not self._unlike(site, site.cloud.properties(site.clc))


def not_on_device(site: Site[Reader], serving: Reader) -> str | None:
    """State is not evidence of data: ENABLED may stand on a bare directory when the device was never mounted."""
    device = site.settings.device
    if not mounts.mounted_exactly(serving, device, site.settings.store):
        return f"{serving.name} is ENABLED without {device} mounted on {site.settings.store}"
    seen = status.status(serving, device)
    if seen is None or (seen.role, seen.peer_role) != ("Primary", "Secondary"):
        return f"{serving.name} is ENABLED, DRBD is {seen or 'not up'}"
    idle = site.peer(serving)
    if mounts.mounted_exactly(idle, device, site.settings.store):
        return f"{idle.name} is DISABLED and still has {device} mounted"
    return None


class ConfirmService(Step):
    """One Walrus is ENABLED and one DISABLED, the ENABLED one serves the store from the replicated device."""

    name = "confirm-service"
    summary = "Wait for one ENABLED and one DISABLED Walrus and read objects through it"

    def inspect(self, site: Site[Reader]) -> StepState:
        states = {walrus.address: walrus for walrus in site.cloud.walruses(site.clc)}
        pair = {node.name: states.get(node.address) for node in site.inventory.pair}
        if sorted(walrus.state if walrus else "absent" for walrus in pair.values()) != ["DISABLED", "ENABLED"]:
            return Pending(", ".join(f"{name} is {w.state if w else 'absent'}" for name, w in pair.items()))
        serving = next(host for host in site.pair if _state(pair[host.name]) == "ENABLED")
        if missing := not_on_device(site, serving):
            return Pending(missing)
        return self.readable(site, serving)

    def readable(self, site: Site[Reader], serving: Reader) -> StepState:
        """Objects come back through Walrus with contents that the frozen manifest knows."""
        read: dict[str, str] = {}
        for key in self._sample(site):
            url = f"http://{site.node(serving).address}:8773/services/Walrus/{key}"
            argv = tuple(word.replace("{url}", url) for word in site.settings.service_probe.command)
            answer = site.clc.ask(Command(argv, timeout_s=120.0))
            if not answer.ok:
                said = answer.stderr.decode("utf-8", "backslashreplace").strip()
                return Pending(f"{key} cannot be read through Walrus: {said}")
            read[key] = hashlib.sha256(answer.stdout).hexdigest()
        unknown = set(read.values())
        if unknown:
            unknown -= {
                entry.sha256 for entry in copies.frozen(site) if entry.kind == "file" and entry.sha256 in unknown
            }
        for key, sha256 in read.items():
            if sha256 in unknown:
                return Pending(f"{key} came back with content that no frozen object has")
        return Satisfied()

    def _sample(self, site: Site[Reader]) -> list[str]:
        probe = site.settings.service_probe
        if probe.objects:
            return [quote(key) for key in probe.objects]
        number = sum(1 for _ in self._readable_objects(site))
        every = max(1, number // probe.sample) if probe.sample else 1
        chosen = itertools.islice(self._readable_objects(site), 0, None, every)
        return [quote(path) for path in itertools.islice(chosen, probe.sample)]

    def _readable_objects(self, site: Site[Reader]) -> Iterator[bytes]:
        """Objects that a client can name and that are soon read, in the order of their paths."""
        for entry in copies.frozen(site):
            if entry.kind == "file" and entry.path.count(b"/") == 1 and 0 < entry.size <= _SAMPLE_OBJECT_BYTES:
                yield entry.path

    def apply(self, site: Site[Host]) -> None:
        seen: list[StepState] = []

        def confirmed() -> bool:
            require_up(site)
            seen.append(self.inspect(site))
            if isinstance(seen[-1], Pending):
                site.report(Progress(self.name, seen[-1].why, None))
            return isinstance(seen[-1], Satisfied)

        try:
            site.clc.wait_until(confirmed, site.settings.waits.service_start, "the pair to serve", every_s=1.0)
        except TimedOut as error:
            raise StepBlocked(f"{error}; last seen: {seen[-1] if seen else 'nothing'}") from error


def _state(walrus: Registered | None) -> str:
    return walrus.state if walrus else "absent"
