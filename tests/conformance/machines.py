"""Two real hosts as the recordings had them: kernels of their own, real DRBD, and nothing of Walrus.

It offers what ``stage.Stage`` offers of the fakes, so that both can be given the same lines.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from fakes.program import Reply
from harness.errors import LabError
from harness.hosts.command import Result
from harness.labs import machine_cleanup, machine_image, machine_signatures
from harness.labs.hostfiles import File
from harness.labs.lab import ADDITIONAL, ORIGINAL
from harness.labs.machine_door import Door
from harness.labs.machine_host import FURNISHING, MachineHost, Plan
from harness.labs.machine_kernel import Cable, UmlKernel, UmlMachine
from harness.labs.machine_network import MachineNetwork
from tests.conformance.recording import GOLDEN
from tests.conformance.stage import BACKING, DIRECTORIES, FSTAB, HOSTS, mib

ROLES = {"walrus00": ORIGINAL, "walrus01": ADDITIONAL}
_PATIENCE_S = 60.0
_CALL_S = 60.0
_ANY = tuple(range(-64, 256))
_MIB, _MB = 1024 * 1024, 1_000_000
_OLD_METADATA = {"v07": ("create-md",), "v09": ("create-md", "1")}
_VERSIONS = (
    'echo "Linux $(uname -r), DRBD $(cat /sys/module/drbd/version) ($(cat /sys/module/drbd/srcversion)),"'
    ' "drbd-utils $(drbdadm --version | sed -n s/^DRBDADM_VERSION=//p)"'
)


class Pair:
    """Two machines in a network of their own, without power."""

    def __init__(self, run_id: str) -> None:
        self._network = MachineNetwork(run_id)
        self._directory = machine_cleanup.run_directory(run_id)
        self._directory.mkdir(mode=0o700, parents=True)
        self._image = machine_image.ensure()
        self._hosts: dict[str, MachineHost] = {}
        self._network.create()

    def fresh(self, configuration: str, *sizes_mib: int) -> None:
        """New disks, both machines started, module loaded; with two sizes the second is walrus01's."""
        self.power_off(*self._hosts)
        self._network.heal_replication()
        for path in self._directory.glob("*-root.cow"):
            path.unlink()
        for name, size_mib in zip(HOSTS, (sizes_mib * 2)[:2], strict=True):
            with self._disk(name).open("wb") as disk:
                disk.truncate(size_mib * _MIB)
            self._hosts[name] = self._host(name)
            self._hosts[name].put(self._files(name, configuration))
        self.power_on(*self._hosts)

    def _disk(self, name: str) -> Path:
        return self._directory / f"{name}-data.img"

    def _host(self, name: str) -> MachineHost:
        role, network, furnishing = ROLES[name], self._network, self._directory / f"{name}-{FURNISHING}"
        cables = tuple(Cable(network.tap(role, one), network.mac(role, one)) for one in network.cables(role))
        disks = (self._disk(name), None, furnishing)
        machine = UmlMachine(name, network.namespace, self._directory, self._image, disks, cables)
        door = Door(name, network, network.address(role), secrets.token_hex(16))
        return MachineHost(Plan(role, name, name), UmlKernel(machine), network, door, furnishing)

    def _files(self, name: str, configuration: str) -> dict[str, File]:
        network = self._network.host_batch(ROLES[name])
        for other, role in ROLES.items():
            network = network.replace(str(self._network.replication_address(role)), HOSTS[other])
        return {
            "/etc/lab/token": File(self._hosts[name].door.token.encode(), 0o600),
            "/etc/lab/network": File(network.encode()),
            "/etc/drbd.conf": File(b'include "drbd.d/*.res";\n'),
            "/etc/drbd.d/r0.res": File((GOLDEN / f"{configuration}.res").read_bytes()),
            "/etc/fstab": File(FSTAB),
        }

    def power_on(self, *names: str) -> None:
        """Give power; they answer, and have the module, when this returns."""

        def boot(name: str) -> None:
            self._hosts[name].start()
            self._hosts[name].wait_for_door()
            self._hosts[name].execute("mkdir", "-p", *DIRECTORIES)
            # Nodes of the image outlive the device; where udev makes them, as on the recorded hosts, they go with it.
            self._hosts[name].execute("sh", "-c", "rm -f /dev/drbd[0-9]* && modprobe drbd")

        with ThreadPoolExecutor() as pool:
            list(pool.map(boot, names))

    def power_off(self, *names: str) -> None:
        for name in names:
            self._hosts[name].cut_power()

    def new_disk(self, name: str, size_mib: int) -> None:
        """An empty one in place of the old; without power."""
        self._disk(name).unlink()
        self.grow(name, size_mib)

    def grow(self, name: str, size_mib: int) -> None:
        """The disk has this size at the next start, and what lay on it."""
        with self._disk(name).open("ab") as disk:
            disk.truncate(size_mib * _MIB)

    def plant(self, name: str, what: str) -> None:
        """Leave on a disk what others may have left there."""
        if what in _OLD_METADATA:
            self._hosts[name].execute("drbdmeta", "--force", "1", what, BACKING, "internal", *_OLD_METADATA[what])
            return
        offset, content = machine_signatures.BYTES[what](self._disk(name).stat().st_size)
        where = (f"of={BACKING}", f"seek={offset}", "oflag=seek_bytes", "conv=notrunc,fsync", "status=none")
        self._hosts[name].execute("dd", *where, stdin=content)

    def cut(self, *senders: str) -> None:
        self._network.cut_replication(*(ROLES[name] for name in senders))

    def limit(self, bytes_per_s: int | None) -> None:
        self._network.limit_replication(bytes_per_s)

    def heal(self) -> None:
        self._network.heal_replication()

    def freeze(self, name: str) -> None:
        self._hosts[name].kernel.freeze()

    def thaw(self, name: str) -> None:
        self._hosts[name].kernel.thaw()

    def shell(self, name: str, line: str) -> Result:
        """What the line prints and returns. A signal that ended it shows as a shell shows it."""
        return self._hosts[name].execute("sh", "-c", line, ok=_ANY, timeout_s=_CALL_S)

    def tear_down(self) -> None:
        self.power_off(*self._hosts)
        machine_cleanup.sweep(self._network.run_id)


@contextmanager
def pair() -> Iterator[Pair]:
    """Two machines that are gone afterwards, however this process ends."""
    run_id = secrets.token_hex(4)
    watchdog = machine_cleanup.watch_over(run_id)
    try:
        machines = Pair(run_id)
        try:
            yield machines
        finally:
            machines.tear_down()
    finally:
        machine_cleanup.sweep(run_id)
        watchdog.dismiss()


class RealStage:
    """The lines of one recording, given to real hosts."""

    step_s, patience_s = 0.3, 6.0

    def __init__(self, machines: Pair) -> None:
        self._pair = machines

    def lab(self, words: str) -> None:
        """Do to the machines what a recording's [lab] line says."""
        verb, *arguments = words.split()
        actions: dict[str, Callable[..., None]] = {
            "fresh": self._fresh,
            "sleep": lambda seconds: self.wait(float(seconds)),
            "until": self._until,
            "cut": self._pair.cut,
            "heal": self._pair.heal,
            "power-off": self._pair.power_off,
            "power-on": self._pair.power_on,
            "limit": lambda speed: self._pair.limit(None if speed == "none" else int(speed) * _MB),
            "freeze": self._pair.freeze,
            "thaw": self._pair.thaw,
            "new-disk": lambda host, size: self._pair.new_disk(host, mib(size)),
            "grow": lambda host, size: self._pair.grow(host, mib(size)),
            "plant": self._pair.plant,
        }
        actions[verb](*arguments)

    def _fresh(self, configuration: str, *sizes: str) -> None:
        self._pair.fresh(configuration, *map(mib, sizes))

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def _until(self, host: str, states: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while self._pair.shell(host, "drbdadm cstate r0").text.strip() not in states.split("|"):
            if time.monotonic() > deadline:
                raise LabError(f"{host} was not {states} within {_PATIENCE_S:g} s")
            time.sleep(0.2)

    def run(self, host: str, line: str) -> Reply:
        """What the line prints and returns."""
        said = self._pair.shell(host, line)
        return Reply(said.exit_status, said.stdout, said.stderr)

    def versions(self, host: str) -> str:
        """Of kernel, module and tools."""
        return " ".join(self._pair.shell(host, _VERSIONS).text.split())
