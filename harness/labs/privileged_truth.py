"""Looking at a privileged lab past the engine: as at machines, through the loop device that each disk is."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from harness.labs.machine_host import MachineHost
from harness.labs.machine_rack import MachineRack
from harness.labs.machine_truth import MachineTruth


class PrivilegedTruth(MachineTruth):
    """Implements harness.labs.lab.Truth."""

    def __init__(self, rack: MachineRack) -> None:
        super().__init__(rack)
        self._looking = threading.Lock()  # one kernel knows the device of a look by one name

    def _look(self, host: MachineHost, walked: Iterable[str], counted: Iterable[str]) -> dict[str, Any]:
        with self._looking:
            return super()._look(host, walked, counted)
