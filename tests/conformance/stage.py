"""Two fake hosts as the recordings had them, and the few words of shell between their programs.

Programs that nobody fakes are played here: dd, touch, ls, chown, sync, grep, cut, mkswap. They change
what they change on a real host and print what is recorded of them; nothing of DRBD is decided here.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable

from fakes import programs
from fakes.program import Call, Reply
from fakes.programs.drbd_content import erase, new_lineage, replicate
from fakes.programs.drbd_model import settle
from fakes.simulated import SimulatedMachine, SimulatedWorld
from fakes.world import Disk, Mount
from tests.conformance.recording import GOLDEN

HOSTS = {"walrus00": "10.99.0.10", "walrus01": "10.99.0.11"}
_PAIR = sorted(HOSTS)
_MIB = 1024 * 1024
_ROOT, BACKING = "/dev/ubda", "/dev/ubdb"
DIRECTORIES = ("/etc", "/etc/drbd.d", "/m", "/mnt", "/mnt/m", "/mnt/m1", "/mnt/m2")
FSTAB = b"/dev/drbd1 /mnt/m2 ext4 noauto,owner 0 0\n/dev/ubdb /mnt/m1 ext4 noauto 0 0\n"
_LVM_UUID = "0b5e55-ed00-0040-0080-0000-0000-00b10c"  # what the lab plants
_SPEED_BYTES_PER_S = 40_000_000
_PATIENCE_S = 60.0
_COMMAND_S = 0.05
_AS_EUCALYPTUS = ("setpriv", "--reuid=498", "--regid=498", "--clear-groups")


def mib(size: str) -> int:
    """100M is 100."""
    return int(size.removesuffix("M"))


class Stage:
    """The world in which one part is played."""

    step_s, patience_s = 0.25, 30.0

    def __init__(self) -> None:
        self.world = SimulatedWorld("8.4")

    def _fresh(self, configuration: str, *sizes: str) -> None:
        self.world = SimulatedWorld("8.4")
        self.world.state.sync_bytes_per_s = _SPEED_BYTES_PER_S
        for (name, address), size in zip(HOSTS.items(), (sizes * 2)[:2], strict=True):
            self._furnish(self.world.add_host(name, address, name), configuration, mib(size))

    def _furnish(self, machine: SimulatedMachine, configuration: str, size_mib: int) -> None:
        for directory in DIRECTORIES:
            machine.files.mkdir(directory)
        machine.files.write("/etc/drbd.conf", b'include "drbd.d/*.res";\n')
        machine.files.write("/etc/drbd.d/r0.res", (GOLDEN / f"{configuration}.res").read_bytes())
        machine.files.write("/etc/fstab", FSTAB)
        machine.files.sync()
        row = self.world.state.hosts[machine.name]
        row.disks[_ROOT] = Disk(_ROOT, int(1.6 * 1024 * _MIB), number="98:0")
        row.disks[BACKING] = Disk(BACKING, size_mib * _MIB, number="98:16")
        self._boot(machine)

    def _boot(self, machine: SimulatedMachine) -> None:
        self.world.state.hosts[machine.name].mounts.insert(0, Mount(_ROOT, "/", "ext4"))
        programs.run(Call(("modprobe", "drbd")), machine)

    # The lab's words

    def lab(self, words: str) -> None:
        """Do to the machines what was done to the real ones."""
        verb, *arguments = words.split()
        actions: dict[str, Callable[..., None]] = {
            "fresh": self._fresh,
            "sleep": lambda seconds: self.wait(float(seconds)),
            "until": self._until,
            "cut": self._cut,
            "heal": self.world.state.cut_links.clear,
            "power-off": self._power_off,
            "power-on": self._power_on,
            "limit": self._limit,
            "freeze": lambda host: self.world.machines[host].freeze(),
            "thaw": lambda host: self.world.machines[host].thaw(),
            "new-disk": self._new_disk,
            "grow": self._grow,
            "plant": self._plant,
        }
        actions[verb](*arguments)

    def wait(self, seconds: float) -> None:
        self.world.advance(seconds)

    def _until(self, host: str, states: str) -> None:
        machine, waited_s = self.world.machines[host], 0.0
        while programs.run(Call(("drbdadm", "cstate", "r0")), machine).stdout.decode().strip() not in states.split("|"):
            self.world.advance(0.1)
            waited_s += 0.1
            assert waited_s < _PATIENCE_S, f"{host} never was {states}"

    def _cut(self, *senders: str) -> None:
        """TCP needs both directions, so that one is as good as none."""
        for machine in self.world.machines.values():
            with machine.world() as world:
                replicate(machine, world)
        self.world.state.cut_links.append(_PAIR)

    def _limit(self, speed: str) -> None:
        """As the cable allows, and never faster than the configuration wants it."""
        self.world.settle()
        for resource in self.world.state.resources.values():
            resource.sync_bytes_per_s = _SPEED_BYTES_PER_S if speed == "none" else int(speed) * 1_000_000

    def _new_disk(self, host: str, size: str) -> None:
        self.world.state.hosts[host].disks[BACKING] = Disk(BACKING, mib(size) * _MIB, number="98:16")

    def _grow(self, host: str, size: str) -> None:
        """The metadata stay where they were, which is no more where anybody looks for them."""
        disk = self.world.state.hosts[host].disks[BACKING]
        disk.size_bytes, disk.metadata, disk.misplaced = mib(size) * _MIB, None, disk.metadata

    def _plant(self, host: str, what: str) -> None:
        disk = self.world.state.hosts[host].disks[BACKING]
        if what in ("v07", "v09"):
            disk.foreign = what
        else:
            disk.signature, disk.uuid = what, _LVM_UUID

    def _power_off(self, host: str) -> None:
        machine = self.world.machines[host]
        machine.files.power_cut()
        with machine.world() as world:
            replicate(machine, world)
        machine.power_off()
        settle(self.world.state, self.world.now)

    def _power_on(self, host: str) -> None:
        self.world.machines[host].power_on()
        self._boot(self.world.machines[host])

    # A line of shell

    def run(self, host: str, line: str) -> Reply:
        """What the line prints and returns."""
        machine, reply = self.world.machines[host], Reply()
        self.world.advance(_COMMAND_S)
        for command in line.removesuffix(" 2>&1").split(" && "):
            reply = self._pipeline(machine, command)
        if line.endswith(" 2>&1"):
            reply = Reply(reply.exit_status, reply.stdout + reply.stderr)
        return reply

    def _pipeline(self, machine: SimulatedMachine, line: str) -> Reply:
        first, *filters = [tuple(shlex.split(command)) for command in line.split(" | ")]
        reply = self._command(machine, first)
        for argv in filters:
            reply = _FILTERS[argv[0]](argv, reply.stdout.decode())
        return reply

    def _command(self, machine: SimulatedMachine, argv: tuple[str, ...]) -> Reply:
        if argv[:4] == _AS_EUCALYPTUS:
            return programs.run(Call(argv[4:], user="eucalyptus"), machine)
        if argv[0] == "grep":
            return _grep(argv, programs.run(Call(("cat", argv[-1])), machine).stdout.decode())
        if argv[0] in _GLUE:
            return _GLUE[argv[0]](self, machine, argv)
        return programs.run(Call(argv), machine)

    # Programs of which only the effect matters

    def _dd(self, machine: SimulatedMachine, argv: tuple[str, ...]) -> Reply:
        given = dict(word.split("=") for word in argv[1:])
        disk = self.world.state.hosts[machine.name].disks[given["of"]]
        if given["if"] == "/dev/zero":
            erase(machine, disk)
            disk.residue = False
        disk.lineage = new_lineage(self.world.state)
        count, block = int(given["count"]), {"1M": _MIB, "4k": 4096}[given["bs"]]
        sizes = {2 * _MIB: "2.1 MB, 2.0 MiB", 65536: "66 kB, 64 KiB"}
        text = f"{count}+0 records in\n{count}+0 records out\n{count * block} bytes ({sizes[count * block]})"
        return Reply(0, b"", f"{text} copied, 0.1 s, 1 MB/s\n".encode())

    def _mkswap(self, machine: SimulatedMachine, argv: tuple[str, ...]) -> Reply:
        disk = self.world.state.hosts[machine.name].disks[argv[1]]
        warning = f"mkswap: {argv[1]}: warning: wiping old {disk.signature} signature.\n"
        disk.signature, disk.uuid, disk.image = "swap", "00000000-0000-4000-8000-00000000cafe", None
        size = disk.size_bytes - 4096
        text = f"Setting up swapspace version 1, size = 100 MiB ({size} bytes)\nno label, UUID={disk.uuid}\n"
        return Reply(0, text.encode(), warning.encode())

    def _swap(self, machine: SimulatedMachine, argv: tuple[str, ...]) -> Reply:
        self.world.state.hosts[machine.name].disks[argv[1]].swap = argv[0] == "swapon"
        return Reply()

    def _touch(self, machine: SimulatedMachine, argv: tuple[str, ...]) -> Reply:
        machine.files.write(argv[1], b"")
        return Reply()

    def _ls(self, machine: SimulatedMachine, argv: tuple[str, ...]) -> Reply:
        return Reply(0, "".join(f"{name}\n" for name in machine.files.listdir(argv[1])).encode())

    def _sync(self, machine: SimulatedMachine, argv: tuple[str, ...]) -> Reply:
        machine.files.sync()
        return Reply()

    def _mkdir(self, machine: SimulatedMachine, argv: tuple[str, ...]) -> Reply:
        return Reply()  # the directories are there from the start

    def _chown(self, machine: SimulatedMachine, argv: tuple[str, ...]) -> Reply:
        return Reply()  # device nodes belong to the user eucalyptus


def _grep(argv: tuple[str, ...], text: str) -> Reply:
    found = [line for line in text.splitlines() if argv[1] in line]
    return Reply(0 if found else 1, "".join(f"{line}\n" for line in found).encode())


def _cut(argv: tuple[str, ...], text: str) -> Reply:
    assert argv == ("cut", "-d ", "-f1-3")
    return Reply(0, "".join(f"{' '.join(line.split(' ')[:3])}\n" for line in text.splitlines()).encode())


_FILTERS = {"grep": _grep, "cut": _cut}
_GLUE: dict[str, Callable[[Stage, SimulatedMachine, tuple[str, ...]], Reply]] = {
    "dd": Stage._dd,
    "mkswap": Stage._mkswap,
    "swapon": Stage._swap,
    "swapoff": Stage._swap,
    "touch": Stage._touch,
    "ls": Stage._ls,
    "sync": Stage._sync,
    "mkdir": Stage._mkdir,
    "chown": Stage._chown,
}
