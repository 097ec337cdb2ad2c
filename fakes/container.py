"""A machine whose programs are real processes: the container's own disk, the world in a shared file, the wall clock."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from fakes.disk import STATE, DiskFilesystem
from fakes.world import HostRow, World
from fakes.worldfile import WorldFile

# {"name": as the world calls this host, "world": the world's file}; a test without a container also says "root", the
# directory that it takes for the host's disk, and "address", where this host's Walrus answers. A host with a kernel of
# its own says "server": where the world is, empty when it is here.
IDENTITY = "/etc/walrus-fakes.json"
IDENTITY_VARIABLE = "WALRUS_FAKES"  # names another file
RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run.py")
PYTHON_OPTIONS = ("-I", "-S", "-X", "utf8")  # nothing but the standard library: this is called for every command
_DEATH_TAKES_AT_MOST_S = 5.0


class ContainerMachine:
    """Implements fakes.machine.Machine."""

    def __init__(self, name: str, world: str, root: str = "", address: str = "") -> None:
        self.name = name
        self.files = DiskFilesystem(root, shared=os.path.dirname(world))
        self.http_address = address
        self._world = WorldFile(world)
        self._state = root + STATE

    @classmethod
    def here(cls) -> ContainerMachine:
        """The machine that this process runs on, as the lab furnished it."""
        with open(os.environ.get(IDENTITY_VARIABLE, IDENTITY), encoding="utf-8") as file:
            identity = json.load(file)
        if "server" in identity:
            from fakes.realhost import RealHost

            return RealHost(**identity)
        return cls(**identity)

    @property
    def world_file(self) -> WorldFile:
        return self._world

    def world(self) -> AbstractContextManager[World]:
        return self._world.open()

    def world_is_gone(self) -> bool:
        """The lab has taken it away: nothing is left to be played here."""
        return not os.path.exists(self._world.path)

    def row(self, world: World) -> HostRow:
        return world.hosts[self.name]

    def now(self) -> float:
        return time.time()

    # Background programs

    def spawn(self, daemon: str) -> int:
        from fakes.programs.daemons import COMMAND_LINES

        name, *arguments = COMMAND_LINES[daemon].split(" ")
        command = [self.shown_as(name), *PYTHON_OPTIONS, RUN, "daemon", daemon, *arguments]
        nowhere = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        log = self.files.real(STARTUP_LOG)
        os.makedirs(os.path.dirname(log), exist_ok=True)
        output = (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        actions = [nowhere, output, (os.POSIX_SPAWN_DUP2, 1, 2)]
        kept = ("PATH", IDENTITY_VARIABLE)
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        return os.posix_spawn(sys.executable, command, environment, file_actions=actions, setsid=True)

    def shown_as(self, program: str) -> str:
        """What ps shows of a background program's own name."""
        return program

    def kill(self, pid: int) -> None:
        """End it between two ticks, so that no mount is left half made, and wait until it is gone."""
        import signal  # few programs end others

        with self.ticking():
            if not self.alive(pid):
                return
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + _DEATH_TAKES_AT_MOST_S
        while self.alive(pid) and time.monotonic() < deadline:
            time.sleep(0.005)

    def alive(self, pid: int) -> bool:
        """A process of that id is one of our daemons, and no zombie."""
        try:
            with open(f"/proc/{pid}/stat", "rb") as stat, open(f"/proc/{pid}/cmdline", "rb") as arguments:
                state = stat.read().rpartition(b")")[2].split()[0]
                return state not in (b"Z", b"X") and RUN.encode() in arguments.read().split(b"\0")
        except OSError:
            return False

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Held by a daemon while it acts."""
        os.makedirs(self._state, exist_ok=True)
        with open(f"{self._state}/tick.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


STARTUP_LOG = "/var/log/eucalyptus/startup.log"
