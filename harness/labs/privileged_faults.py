"""Breaking a privileged lab: what one kernel for all hosts leaves of the machines lab's faults, each with its proof.

There is no power cut of one host: whatever a container's processes had written, their kernel keeps and writes out. So
durability is not tried here, and faults that need it say so.
"""

from __future__ import annotations

from harness.errors import FaultNotProven
from harness.evidence import Receipt
from harness.labs.lab import ORIGINAL, Survives
from harness.labs.machine_faults import MachineFaults
from harness.labs.machine_network import PAIR
from harness.labs.privileged_rack import PrivilegedRack


class PrivilegedFaults(MachineFaults):
    """Implements harness.labs.lab.Faults."""

    def __init__(self, rack: PrivilegedRack) -> None:
        super().__init__(rack)
        self._privileged = rack
        self._silenced = False  # a frozen host is, for as long as it is

    def power_off(self, role: str, survives: Survives = "flushed") -> Receipt:
        host = self._host(role)
        raise FaultNotProven(
            f"{host.plan.name} shares its kernel with its peer: nothing unflushed can be lost on one host"
        )

    def freeze(self, role: str) -> Receipt:
        """Every process stops, and DRBD, which is the kernel's and does not, is not heard any more."""
        running = role in PAIR and self._host(role).status() == "running"
        if running and not self._rack.network.replication_is_cut():
            self._rack.network.cut_replication()
            self._silenced = True
        return super().freeze(role)

    def thaw(self, role: str) -> Receipt:
        receipt = super().thaw(role)
        if role in PAIR and self._silenced:
            self._rack.network.heal_replication()
            self._silenced = False
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
