"""Breaking a machines lab, each fault with its proof: power, the replication cable, resyncs, disks, sessions, data."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from harness.clock import WallClock
from harness.errors import FaultNotProven
from harness.evidence import Event, Receipt
from harness.labs.lab import ADDITIONAL, ORIGINAL, ROLES, Deed, Survives, written_places
from harness.labs.look import CLIENT, DELETE, FLIP, TRUNCATE, WRITE
from harness.labs.machine_disks import DiskFaults
from harness.labs.machine_furnish import BACKING_DEVICE, PAIR
from harness.labs.machine_host import SSH_PORT, MachineHost, run_script
from harness.labs.machine_rack import MachineRack
from harness.labs.machine_resync import ResyncFaults
from harness.labs.machine_scripts import FILL, LOCATE
from harness.labs.orders import judged, typed
from harness.labs.premises import place_path
from harness.labs.sessions import COMMAND_BEGINS_WITHIN_S, RESET, receipt
from harness.labs.whole_disks import WholeDisks, require_no_choice

_LEFT_BYTES = 64 * 1024
_FILLER = ".filler"
_ELSEWHERE = "/var/tmp/.filler"  # on the root disk, where nobody looks for changes
_SCRIPT_GRACE_S = 30.0
_PROBE = """
import socket
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1.0).close()
    answer(True)
except OSError:
    answer(False)
"""


class MachineFaults(WholeDisks):
    """Implements harness.labs.lab.Faults."""

    def __init__(self, rack: MachineRack) -> None:
        self._rack = rack
        self._clock = WallClock()
        self._filled: dict[tuple[str, str], str] = {}
        self._resync = ResyncFaults(rack)
        self._disks = DiskFaults(rack)

    def _host(self, role: str) -> MachineHost:
        return self._rack.hosts[role]

    def _receipt(self, fault: str, proven: bool, detail: str) -> Receipt:
        return Receipt(self._clock.now(), fault, proven, detail)

    def _note(self, role: str, kind: str, detail: str) -> None:
        self._rack.happened.append(Event(self._clock.now(), self._host(role).plan.name, kind, detail))

    # Power

    def power_off(self, role: str, survives: Survives = "flushed") -> Receipt:
        """The kernel's process dies, and with it all that it had not written to its disks."""
        require_no_choice(role, survives)
        host = self._host(role)
        with host.power:
            if host.status() != "off":
                self._note(role, "power", "off")
                host.cut_power()
            return self._receipt("power_off", host.status() == "off", f"{host.plan.name} is {host.status()}")

    def power_on(self, role: str) -> Receipt:
        """That it has power again is told by its own kernel."""
        host = self._host(role)
        with host.power:
            if host.status() == "off":
                host.start()
            host.wait_for_door()
            host.wait_for_ssh()
            return self._receipt("power_on", host.status() == "running", f"{host.plan.name} answers at {host.ssh[0]}")

    def freeze(self, role: str) -> Receipt:
        host = self._host(role)
        with host.power:
            if host.status() == "running":
                host.kernel.freeze()
                self._note(role, "frozen", "on")
            return self._receipt("freeze", host.status() == "frozen", f"{host.plan.name} is {host.status()}")

    def thaw(self, role: str) -> Receipt:
        host = self._host(role)
        with host.power:
            if host.status() == "frozen":
                self._note(role, "frozen", "off")
                host.kernel.thaw()
            return self._receipt("thaw", host.status() == "running", f"{host.plan.name} is {host.status()}")

    # The replication cable

    @property
    def _pair(self) -> str:
        return " - ".join(self._host(role).plan.name for role in PAIR)

    def cut_link(self, sender: str | None = None) -> Receipt:
        network = self._rack.network
        if not network.replication_is_cut():
            network.cut_replication(*([sender] if sender else []))
            self._note(ORIGINAL, "link", f"cut {self._host(ADDITIONAL).plan.name}")
        lost = f"what {self._host(sender).plan.name} sends" if sender else "both directions"
        return self._receipt("cut_link", network.replication_is_cut() and not self._probe(), f"{self._pair}: {lost}")

    def heal_link(self) -> Receipt:
        network = self._rack.network
        if network.replication_is_cut():
            network.heal_replication()
            self._note(ORIGINAL, "link", f"healed {self._host(ADDITIONAL).plan.name}")
        both = all(self._host(role).status() == "running" for role in PAIR)
        proven = not network.replication_is_cut() and (not both or self._probe())
        return self._receipt("heal_link", proven, self._pair)

    def _probe(self) -> bool:
        """Does the additional's sshd answer the original on the replication network?"""
        original, additional = self._host(ORIGINAL), self._host(ADDITIONAL)
        if original.status() != "running" or additional.status() != "running":
            return False
        address = str(additional.replication_address)
        return bool(run_script(original, _PROBE, address, str(SSH_PORT)))

    # Resyncs

    def stall_sync(self) -> Receipt:
        return self._receipt("stall_sync", *self._resync.stall())

    def resume_sync(self) -> Receipt:
        return self._receipt("resume_sync", *self._resync.resume())

    # Disks

    def fill_disk(self, role: str, path: str) -> Receipt:
        host = self._host(role)
        where, filler = self._fillable(role, path)
        left = int(run_script(host, FILL, where, str(_LEFT_BYTES), filler))
        self._filled[role, path] = filler
        return self._receipt("fill_disk", left <= 4 * _LEFT_BYTES, f"{host.plan.name}:{where} has {left} bytes left")

    def free_disk(self, role: str, path: str) -> Receipt:
        host, (where, filler) = self._host(role), self._fillable(role, path)
        host.execute("rm", "-f", "--", self._filled.pop((role, path), filler))
        return self._receipt("free_disk", True, f"{host.plan.name}:{where}")

    def _fillable(self, role: str, path: str) -> tuple[str, str]:
        """A directory on the file system that holds the place, and where there a filler is nobody's object."""
        staging = self._rack.settings.staging
        if path == "staging" and self._host(role).plan.staging_bytes is not None:
            return staging, f"{staging}/{_FILLER}"
        if path == "device":
            raise FaultNotProven(f"nothing can be put onto the device of {role} that would not count as its content")
        return "/var/tmp", _ELSEWHERE  # the root disk holds all the other places

    def break_disk(self, role: str) -> Receipt:
        return self._receipt("disk_errors", *self._disks.breaks(role))

    def slow_disk(self, role: str, delay_ms: int) -> Receipt:
        return self._receipt("slow_disk", *self._disks.slows(role, delay_ms))

    def mend_disk(self, role: str) -> Receipt:
        """The disk answers again, and as fast as it can. DRBD has let go of a broken one: somebody must attach it."""
        return self._receipt("mend_disk", *self._disks.mends(role))

    # Sessions

    def reset_ssh(self, role: str) -> Receipt:
        """Wait until a command runs in a session of the engine, then end every session; what they ran is not told."""
        host = self._host(role)
        within_s = COMMAND_BEGINS_WITHIN_S
        found = run_script(host, RESET, str(within_s), timeout_s=within_s + _SCRIPT_GRACE_S)
        return receipt(self._clock.now(), host.plan.name, found)

    # Data

    def corrupt(self, role: str, place: str) -> Receipt:
        if place == "device":
            return self._corrupt_device(role)
        found = run_script(self._host(role), FLIP, place_path(self._rack.settings, place))
        return self._receipt("corrupt", found["proven"], f"{self._host(role).plan.name}:{found['victim']}")

    def _corrupt_device(self, role: str) -> Receipt:
        """Behind the back of that host's kernel and of DRBD: in the file that is its disk."""
        host, settings = self._host(role), self._rack.settings
        below = self._rack.disk_below(role)
        found: dict[str, Any] = run_script(host, LOCATE, below, settings.device, settings.filesystem)
        disk = os.open(self._rack.data_disk(role), os.O_RDWR)
        try:
            same = os.pread(disk, 1, found["at"]) == bytes([found["byte"]])
            os.pwrite(disk, bytes([found["byte"] ^ 1]), found["at"])
            os.fsync(disk)
        finally:
            os.close(disk)
        detail = f"{host.plan.name}:{found['victim']} at byte {found['at']} of its disk"
        return self._receipt("corrupt", same, detail)

    def truncate(self, role: str, place: str) -> Receipt:
        if place == "device":
            place = "store"  # mounted there; an object cannot be cut behind the back of a file system
        found = run_script(self._host(role), TRUNCATE, place_path(self._rack.settings, place))
        return self._receipt("truncate", found["proven"], f"{self._host(role).plan.name}:{found['victim']}")

    def write_object(self, role: str, served: bool = False) -> Receipt:
        paths = [place_path(self._rack.settings, place) for place in written_places(served)]
        found = run_script(self._host(role), WRITE, *paths)
        return self._receipt("write_object", found["proven"], f"{self._host(role).plan.name}:{found['victim']}")

    def delete_object(self, role: str, served: bool = False) -> Receipt:
        paths = [place_path(self._rack.settings, place) for place in written_places(served)]
        found = run_script(self._host(role), DELETE, *paths)
        return self._receipt("delete_object", found["proven"], f"{self._host(role).plan.name}:{found['victim']}")

    def client(self, role: str, deed: Deed, number: int) -> Receipt:
        found = run_script(self._host(role), CLIENT, place_path(self._rack.settings, "store"), deed, str(number))
        return self._receipt("client", found["proven"], f"{self._host(role).plan.name}: {deed} {found['victim']}")

    # The end

    def outsider(self, role: str, argv: tuple[str, ...], status: int) -> Receipt:
        argv = typed(argv, BACKING_DEVICE)
        host = self._host(role)
        answer = host.execute(*argv, ok=range(256))
        said = answer.stderr or answer.stdout
        return self._receipt("outsider", *judged(host.plan.name, argv, answer.exit_status, status, said))

    def unmodelled_call(self, role: str) -> Receipt:
        raise FaultNotProven(
            f"{self._host(role).plan.name} runs real programs: there is no call that they do not model"
        )

    def heal(self) -> None:
        """End every fault."""
        endings: tuple[Callable[[str], Receipt], ...] = (self.thaw, self.power_on)
        for ending in endings:
            for role in ROLES:
                ending(role)
        self.heal_link()
        self.resume_sync()
        for role in sorted(self._disks.changed):
            self.mend_disk(role)
        for role, path in sorted(self._filled):
            self.free_disk(role, path)
