"""A peer has what a Primary had flushed when its power was cut, and what it had written when the link was."""

from __future__ import annotations

import pytest

from fakes.program import Call, Reply
from fakes.simulated import SimulatedMachine, SimulatedWorld
from fakes.world import Disk

CONFIGURATION = b"""resource r0 {
  protocol C;
  device /dev/drbd1;
  disk /dev/sdb;
  meta-disk internal;
  on walrus00 { address 10.0.0.10:7789; }
  on walrus01 { address 10.0.0.11:7789; }
}
"""
AT = "/store"


class Pair:
    """Two machines whose DRBD is connected and up to date; the first is Primary with the device mounted."""

    def __init__(self) -> None:
        self.world = SimulatedWorld("8.4")
        self.one = self._add("walrus00", "10.0.0.10", "original")
        self.other = self._add("walrus01", "10.0.0.11", "additional")
        for machine in (self.one, self.other):
            self.run(machine, "modprobe", "drbd")
            self.run(machine, "drbdadm", "create-md", "r0")
            self.run(machine, "drbdadm", "up", "r0")
        self.run(self.one, "drbdadm", "primary", "--force", "r0")
        self.world.advance(60.0)
        assert self.run(self.one, "drbdadm", "dstate", "r0").stdout == b"UpToDate/UpToDate\n"
        self.run(self.one, "mkfs.ext4", "-q", "/dev/drbd1")
        self.mount(self.one)

    def _add(self, name: str, address: str, role: str) -> SimulatedMachine:
        machine = self.world.add_host(name, address, role)
        for directory in ("/etc", AT):
            machine.files.mkdir(directory)
        machine.files.write("/etc/drbd.conf", CONFIGURATION)
        machine.files.sync()
        self.world.state.hosts[name].disks["/dev/sdb"] = Disk("/dev/sdb", 1024**3)
        return machine

    def run(self, machine: SimulatedMachine, *argv: str) -> Reply:
        reply = machine.execute(Call(argv))
        assert reply.exit_status == 0, (argv, reply)
        return reply

    def mount(self, machine: SimulatedMachine) -> None:
        self.run(machine, "mount", "-t", "ext4", "/dev/drbd1", AT)

    def promoted(self, machine: SimulatedMachine) -> list[str]:
        """What the machine shows once it is Primary and has mounted."""
        self.run(machine, "drbdadm", "primary", "r0")
        self.mount(machine)
        return machine.files.listdir(AT)


@pytest.fixture
def pair() -> Pair:
    made = Pair()
    made.one.files.write(f"{AT}/flushed", b"1")
    made.run(made.one, "sync")
    made.one.files.write(f"{AT}/in-the-page-cache", b"2")
    return made


def test_the_peer_has_what_was_flushed(pair: Pair) -> None:
    pair.one.power_off()
    pair.world.advance(30.0)
    assert pair.promoted(pair.other) == ["flushed", "lost+found"]


def test_so_has_the_machine_itself_when_it_is_back(pair: Pair) -> None:
    pair.one.power_off()
    pair.one.power_on()
    pair.run(pair.one, "modprobe", "drbd")
    pair.run(pair.one, "drbdadm", "up", "r0")
    pair.world.advance(30.0)
    assert pair.promoted(pair.one) == ["flushed", "lost+found"]


def test_a_cut_link_keeps_later_writes_from_the_peer(pair: Pair) -> None:
    pair.run(pair.one, "sync")
    pair.world.cut_link("walrus00", "walrus01")
    pair.world.advance(30.0)
    pair.one.files.write(f"{AT}/later", b"3")
    pair.run(pair.one, "umount", AT)
    pair.one.power_off()
    assert pair.promoted(pair.other) == ["flushed", "in-the-page-cache", "lost+found"]
