"""Two simulated hosts with a disk each and one configuration, for claims about DRBD, mounts and volumes."""

from __future__ import annotations

import shlex

from fakes import programs
from fakes.program import Call, Reply
from fakes.programs.drbd_model import settle
from fakes.simulated import SimulatedMachine, SimulatedWorld
from fakes.world import Disk, HostRow, Side

MIB = 1024 * 1024
CONFIGURATION = """\
resource r0 {
  protocol C;
  syncer { rate 40M; verify-alg md5; }
  net { %s }
  on walrus00 { device /dev/drbd1; disk /dev/sdb; address 10.99.0.10:7789; meta-disk internal; }
  on walrus01 { device /dev/drbd1; disk /dev/sdb; address 10.99.0.11:%d; meta-disk internal; }
}
"""


class Pair:
    """``one`` and ``other``, and what can be done with them."""

    def __init__(self, version: str = "8.4", size_mib: int = 100, net: str = "") -> None:
        self.world = SimulatedWorld(version)
        self.world.state.sync_bytes_per_s = 10 * MIB
        self.one = self._host("walrus00", "10.99.0.10", size_mib, net)
        self.other = self._host("walrus01", "10.99.0.11", size_mib, net)

    def _host(self, name: str, address: str, size_mib: int, net: str) -> SimulatedMachine:
        machine = self.world.add_host(name, address, name)
        for directory in ("/etc", "/m", "/n"):
            machine.files.mkdir(directory)
        machine.files.write("/etc/drbd.conf", (CONFIGURATION % (net, 7789)).encode())
        machine.files.write("/etc/fstab", b"/dev/drbd1 /m ext4 noauto,owner 0 0\n/dev/sdb /n ext4 noauto 0 0\n")
        machine.files.sync()
        self.world.state.hosts[name].disks["/dev/sdb"] = Disk("/dev/sdb", size_mib * MIB)
        self.run(machine, "modprobe drbd")
        return machine

    def row(self, machine: SimulatedMachine) -> HostRow:
        return self.world.state.hosts[machine.name]

    def disk(self, machine: SimulatedMachine) -> Disk:
        return self.row(machine).disks["/dev/sdb"]

    def side(self, machine: SimulatedMachine) -> Side:
        return self.row(machine).sides["r0"]

    def run(self, machine: SimulatedMachine, line: str, user: str = "root") -> Reply:
        """A command line, without any time passing."""
        return programs.run(Call(tuple(shlex.split(line)), user=user), machine)

    def ok(self, machine: SimulatedMachine, *lines: str) -> str:
        """Command lines that must succeed; what the last one printed."""
        printed = ""
        for line in lines:
            reply = self.run(machine, line)
            assert reply.exit_status == 0, f"{machine.name}: {line}: {reply}"
            printed = reply.stdout.decode()
        return printed

    def fails(self, machine: SimulatedMachine, line: str, status: int, words: str, user: str = "root") -> None:
        """A command line that must end with that status and those words."""
        reply = self.run(machine, line, user)
        said = (reply.stdout + reply.stderr).decode()
        assert reply.exit_status == status, f"{machine.name}: {line}: {reply}"
        assert words in said, f"{machine.name}: {line}: {reply}"

    # States to begin with

    def connected(self) -> Pair:
        """Metadata on both, up, connected, nobody has good data yet."""
        for machine in (self.one, self.other):
            self.ok(machine, "drbdadm create-md r0", "drbdadm up r0")
        return self

    def skipped(self) -> Pair:
        """Connected and declared equal on empty disks; the first side is Primary with a file system."""
        self.connected()
        self.ok(self.one, "drbdadm -- --clear-bitmap new-current-uuid r0", "drbdadm primary r0")
        self.ok(self.one, "mkfs.ext4 -q /dev/drbd1")
        return self

    def synchronising(self) -> Pair:
        """The first side is Primary and fills the other."""
        self.connected()
        self.ok(self.one, "drbdadm -- --overwrite-data-of-peer primary r0")
        return self

    def synchronised(self) -> Pair:
        """After the first sync; the first side is Primary with a file system."""
        self.synchronising()
        self.world.advance(60.0)
        self.ok(self.one, "mkfs.ext4 -q /dev/drbd1")
        return self

    # Steps

    def write(self, machine: SimulatedMachine, name: str, content: bytes = b"content") -> None:
        """A file through the replicated device, flushed."""
        self.ok(machine, "mount -t ext4 /dev/drbd1 /m")
        machine.files.write(f"/m/{name}", content)
        machine.files.sync()
        self.ok(machine, "umount /m")

    def names(self, machine: SimulatedMachine) -> list[str]:
        """What lies on the replicated device of a Primary, but for lost+found."""
        self.ok(machine, "mount -t ext4 /dev/drbd1 /m")
        found = [name for name in machine.files.listdir("/m") if name != "lost+found"]
        self.ok(machine, "umount /m")
        return found

    def switch_over(self) -> None:
        """The other side becomes Primary in an orderly way."""
        self.ok(self.one, "drbdadm secondary r0")
        self.ok(self.other, "drbdadm primary r0")

    def cut(self) -> None:
        self.world.cut_link("walrus00", "walrus01")

    def heal(self) -> None:
        self.world.heal_link("walrus00", "walrus01")
        settle(self.world.state, self.world.now)

    def cstate(self, machine: SimulatedMachine) -> str:
        return self.ok(machine, "drbdadm cstate r0").strip()

    def dstate(self, machine: SimulatedMachine) -> str:
        return self.ok(machine, "drbdadm dstate r0").strip()

    def events(self, kind: str) -> list[tuple[str, str]]:
        """Host and detail of what the world recorded."""
        return [(one.host, one.detail) for one in self.world.state.events if one.kind == kind]
