"""All that one run of the privileged lab starts: one kernel, Docker on it, and the three hosts as its containers."""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from harness.inventory import Inventory, Settings
from harness.labs import machine_cleanup, machine_rack, privileged_image
from harness.labs import machine_furnish as furnish
from harness.labs.lab import ADDITIONAL, ORIGINAL, ROLES, Start
from harness.labs.machine_door import Door
from harness.labs.machine_host import MachineHost
from harness.labs.machine_kernel import Cable, Machine
from harness.labs.machine_network import PAIR
from harness.labs.machine_rack import MachineRack
from harness.labs.premises import NAMES
from harness.labs.privileged_container import ContainerKernel
from harness.labs.privileged_guest import NAME, Guest, GuestKernel
from harness.labs.privileged_network import GUEST, PrivilegedNetwork

LOOPS = {ORIGINAL: "/dev/loop0", ADDITIONAL: "/dev/loop1"}
_DISKS = {ORIGINAL: "/dev/ubdb", ADDITIONAL: "/dev/ubdc"}  # the staging area is on /dev/ubdd, as host-init knows


@dataclass
class PrivilegedRack(MachineRack):
    """The kernel, and the hosts on it."""

    guest: Guest = field(init=False)

    def __post_init__(self) -> None:
        self.network: PrivilegedNetwork = PrivilegedNetwork(self.run_id, lambda: self.guest)

    def bring_up(self) -> None:
        """Start the kernel, then start, furnish and boot the three hosts on it, and wait until the original is ENABLED.

        Raises:
            LabUnavailable: this machine, or any machine, cannot offer what the start asks for.
            LabError: the kernel or a host did not come up.
        """
        furnish.require_possible(self.start)
        disk = privileged_image.ensure(machine_rack.tell)
        self.guest = self._guest(disk)
        self.hosts = {role: self._host_on(self.guest, role) for role in ROLES}
        works = [self._make_keys, self.network.create, *map(self._disk_maker, ROLES)]
        machine_rack.at_once(lambda work: work(), works)
        self._write_networks()
        self.guest.kernel.start(self._disk_words())
        self.guest.wait()
        if self.start.differs.get("drbd_port_blocked"):
            rule = ("ipproto", "6", "sport", str(self.settings.port), "blackhole")
            self.guest.execute("ip", "rule", "add", *rule)
        machine_rack.at_once(self._boot, self.hosts.values())
        furnish.open_cloud(self)

    def _guest(self, disk: Path) -> Guest:
        tap, mac = self.network.cable()
        disks = (*map(self.data_disk, PAIR), self.staging_disk(ORIGINAL) if self._plan(ORIGINAL).staging else None)
        machine = Machine(NAME, self.network.namespace, self.directory, disk, disks, (Cable(tap, mac),))
        door = Door("the lab's kernel", self.network, GUEST, secrets.token_hex(16))
        return Guest(GuestKernel(machine), door)

    def _host_on(self, guest: Guest, role: str) -> MachineHost:
        plan = self._plan(role)
        directory = self.directory / "hosts" / plan.name
        directory.mkdir(parents=True)
        kernel = ContainerKernel(plan.name, ROLES.index(role) + 1, directory, guest)
        door = Door(plan.name, self.network, self.network.address(role), secrets.token_hex(16))
        return MachineHost(plan, kernel, self.network, door, directory / "furnish.tar")

    def disk_below(self, role: str) -> str:
        """What the host calls the disk itself, below the device-mapper target that DRBD holds."""
        return LOOPS[role]

    def _write_networks(self) -> None:
        """What the kernel reads while it boots."""
        (self.directory / "guest.token").write_text(self.guest.door.token)
        (self.directory / "guest.network").write_text(self.network.guest_batch())
        for role in ROLES:
            path = self.directory / "hosts" / NAMES[role] / "network"
            path.write_text(self.network.container_batch(role))

    def _disk_words(self) -> dict[str, str]:
        return {f"lab.disk.{NAMES[role]}": f"{LOOPS[role]}:{_DISKS[role]}" for role in PAIR}

    def inventory(self) -> Inventory:
        """The hosts as the engine is to reach them."""
        return dataclasses.replace(super().inventory(), source=f"privileged {self.run_id}")

    def tear_down(self) -> None:
        """End the kernel, and with it everything on it; remove the namespace, the disks and the keys."""
        if hasattr(self, "guest"):
            self.guest.kernel.cut_power()
        machine_cleanup.sweep(self.run_id)

    def let_go(self) -> None:
        """Leave everything running after this process; a sweep ends it."""
        self.guest.kernel.let_go()


def rack(run_id: str, start: Start) -> PrivilegedRack:
    """What a run will start, its files in a directory of its own that a sweep finds by the run's name."""
    directory = machine_cleanup.run_directory(run_id)
    directory.mkdir(mode=0o700, parents=True)
    return PrivilegedRack(run_id, start, Settings.model_validate(dict(start.settings)), directory)
