"""A machine with a kernel of its own: its disks, mounts, DRBD and init are real, only Eucalyptus is played.

What the other labs' worlds hold of a host (disks, sides of DRBD, mounts) is the kernel's here. The world keeps the
cloud; which services run and start at boot stands on the host itself and is filled in whenever the world is looked at.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fakes.container import ContainerMachine
from fakes.disk import DiskFilesystem
from fakes.program import Reply, UnsupportedInvocation
from fakes.programs.services import STARTS_AT, STOPS_AT
from fakes.programs.walrus import SERVICE
from fakes.world import HostRow, Service, World
from fakes.worldfile import WorldFile
from fakes.worldserver import PORT, Unreachable, WorldClient

PROCESS_FILE = "/run/walrus-fakes/eucalyptus-cloud.pid"  # the lab's own: Eucalyptus' pid file may lie or be missing
INIT_SCRIPTS = "/etc/init.d"
_BOOT_LEVELS = "2345"
_ALL_LEVELS = "0123456"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROGRAM_TAKES_AT_MOST_S = 60.0
_OUT_OF_TIME_STATUS = 124


class RealFiles(DiskFilesystem):
    """The disk as it is. Content of block devices comes and goes by real mounts, so nothing is done about images."""

    def replace(self, path: str, content: bytes, mode: int | None = None) -> None:
        super().replace(path, content, mode)
        for made in (path, os.path.dirname(path)):
            descriptor = os.open(self.real(made), os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    def sync(self) -> None:
        os.sync()

    def make_image(self, image: str, size_bytes: int | None = None) -> None:
        raise _devices_are_real()

    def has_image(self, image: str) -> bool:
        raise _devices_are_real()

    def drop_image(self, image: str) -> None:
        raise _devices_are_real()

    def mount_image(self, image: str, at: str) -> None:
        raise _devices_are_real()

    def unmount_image(self, at: str) -> None:
        raise _devices_are_real()

    def publish_image(self, image: str, token: str) -> None:
        raise _devices_are_real()

    def adopt_image(self, image: str, token: str) -> None:
        raise _devices_are_real()


def _devices_are_real() -> UnsupportedInvocation:
    return UnsupportedInvocation("block devices are the kernel's on this host")


class RealHost(ContainerMachine):
    """Implements fakes.machine.Machine, and ``run_real``, by which the fake Walrus reaches the real programs.

    ``server`` is the address where the cloud's world is; empty on the cloud controller, where the file itself lies.
    """

    def __init__(self, name: str, world: str, root: str = "", address: str = "", server: str = "") -> None:
        super().__init__(name, world, root, address)
        self.files = RealFiles(root)
        self._world = WorldFile(world, durable=True)
        self._server = WorldClient((server, PORT)) if server else None
        self._remembered: World | None = None

    # The world

    @property
    def lends_world(self) -> bool:
        """The world's file lies on this host."""
        return self._server is None

    def world_is_gone(self) -> bool:
        return False  # out of reach at worst

    @contextmanager
    def world(self) -> Iterator[World]:
        """The shared state, locked. When it cannot be reached: what was last known of it, with the cloud controller
        down, and nothing of what the block changes is kept but this host's own services.
        """
        try:
            opened = self._server.open() if self._server else self._world.open()
            world = opened.__enter__()
        except Unreachable:
            with self._own_services(self._without_cloud()) as world:
                yield world
            return
        self._remembered = world
        try:
            with self._own_services(world):
                yield world
        finally:
            opened.__exit__(None, None, None)

    def _without_cloud(self) -> World:
        world = self._remembered or World(hosts={self.name: HostRow(self.name, "", "", "")})
        controllers = [row for row in world.hosts.values() if row.runs_cloud] or [HostRow("clc", "", "", "clc")]
        for row in controllers:
            row.services[SERVICE] = Service(running=False)
            world.hosts[row.name] = row
        return world

    @contextmanager
    def _own_services(self, world: World) -> Iterator[World]:
        """The host's row says what is true here; what starts at boot is true once the block has ended."""
        found = self.services()
        if found:
            self.row(world).services = found
        yield world
        for name, service in found.items():
            if service.starts_at_boot != self.starts_at_boot(name):
                self.start_at_boot(name, service.starts_at_boot)

    # Services, as this host's disk and processes tell

    def services(self) -> dict[str, Service]:
        """Those whose init scripts are installed here; of DRBD no process tells whether it runs."""
        found = {name for name in STARTS_AT if self.files.exists(f"/etc/init.d/{name}")}
        return {
            name: self.service() if name == SERVICE else Service(starts_at_boot=self.starts_at_boot(name))
            for name in sorted(found)
        }

    def run_script(self, name: str, verb: str) -> None:
        """Run a service's own init script to its end, however long it waits; what it says goes to the lab's log."""
        import subprocess

        subprocess.run([f"{INIT_SCRIPTS}/{name}", verb], stdin=subprocess.DEVNULL, env={"PATH": _PATH}, cwd="/")

    def service(self) -> Service:
        """Whether the Java process lives, whatever its pid file says."""
        path = self.files.real(PROCESS_FILE)
        try:
            with open(path, encoding="ascii") as file:
                pid = int(file.read())
        except (OSError, ValueError):
            pid = 0
        running = pid > 0 and self.alive(pid)
        return Service(running, pid if running else 0, self.starts_at_boot(SERVICE))

    def starts_at_boot(self, name: str) -> bool:
        return any(os.path.lexists(self._link(level, "S", name)) for level in _BOOT_LEVELS)

    def start_at_boot(self, name: str, wanted: bool) -> None:
        """The links of all run levels, as chkconfig makes them."""
        for level in _ALL_LEVELS:
            starts = wanted and level in _BOOT_LEVELS
            old, new = (self._link(level, letter, name) for letter in ("KS" if starts else "SK"))
            if os.path.lexists(old):
                os.unlink(old)
            if not os.path.lexists(new):
                os.makedirs(os.path.dirname(new), exist_ok=True)
                os.symlink(f"../init.d/{name}", new)
        os.sync()

    def _link(self, level: str, letter: str, name: str) -> str:
        number = (STARTS_AT if letter == "S" else STOPS_AT)[name]
        return self.files.real(f"/etc/rc{level}.d/{letter}{number:02}{name}")

    def spawn(self, daemon: str) -> int:
        import threading

        pid = super().spawn(daemon)
        threading.Thread(target=_wait_for, args=(pid,), daemon=True).start()  # no zombie is to be left of it
        path = self.files.real(PROCESS_FILE)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{pid}\n")
        return pid

    def shown_as(self, program: str) -> str:
        """With the directory of a Python off PATH: by that it finds its library."""
        return os.path.join(os.path.dirname(sys.executable), program)

    # Programs

    def run_real(self, argv: tuple[str, ...], user: str) -> Reply:
        """Run the host's own program as that user, and wait for it.

        One that takes longer than a minute is ended, and its status is 124, as with timeout(1).
        """
        import pwd
        import subprocess

        found = pwd.getpwnam(user)
        other = found.pw_uid != os.geteuid()
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROGRAM_TAKES_AT_MOST_S,
                env={"PATH": _PATH, "LC_ALL": "C"},
                cwd="/",
                user=found.pw_uid if other else None,
                group=found.pw_gid if other else None,
                extra_groups=[] if other else None,
            )
        except FileNotFoundError:
            return Reply(127, b"", f"{argv[0]}: not found\n".encode())
        except subprocess.TimeoutExpired:
            return Reply(_OUT_OF_TIME_STATUS)
        status = done.returncode if done.returncode >= 0 else 128 - done.returncode
        return Reply(status, done.stdout, done.stderr)


def _wait_for(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)
