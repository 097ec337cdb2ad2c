"""The disk under DRBD of each side of a machines lab: a device-mapper table breaks or slows it while it is in use."""

from __future__ import annotations

from harness.errors import FaultNotProven
from harness.labs.machine_furnish import BACKING_DEVICE
from harness.labs.machine_host import MachineHost, run_script
from harness.labs.machine_rack import MachineRack
from harness.labs.machine_scripts import READ_FIRST

_NAME = BACKING_DEVICE.rpartition("/")[2]
_READ_S = 60.0
_TICK_MS = 10.0  # of the machines' kernels: a delay that began within a tick is shorter by the part that was over
_RELOAD = """
set -eu
modprobe -a dm-mod $3
dmsetup suspend --noudevsync --noflush --nolockfs "$1"
dmsetup reload "$1" --table "$2" && done=0 || done=$?
dmsetup resume --noudevsync "$1"
exit "$done"
"""


class DiskFaults:
    """``changed`` are the roles whose disks are not as they should be."""

    def __init__(self, rack: MachineRack) -> None:
        self._rack = rack
        self.changed: set[str] = set()

    def breaks(self, role: str) -> tuple[bool, str]:
        """Every read and write fails from now on. Whether that is proven, and what was seen."""
        host = self._load(role, "error")
        took_s = _first_read_s(host)
        return took_s is None, f"{host.plan.name}:{BACKING_DEVICE} {_seen(took_s)}"

    def slows(self, role: str, delay_ms: int) -> tuple[bool, str]:
        """Every read and write takes so much longer from now on."""
        host = self._load(role, f"delay {self._rack.disk_below(role)} 0 {delay_ms}", "dm-delay")
        took_s = _first_read_s(host)
        least_ms = max(delay_ms - _TICK_MS, delay_ms / 2)
        return took_s is not None and took_s * 1000 >= least_ms, f"{host.plan.name}:{BACKING_DEVICE} {_seen(took_s)}"

    def mends(self, role: str) -> tuple[bool, str]:
        """The disk is as it was before."""
        host = self._load(role, f"linear {self._rack.disk_below(role)} 0")
        self.changed.discard(role)
        took_s = _first_read_s(host)
        return took_s is not None, f"{host.plan.name}:{BACKING_DEVICE} {_seen(took_s)}"

    def _load(self, role: str, target: str, modules: str = "") -> MachineHost:
        host = self._rack.hosts[role]
        if host.plan.device_bytes is None:
            raise FaultNotProven(f"{host.plan.name} has no disk under DRBD")
        table = f"0 {host.plan.device_bytes // 512} {target}"
        host.execute("sh", "-c", _RELOAD, "reload", _NAME, table, modules)
        self.changed.add(role)
        return host


def _first_read_s(host: MachineHost) -> float | None:
    found = run_script(host, READ_FIRST, BACKING_DEVICE, timeout_s=_READ_S)
    return None if found is None else float(found)


def _seen(took_s: float | None) -> str:
    return "cannot be read" if took_s is None else f"was read in {took_s * 1000:.0f} ms"
