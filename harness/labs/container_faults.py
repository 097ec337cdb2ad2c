"""Breaking a containers lab: power, freezing, the replication link, syncs, disks and data, each with its proof."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from harness.clock import WallClock
from harness.errors import FaultNotProven
from harness.evidence import Receipt
from harness.labs.container_host import LabHost
from harness.labs.container_look import run_script
from harness.labs.container_rack import Rack
from harness.labs.lab import ADDITIONAL, ORIGINAL, ROLES, Deed, Survives, written_places
from harness.labs.look import CLIENT, DELETE, FLIP, TRUNCATE, WRITE
from harness.labs.orders import judged, typed
from harness.labs.premises import BACKING_DEVICE, SERVICE, place_path
from harness.labs.sessions import COMMAND_BEGINS_WITHIN_S, RESET, receipt
from harness.labs.whole_disks import WholeDisks, require_no_choice

_LEFT_KIB = 64
_FILLER = ".filler"
_SETTLE_S = 20.0
_NO_POWER: dict[str, Any] = {
    "powered": False,
    "frozen": False,
    "modules": [],
    "mounts": [],
    "listening": [],
    "sides": None,
    "services": {SERVICE: {"running": False, "pid": 0}},
}

_FILL = """
set -eu
# A copy that is under way takes room between looking and filling: then look again, or there is none left at all.
for try in 1 2 3 4 5; do
    free=$(df -P -k -- "$1" | awk 'NR == 2 {print $4}')
    [ "$free" -gt "$2" ] || break
    fallocate -l "$((free - $2))K" -- "$1/$3" && break
    rm -f -- "$1/$3"
done
df -P -k -- "$1" | awk 'NR == 2 {print $4}'
"""


class ContainerFaults(WholeDisks):
    """Implements harness.labs.lab.Faults. What DRBD would notice is told to the fakes, for they are the DRBD."""

    def __init__(self, rack: Rack) -> None:
        self._rack = rack
        self._clock = WallClock()
        self._filled: set[tuple[str, str]] = set()

    def _host(self, role: str) -> LabHost:
        return self._rack.hosts[role]

    def _receipt(self, fault: str, proven: bool, detail: str) -> Receipt:
        return Receipt(self._clock.now(), fault, proven, detail)

    # Power

    def power_off(self, role: str, survives: Survives = "flushed") -> Receipt:
        """Every process dies at once and the files stay; what had reached the peer's disk has reached it."""
        require_no_choice(role, survives)
        host = self._host(role)
        with host.power:
            if host.status() == "paused":
                host.become("unpause")
            if host.status() == "running":
                self._rack.replicate()
                host.become("kill")
            self._wait_for(host, "exited")
            self._tell(role, _NO_POWER, "power", "off")
            return self._receipt("power_off", host.status() == "exited", f"{host.plan.name} is {host.status()}")

    def power_on(self, role: str) -> Receipt:
        host = self._host(role)
        with host.power:
            if host.status() != "running":
                host.become("start")
            host.wait_for_ssh()
            return self._receipt("power_on", host.status() == "running", f"{host.plan.name} answers at {host.ssh[0]}")

    def freeze(self, role: str) -> Receipt:
        """Stop every process of the host, none of them while it holds the world, which its peers need."""
        host = self._host(role)
        with host.power:
            if host.status() == "running":
                self._rack.replicate()
                with self._rack.world_held(avoiding=role):
                    host.become("pause")
                self._tell(role, {"frozen": True}, "frozen", "on")
            return self._receipt("freeze", host.status() == "paused", f"{host.plan.name} is {host.status()}")

    def thaw(self, role: str) -> Receipt:
        host = self._host(role)
        with host.power:
            if host.status() == "paused":
                self._tell(role, {"frozen": False}, "frozen", "off")
                host.become("unpause")
            return self._receipt("thaw", host.status() == "running", f"{host.plan.name} is {host.status()}")

    def _wait_for(self, host: LabHost, status: str) -> None:
        deadline = time.monotonic() + _SETTLE_S
        while host.status() != status:
            if time.monotonic() > deadline:
                raise FaultNotProven(f"{host.plan.name} is {host.status()}, not {status}, after {_SETTLE_S:g} s")
            time.sleep(0.02)

    def _tell(self, role: str, row: dict[str, Any], kind: str, detail: str) -> None:
        """Let the fakes know what happened to a host, through another one."""
        name, through = self._host(role).plan.name, self._rack.observer(avoiding=role)
        if row is _NO_POWER and SERVICE not in self._rack.world()["hosts"][name]["services"]:
            row = {key: value for key, value in row.items() if key != "services"}
        self._rack.patch_world({"hosts": {name: row}})
        self._rack.fakes(through, "world", "record", name, kind, detail)

    # The replication link

    @property
    def _pair(self) -> list[str]:
        return sorted(self._host(role).plan.name for role in (ORIGINAL, ADDITIONAL))

    def cut_link(self, sender: str | None = None) -> Receipt:
        if sender:
            raise FaultNotProven("Docker takes a host off a network in both directions or not at all")
        if not self._is_cut():
            self._rack.replicate()
            self._rack.replication.network.disconnect(self._host(ADDITIONAL).container)
            self._rack.patch_world({"cut_links": [self._pair]})
            self._record_link("cut")
        return self._receipt("cut_link", self._is_cut() and self._probe() != 0, " - ".join(self._pair))

    def heal_link(self) -> Receipt:
        if self._is_cut():
            additional = self._host(ADDITIONAL)
            address = additional.replication_address
            self._rack.replication.network.connect(additional.container, ipv4_address=address)
            self._rack.patch_world({"cut_links": []})
            self._record_link("healed")
        both = all(self._host(role).status() == "running" for role in (ORIGINAL, ADDITIONAL))
        proven = not self._is_cut() and (not both or self._probe() == 0)
        return self._receipt("heal_link", proven, " - ".join(self._pair))

    def _is_cut(self) -> bool:
        container = self._host(ADDITIONAL).container
        container.reload()
        return self._rack.replication.name not in container.attrs["NetworkSettings"]["Networks"]

    def _record_link(self, what: str) -> None:
        one, other = self._host(ORIGINAL).plan.name, self._host(ADDITIONAL).plan.name
        self._rack.fakes(self._rack.observer(), "world", "record", one, "link", f"{what} {other}")

    def _probe(self) -> int:
        """Does the additional's sshd answer the original on the replication network? 0 when it does."""
        original, address = self._host(ORIGINAL), self._host(ADDITIONAL).replication_address
        if original.status() != "running":
            return 1
        connect = ("timeout", "1", "bash", "-c", 'exec 3<>"/dev/tcp/$0/22"', str(address))
        return original.execute(*connect, ok=range(256)).exit_status

    # Syncs

    def stall_sync(self) -> Receipt:
        stalled = self._set_stalled(True)
        return self._receipt("stall_sync", bool(stalled), f"stalled: {', '.join(stalled)}")

    def resume_sync(self) -> Receipt:
        stalled = self._set_stalled(False)
        return self._receipt("resume_sync", not stalled, f"stalled: {', '.join(stalled) or 'none'}")

    def _set_stalled(self, wanted: bool) -> list[str]:
        """Stall or free every resource that there is; returns the names of those that are stalled then."""
        resources = self._rack.world()["resources"]
        if any(resource["sync_stalled"] != wanted for resource in resources.values()):
            self._rack.patch_world({"resources": {name: {"sync_stalled": wanted} for name in resources}})
            resources = self._rack.world()["resources"]
        return [name for name, resource in resources.items() if resource["sync_stalled"]]

    # Disks

    def fill_disk(self, role: str, path: str) -> Receipt:
        """Only where the lab gave the place a bounded file system of its own: never the disk of this machine."""
        host, where = self._bounded(role, path)
        said = host.execute("sh", "-c", _FILL, "fill", where, str(_LEFT_KIB), _FILLER).text
        self._filled.add((role, path))
        left_kib = int(said)
        return self._receipt(
            "fill_disk", left_kib <= 2 * _LEFT_KIB, f"{host.plan.name}:{where} has {left_kib} KiB left"
        )

    def free_disk(self, role: str, path: str) -> Receipt:
        host, where = self._bounded(role, path)
        host.execute("rm", "-f", "--", f"{where}/{_FILLER}")
        self._filled.discard((role, path))
        return self._receipt("free_disk", True, f"{host.plan.name}:{where}")

    def _bounded(self, role: str, path: str) -> tuple[LabHost, str]:
        if (role, path) != (ORIGINAL, "staging") or self._rack.start.staging_bytes is None:
            raise FaultNotProven(
                f"{path} on {role} has no file system of its own here: only staging on the original can be filled, "
                "when the scenario's start says staging_bytes"
            )
        return self._host(role), self._rack.settings.staging

    def break_disk(self, role: str) -> Receipt:
        raise self._no_disk(role)

    def slow_disk(self, role: str, delay_ms: int) -> Receipt:
        raise self._no_disk(role)

    def mend_disk(self, role: str) -> Receipt:
        raise self._no_disk(role)

    def _no_disk(self, role: str) -> FaultNotProven:
        return FaultNotProven(f"the disk under DRBD of {self._host(role).plan.name} is a model: it cannot fail")

    # Sessions

    def reset_ssh(self, role: str) -> Receipt:
        found = run_script(self._host(role), RESET, str(COMMAND_BEGINS_WITHIN_S))
        return receipt(self._clock.now(), self._host(role).plan.name, found)

    # Data

    def corrupt(self, role: str, place: str) -> Receipt:
        found = run_script(self._host(role), FLIP, *self._roots(place))
        return self._receipt("corrupt", found["proven"], f"{self._host(role).plan.name}:{found['victim']}")

    def truncate(self, role: str, place: str) -> Receipt:
        found = run_script(self._host(role), TRUNCATE, *self._roots(place))
        return self._receipt("truncate", found["proven"], f"{self._host(role).plan.name}:{found['victim']}")

    def write_object(self, role: str, served: bool = False) -> Receipt:
        roots = [root for place in written_places(served) for root in self._roots(place)]
        found = run_script(self._host(role), WRITE, *roots)
        return self._receipt("write_object", found["proven"], f"{self._host(role).plan.name}:{found['victim']}")

    def delete_object(self, role: str, served: bool = False) -> Receipt:
        roots = [root for place in written_places(served) for root in self._roots(place)]
        found = run_script(self._host(role), DELETE, *roots)
        return self._receipt("delete_object", found["proven"], f"{self._host(role).plan.name}:{found['victim']}")

    def client(self, role: str, deed: Deed, number: int) -> Receipt:
        found = run_script(self._host(role), CLIENT, place_path(self._rack.settings, "store"), deed, str(number))
        return self._receipt("client", found["proven"], f"{self._host(role).plan.name}: {deed} {found['victim']}")

    def _roots(self, place: str) -> tuple[str, ...]:
        """Where to look for a victim: the first of these that there is."""
        path = place_path(self._rack.settings, place)
        return (f"image of {BACKING_DEVICE}",) if place == "device" else (path,)

    # Fakes

    def outsider(self, role: str, argv: tuple[str, ...], status: int) -> Receipt:
        argv = typed(argv, BACKING_DEVICE)
        host = self._host(role)
        answer = host.execute(*argv, ok=range(256))
        said = answer.stderr or answer.stdout
        return self._receipt("outsider", *judged(host.plan.name, argv, answer.exit_status, status, said))

    def unmodelled_call(self, role: str) -> Receipt:
        host = self._host(role)
        before = len(self._rack.world()["unsupported"])
        answer = host.execute("lsblk", "--nobody-models-this", ok=range(256))
        noted = self._rack.world()["unsupported"][before:]
        if not noted:
            raise FaultNotProven(f"{host.plan.name}: the fake answered status {answer.exit_status} instead of refusing")
        return self._receipt("unmodelled_call", True, noted[-1])

    def heal(self) -> None:
        """End every fault."""
        endings: tuple[Callable[[str], Receipt], ...] = (self.thaw, self.power_on)
        for ending in endings:
            for role in ROLES:
                ending(role)
        self.heal_link()
        self.resume_sync()
        for role, path in sorted(self._filled):
            self.free_disk(role, path)
