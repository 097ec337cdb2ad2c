"""Breaking a privileged lab: what one kernel for all hosts leaves of the machines lab's faults, each with its proof.

There is no power cut of one host: whatever a container's processes had written, their kernel keeps and writes out. So
durability is not tried here, and faults that need it say so.
"""

from __future__ import annotations

import os

from harness.errors import FaultNotProven
from harness.evidence import Receipt
from harness.labs.lab import ORIGINAL
from harness.labs.machine_faults import MachineFaults
from harness.labs.machine_host import run_script
from harness.labs.machine_network import PAIR
from harness.labs.machine_scripts import LOCATE
from harness.labs.privileged_rack import LOOPS, PrivilegedRack


class PrivilegedFaults(MachineFaults):
    """Implements harness.labs.lab.Faults."""

    def __init__(self, rack: PrivilegedRack) -> None:
        super().__init__(rack)
        self._privileged = rack

    def power_off(self, role: str) -> Receipt:
        host = self._host(role)
        raise FaultNotProven(
            f"{host.plan.name} shares its kernel with its peer: nothing unflushed can be lost on one host"
        )

    def freeze(self, role: str) -> Receipt:
        """Every process stops, and DRBD, which is the kernel's and does not, is not heard any more."""
        if role in PAIR and self._host(role).status() == "running":
            self._rack.network.cut_replication()
        return super().freeze(role)

    def thaw(self, role: str) -> Receipt:
        frozen = self._host(role).status() == "frozen"
        receipt = super().thaw(role)
        if role in PAIR and frozen:
            self._rack.network.heal_replication()
        return receipt

    def _probe(self) -> bool:
        """Does what DRBD sends arrive at the peer's address, in the kernel that both share?"""
        return self._privileged.network.peers_reach_each_other()

    def _fillable(self, role: str, path: str) -> tuple[str, str]:
        if path == "staging" and self._host(role).plan.staging_bytes is not None:
            return super()._fillable(role, path)
        raise FaultNotProven(
            f"{path} on {role} has no file system of its own here: only staging on the {ORIGINAL} can be filled, "
            "when the scenario's start says staging_bytes"
        )

    def _corrupt_device(self, role: str) -> Receipt:
        """Behind DRBD's back: in the file that is the disk below it."""
        host, settings = self._host(role), self._rack.settings
        found = run_script(host, LOCATE, LOOPS[role], settings.device, settings.filesystem)
        disk = os.open(self._rack.data_disk(role), os.O_RDWR)
        try:
            same = os.pread(disk, 1, found["at"]) == bytes([found["byte"]])
            os.pwrite(disk, bytes([found["byte"] ^ 1]), found["at"])
            os.fsync(disk)
        finally:
            os.close(disk)
        return self._receipt("corrupt", same, f"{host.plan.name}:{found['victim']} at byte {found['at']} of its disk")
