"""Ways in which a site may have become another one since its plan was made, each with a value drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from fakes.memory import MemoryFilesystem
from fakes.simulated import SimulatedMachine
from fakes.world import Disk, HostRow, Mount, WalrusState
from harness.hosts.command import Claim, Fence
from harness.inventory import Inventory, Node, Waits
from harness.labs.lab import Opened
from harness.labs.premises import BACKING_DEVICE, NAMES, SERVICE
from harness.labs.simulated_state import WorldState


@dataclass
class Site:
    """A simulated site to be changed behind the plan's back, and the draw of what to change it to."""

    opened: Opened
    draw: Random
    inventory: Inventory

    @property
    def state(self) -> WorldState:
        assert isinstance(self.opened.state, WorldState)
        return self.opened.state

    def host(self) -> str:
        return self.draw.choice([NAMES["original"], NAMES["additional"]])

    def machine(self, host: str) -> SimulatedMachine:
        return self.state.world.machines[host]

    def row(self, host: str) -> HostRow:
        return self.state.world.state.hosts[host]

    def disk(self, host: str) -> Disk:
        return self.row(host).disks[BACKING_DEVICE]

    def original(self) -> MemoryFilesystem:
        return self.machine(NAMES["original"]).files

    @property
    def store(self) -> str:
        return self.inventory.settings.store

    def word(self) -> str:
        return f"{self.draw.getrandbits(48):012x}"


Mutation = Callable[[Site], object]


def _write(path: str) -> Mutation:
    def change(site: Site) -> None:
        site.machine(site.draw.choice(list(NAMES.values()))).files.write(path, f"{site.word()}\n".encode())

    change.__name__ = f"another {path}"
    return change


def _append(path: str) -> Mutation:
    def change(site: Site) -> None:
        files = site.machine(site.host()).files
        files.write(path, files.read(path) + f"# {site.word()}\n".encode())

    change.__name__ = f"a line in {path}"
    return change


def _row(name: str, value: Callable[[Site], object]) -> Mutation:
    def change(site: Site) -> None:
        setattr(site.row(site.host()), name, value(site))

    change.__name__ = f"row {name}"
    return change


def _disk(name: str, value: Callable[[Site, Disk], object]) -> Mutation:
    def change(site: Site) -> None:
        disk = site.disk(site.host())
        setattr(disk, name, value(site, disk))

    change.__name__ = f"disk {name}"
    return change


def _setting(name: str, value: Callable[[Site], Any]) -> Mutation:
    def change(site: Site) -> None:
        changed = site.inventory.settings.model_copy(update={name: value(site)})
        site.inventory = replace(site.inventory, settings=changed)

    change.__name__ = f"setting {name}"
    return change


def _node(name: str, value: Callable[[Site, Node], Any]) -> Mutation:
    def change(site: Site) -> None:
        role = site.draw.choice(["original", "additional"])
        node: Node = getattr(site.inventory, role)
        values: dict[str, Any] = {name: value(site, node)}
        roles: dict[str, Any] = {role: replace(node, **values)}
        site.inventory = replace(site.inventory, **roles)

    change.__name__ = f"node {name}"
    return change


def another_name(site: Site) -> None:
    site.machine(site.host()).node_name = f"host-{site.word()}"


def another_kernel(site: Site) -> None:
    site.machine(site.host()).kernel = f"2.6.32-{site.draw.randrange(300, 900)}.el6.x86_64"


def another_disk(site: Site) -> None:
    files = site.machine(site.host()).files
    (old,) = files.listdir("/dev/disk/by-id")
    files.rename(f"/dev/disk/by-id/{old}", f"/dev/disk/by-id/ata-OTHER_{site.word()}")


def disk_in_use(site: Site) -> None:
    site.row(site.host()).mounts.append(Mount(BACKING_DEVICE, f"/mnt/{site.word()}", "ext4"))


def mount_inside_the_store(site: Site) -> None:
    site.row(NAMES["original"]).mounts.append(Mount("/dev/sdc1", f"{site.store}/{site.word()}", "ext4"))


def locked_settings(site: Site) -> None:
    site.machine(site.host()).locked_settings = True


def service_flag(site: Site) -> None:
    site.row(site.host()).services[SERVICE].starts_at_boot = False


def service_down(site: Site) -> None:
    site.row(site.host()).services[SERVICE].running = False


def store_of_another_mode(site: Site) -> None:
    site.machine(site.host()).files.chmod(site.store, site.draw.choice([0o711, 0o750, 0o755, 0o777]))


def store_of_another_owner(site: Site) -> None:
    site.machine(site.host()).files.chown(site.store, site.draw.randrange(1000, 2000), site.draw.randrange(1000, 2000))


def store_nearly_gone(site: Site) -> None:
    site.original().rename(site.store, f"{site.store}.{site.word()}")
    site.original().mkdir(site.store, 0o700)
    site.original().chown(site.store, 498, 498)


def store_behind_a_link(site: Site) -> None:
    elsewhere = f"/var/lib/{site.word()}"
    site.original().rename(site.store, elsewhere)
    site.original().symlink(elsewhere, site.store)


def something_staged(site: Site) -> None:
    site.original().mkdir(f"{site.inventory.settings.staging}/bukkits", site.draw.choice([0o700, 0o755]))


def something_set_aside(site: Site) -> None:
    site.original().mkdir(f"{site.store}.before-ha", site.draw.choice([0o700, 0o755]))


def staging_of_another_mode(site: Site) -> None:
    site.original().chmod(site.inventory.settings.staging, site.draw.choice([0o700, 0o711, 0o777]))


def staging_elsewhere(site: Site) -> None:
    site.original().add_volume(site.inventory.settings.staging, 10**9, 10**6)


def third_walrus(site: Site) -> None:
    name = f"walrus-{site.word()}"
    site.state.world.state.cloud.walruses[name] = WalrusState(name, "walrus", "10.99.0.77")


def walrus_of_another_name(site: Site) -> None:
    walruses = site.state.world.state.cloud.walruses
    (old,) = walruses
    found = walruses.pop(old)
    found.name = f"walrus-{site.word()}"
    walruses[found.name] = found


def storage_directory(site: Site) -> None:
    site.state.world.state.cloud.properties["walrus.storagedir"] = f"/var/lib/{site.word()}"


def another_run_was_here(site: Site) -> None:
    node = site.draw.choice(list(site.opened.inventory.nodes()))
    fence = Fence(site.draw.randrange(1, 9), site.word())
    transport = node.connection.open(node.name)
    transport.send(Claim(fence))
    transport.send(Claim(fence, release=True))


MUTATIONS: tuple[Mutation, ...] = (
    *(_write(path) for path in ("/etc/machine-id", "/etc/ssh/ssh_host_rsa_key.pub", "/sys/class/dmi/id/product_uuid")),
    *(_write(path) for path in ("/etc/ssh/ssh_host_ed25519_key.pub",)),
    *(_append(path) for path in ("/etc/fstab", "/etc/drbd.conf", "/etc/eucalyptus/eucalyptus.conf")),
    *(_append(path) for path in ("/etc/redhat-release", "/etc/eucalyptus/eucalyptus-version")),
    _row("drbd_version", lambda site: "8.3"),
    _row("modules", lambda site: ["drbd"]),
    _disk("size_bytes", lambda site, disk: disk.size_bytes + 4096 * site.draw.randrange(1, 1000)),
    _disk("number", lambda site, disk: f"8:{site.draw.randrange(32, 200)}"),
    _disk("signature", lambda site, disk: site.draw.choice(["ext3", "ext4", "xfs", "swap", "LVM2_member"])),
    _disk("holders", lambda site, disk: [site.word()]),
    _disk("swap", lambda site, disk: True),
    _setting("sync_rate", lambda site: f"{site.draw.randrange(41, 400)}M"),
    _setting("copy_limit_kib_s", lambda site: site.draw.randrange(1, 10**6)),
    _setting("filesystem", lambda site: site.draw.choice(["ext3", "xfs"])),
    _setting("first_sync", lambda site: "skip"),
    _setting("port", lambda site: site.draw.randrange(7790, 7999)),
    _setting("resource", lambda site: f"r{site.word()}"),
    _setting("component", lambda site: f"walrus-{site.word()}"),
    _setting("drbd_conf", lambda site: f"/etc/drbd.d/{site.word()}.res"),
    _setting("waits", lambda site: Waits(stall=site.draw.uniform(200, 300))),
    _node("address", lambda site, node: f"10.99.1.{site.draw.randrange(1, 250)}"),
    _node("uname", lambda site, node: f"host-{site.word()}"),
    _node("replication_address", lambda site, node: f"10.98.0.{site.draw.randrange(1, 250)}"),
    another_name,
    another_kernel,
    another_disk,
    disk_in_use,
    mount_inside_the_store,
    locked_settings,
    service_flag,
    service_down,
    store_of_another_mode,
    store_of_another_owner,
    store_nearly_gone,
    store_behind_a_link,
    something_staged,
    something_set_aside,
    staging_of_another_mode,
    staging_elsewhere,
    third_walrus,
    walrus_of_another_name,
    storage_directory,
    another_run_was_here,
)
