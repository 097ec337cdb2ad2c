"""A cloud of three simulated machines, furnished as far as the cloud's own programs look."""

from __future__ import annotations

from dataclasses import dataclass

from fakes.program import Call, Reply
from fakes.simulated import SimulatedMachine, SimulatedWorld
from fakes.world import Service, World

STORE = "/var/lib/eucalyptus/bukkits"
CONFIGURATION = "/etc/eucalyptus/eucalyptus.conf"
KEY = "/var/lib/eucalyptus/keys/euca.p12"
PLAIN_OPTIONS = "--log-level=INFO -Xmx512m"
DRBD_OPTIONS = f"{PLAIN_OPTIONS} -Dwalrus.storage.manager=DRBDStorageManager"
ADDRESSES = {"walrus00": "10.0.0.10", "walrus01": "10.0.0.11", "clc00": "10.0.0.2"}
TICK_S = 10.0


@dataclass
class SimulatedCloud:
    """The machines by their part."""

    simulation: SimulatedWorld
    original: SimulatedMachine
    additional: SimulatedMachine
    clc: SimulatedMachine

    @property
    def world(self) -> World:
        return self.simulation.state

    def run(self, machine: SimulatedMachine, *argv: str) -> Reply:
        return machine.execute(Call(argv))

    def ticks(self, count: int) -> None:
        self.simulation.advance(count * TICK_S)

    def states(self) -> dict[str, str]:
        """Host to the state of its Walrus."""
        by_address = {address: name for name, address in ADDRESSES.items()}
        return {by_address[found.host]: found.state for found in self.world.cloud.walruses.values()}

    def register(self, machine: SimulatedMachine, name: str) -> Reply:
        host = ADDRESSES[machine.name]
        options = ("--partition", "walrus", "--host", host, "--component", name)
        return self.run(self.clc, "euca_conf", "--register-walrus", *options)

    def history(self, machine: SimulatedMachine, kind: str = "walrus") -> list[str]:
        return [found.detail for found in self.world.events if found.host == machine.name and found.kind == kind]


def furnish(machine: SimulatedMachine, options: str = PLAIN_OPTIONS) -> None:
    """Users, configuration and an empty store."""
    files = machine.files
    for directory in ("/etc", "/etc/eucalyptus", "/var", "/var/lib", "/var/lib/eucalyptus", "/var/lib/eucalyptus/keys"):
        files.mkdir(directory)
    files.write("/etc/passwd", b"root:x:0:0::/root:/bin/sh\neucalyptus:x:498:498::/var/lib/eucalyptus:/bin/sh\n")
    files.write("/etc/group", b"root:x:0:\neucalyptus:x:498:\n")
    files.write("/etc/fstab", b"")
    configure(machine, options)
    files.mkdir(STORE, 0o700)
    files.chown(STORE, 498, 498)
    files.sync()


def configure(machine: SimulatedMachine, options: str) -> None:
    """What CLOUD_OPTS is at the next start."""
    machine.files.replace(CONFIGURATION, f'EUCALYPTUS="/"\nCLOUD_OPTS="{options}"\n'.encode())


def simulated_cloud() -> SimulatedCloud:
    """Three machines with power; eucalyptus-cloud is installed, starts at boot, and does not run yet."""
    simulation = SimulatedWorld()
    roles = {"walrus00": "original", "walrus01": "additional", "clc00": "clc"}
    machines = {name: simulation.add_host(name, ADDRESSES[name], role) for name, role in roles.items()}
    for machine in machines.values():
        furnish(machine)
        simulation.state.hosts[machine.name].services["eucalyptus-cloud"] = Service()
    cloud = SimulatedCloud(simulation, machines["walrus00"], machines["walrus01"], machines["clc00"])
    cloud.clc.files.write(KEY, b"the cloud's keys")
    cloud.run(cloud.clc, "service", "eucalyptus-cloud", "start")
    return cloud


def serving_cloud() -> SimulatedCloud:
    """As it is before a move: the original is registered and ENABLED, the additional one runs unregistered."""
    cloud = simulated_cloud()
    for machine in (cloud.original, cloud.additional):
        cloud.run(machine, "service", "eucalyptus-cloud", "start")
    assert cloud.register(cloud.original, "walrus-original").exit_status == 0
    cloud.ticks(5)
    assert cloud.states() == {"walrus00": "ENABLED"}
    return cloud
