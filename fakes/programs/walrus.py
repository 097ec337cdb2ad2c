"""The fake Walrus' storage managers, and the objects that it serves.

What is modelled is Eucalyptus 3.2.0 to 3.2.2 (github.com/eucalyptus/eucalyptus, tag 3.2.2): the order of calls and the
messages of ``DRBDStorageManager.java``, the hooks of ``WalrusControl.java``. Everything that Walrus does to its host's
devices and mounts goes through ``call``, so that a host with a real DRBD can run this Walrus with the real commands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from fakes.filesystem import Filesystem
from fakes.machine import Machine
from fakes.program import Call, Reply
from fakes.programs.gnu import status_of
from fakes.world import HostRow, WalrusState, World

SERVICE = "eucalyptus-cloud"
USER = "eucalyptus"
CONFIGURATION = "/etc/eucalyptus/eucalyptus.conf"
OPTIONS_FILE = (
    "/var/run/eucalyptus/eucalyptus-cloud.options"  # CLOUD_OPTS of the running process, as its arguments show
)
LOG = "/var/log/eucalyptus/cloud-output.log"
DEFAULT_STORE = "/var/lib/eucalyptus/bukkits"
UNKNOWN_DEVICE = "/dev/unknown"
DRBD_MANAGER = "DRBDStorageManager"
PLAIN_MANAGER = "FileSystemStorageManager"
HTTP_PORT = 8773
HTTP_PREFIX = "/services/Walrus/"
_MANAGER_OPTION = "-Dwalrus.storage.manager="
_LOG_LIMIT_BYTES = 65536


class StorageError(Exception):
    """A hook failed: EucalyptusCloudException and its message."""


class CloudUnreachable(StorageError):
    """Properties live in the cloud controller's database, which does not answer."""


def call(machine: Machine, *argv: str, user: str = USER) -> Reply:
    """Run one of the host's programs: the only way in which Walrus touches its host's devices and mounts.

    Walrus runs as the user eucalyptus and reaches drbdadm and chown through its setuid wrapper, as root. A machine on
    which all that is real offers ``run_real``, and then the host's own program runs.
    """
    run_real: Callable[[tuple[str, ...], str], Reply] | None = getattr(machine, "run_real", None)
    if run_real is not None:
        return run_real(argv, user)
    from fakes import programs

    return programs.run(Call(argv, user=user), machine)


def registered(world: World, row: HostRow) -> WalrusState | None:
    """The Walrus that the cloud controller knows at this host's address."""
    return next((walrus for walrus in world.cloud.walruses.values() if walrus.host == row.address), None)


def cloud_reachable(world: World, name: str) -> bool:
    """The cloud controller runs and the host can talk to it; a world without one has it elsewhere, always up."""
    controllers = [row for row in world.hosts.values() if row.runs_cloud]
    if not controllers:
        return True
    service = controllers[0].services.get(SERVICE)
    return world.linked(name, controllers[0].name) and (service is None or service.running)


def log(machine: Machine, message: str) -> None:
    """Append to the log what Walrus tells nobody else; a line that repeats the last one is left out."""
    files = machine.files
    before = files.read(LOG) if files.exists(LOG) else b""
    line = message.encode("utf-8", "surrogateescape") + b"\n"
    if not before.endswith(b"\n" + line) and before != line:
        make_parents(files, LOG)
        files.write(LOG, (before + line)[-_LOG_LIMIT_BYTES:])


def make_parents(files: Filesystem, path: str) -> None:
    """Make the directories that lead to ``path``."""
    parts = path.strip("/").split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        directory = "/" + "/".join(parts[:depth])
        if not files.exists(directory):
            files.mkdir(directory)


# Which storage manager


def cloud_opts(configuration: str) -> str:
    """The value of CLOUD_OPTS when a shell sources the file.

    Raises:
        ValueError: when the last assignment is no shell word, as after an unfinished quote.
    """
    import shlex

    found = ""
    for line in configuration.splitlines():
        if line.strip().startswith("CLOUD_OPTS="):
            words = shlex.split(line.strip().removeprefix("CLOUD_OPTS="), comments=True)
            found = words[0] if words else ""
    return found


def manager_of(options: str) -> str:
    """The storage manager's class that Java is started with; the last option wins."""
    chosen = [word for word in options.split() if word.startswith(_MANAGER_OPTION)]
    return chosen[-1].removeprefix(_MANAGER_OPTION) if chosen else PLAIN_MANAGER


def running_manager(machine: Machine) -> str:
    """The storage manager that the running process chose when it started; later edits of the file change nothing."""
    files = machine.files
    if not files.exists(OPTIONS_FILE):
        remember_options(machine, cloud_opts(files.read(CONFIGURATION).decode("utf-8", "surrogateescape")))
    return manager_of(files.read(OPTIONS_FILE).decode())


def remember_options(machine: Machine, options: str) -> None:
    """Keep what the process was started with."""
    make_parents(machine.files, OPTIONS_FILE)
    machine.files.write(OPTIONS_FILE, options.encode())


class Manager(Protocol):
    """The hooks of a storage manager. All raise StorageError."""

    def start(self) -> None: ...
    def enable(self) -> None: ...
    def disable(self) -> None: ...
    def check(self, state: str) -> None: ...
    def stop(self) -> None: ...


class FileSystemManager:
    """The default: every hook does nothing, whatever the directory is."""

    def start(self) -> None: ...
    def enable(self) -> None: ...
    def disable(self) -> None: ...
    def check(self, state: str) -> None: ...
    def stop(self) -> None: ...


class AbsentManager:
    """A class name that does not exist leaves a null reference, and each hook its NullPointerException."""

    def start(self) -> None:
        """The start alone is guarded against the missing manager."""

    def enable(self) -> None:
        raise StorageError("java.lang.NullPointerException")

    def check(self, state: str) -> None:
        self.enable()

    disable = stop = enable


def manager(machine: Machine) -> Manager:
    """The storage manager of the running process."""
    name = running_manager(machine)
    if name == DRBD_MANAGER:
        return DrbdManager(machine)
    return FileSystemManager() if name == PLAIN_MANAGER else AbsentManager()


def storage_directory(world: World) -> str:
    """``walrus.storagedir`` without the doubled slash of its default value."""
    return re.sub("/+", "/", world.cloud.properties.get("walrus.storagedir", DEFAULT_STORE))


def configure(machine: Machine) -> None:
    """What happens once a process: the store's directory is looked at, then the storage manager starts.

    An error of the storage manager is only logged.

    Raises:
        StorageError: when the store's directory cannot be used.
    """
    with machine.world() as world:
        if not cloud_reachable(world, machine.name):
            raise CloudUnreachable("Unable to reach the database")
        directory = storage_directory(world)
        if running_manager(machine) == DRBD_MANAGER:
            world.cloud.drbd_row = True
    _check_root(machine, directory)
    try:
        manager(machine).start()
    except StorageError as error:
        log(machine, f"Error starting storage backend: {error}")


def _check_root(machine: Machine, directory: str) -> None:
    files = machine.files
    if not files.exists(directory):
        make_parents(files, directory)
        files.mkdir(directory, 0o700)
        _own(machine, directory)
        return
    found = files.stat(resolve(files, directory))
    uid, gid = user_ids(machine)
    writable = found.mode & (0o200 if found.uid == uid else 0o020 if found.gid == gid else 0o002)
    if not writable:
        log(machine, f"Cannot write to bucket root directory: {directory}")
        raise StorageError("Invalid bucket root directory")
    if found.uid == uid:
        files.chmod(resolve(files, directory), 0o700)


def user_ids(machine: Machine) -> tuple[int, int]:
    """uid and gid of the user eucalyptus on this host."""
    uid, gid = (int(call(machine, "id", option, USER).stdout) for option in ("-u", "-g"))
    return uid, gid


def _own(machine: Machine, directory: str) -> None:
    uid, gid = user_ids(machine)
    machine.files.chown(resolve(machine.files, directory), uid, gid)


def resolve(files: Filesystem, path: str) -> str:
    """The path with a symbolic link at its end followed."""
    for _ in range(40):
        if not files.exists(path) or files.stat(path).kind != "symlink":
            break
        target = files.readlink(path)
        path = target if target.startswith("/") else path.rpartition("/")[0] + "/" + target
    return path


class DrbdManager:
    """Who mounts, who demotes, and what goes unnoticed."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    # The hooks

    def start(self) -> None:
        self.disable()

    def enable(self) -> None:
        """Become master: promote, connect, mount, and hand the mounted root to eucalyptus."""
        self._check_local_disk()
        if not self._role(0).startswith("Primary"):
            if self._role(1).startswith("Primary"):
                raise StorageError("Peer is primary and I am supposed to be master! Unable to proceed!")
            self._make("primary")
        self._connect_if_needed()
        if not self._mounted():
            try:
                self._mount()
            except StorageError as error:
                log(self._machine, str(error))
                if self._role(0).startswith("Primary"):
                    self._make("secondary")
                raise StorageError(f"Unable to mount primary: {error}") from error
        if not self._role(0).startswith("Primary"):
            raise StorageError("Unable to make resource primary.")

    def disable(self) -> None:
        """Become slave: unmount, demote, connect."""
        self._check_local_disk()
        if self._mounted():
            self._unmount()
        if not self._role(0).startswith("Secondary"):
            self._make("secondary")
        self._connect_if_needed()
        if not self._role(0).startswith("Secondary"):
            raise StorageError("Unable to make resource secondary.")

    def check(self, state: str) -> None:
        """Passes during a resync, since only Connected is looked at; connects what somebody disconnected."""
        self._connect_if_needed()
        if state == "ENABLED":
            if not self._role(0).startswith("Primary") or not self._mounted():
                raise StorageError("I am the master, but not DRBD primary. Please make me primary. Aborting!")
            return
        if self._connected() and not self._both_up_to_date():
            raise StorageError("Resource connected but not up to date!")
        if state == "DISABLED" and not self._role(0).startswith("Secondary"):
            log(self._machine, "I am the slave, but not DRBD secondary. Trying to become secondary...")
            self.stop()
            if not self._role(0).startswith("Secondary"):
                raise StorageError("Attempt to set secondary failed. Unable to proceed!")

    def stop(self) -> None:
        if self._mounted():
            self._unmount()
        if not self._role(0).startswith("Secondary"):
            self._make("secondary")

    # What the cloud's database says

    def _properties(self) -> tuple[str, str | None, str]:
        """Device, resource and store. Every action asks the cloud controller anew."""
        with self._machine.world() as world:
            if not cloud_reachable(world, self._machine.name):
                raise CloudUnreachable("Unable to reach the database")
            set_values = world.cloud.properties
            device = set_values.get("walrus.blockdevice", UNKNOWN_DEVICE)
            return device, set_values.get("walrus.resource"), storage_directory(world)

    @property
    def _device(self) -> str:
        return self._properties()[0]

    # What the host says

    def _check_local_disk(self) -> None:
        device, _, directory = self._properties()
        if status_of(self._machine, device) is None:
            raise StorageError(f"Block device {device} not found.")
        if not self._machine.files.exists(resolve(self._machine.files, directory)):
            raise StorageError(f"Storage directory {directory} not found.")

    def _ask(self, verb: str, what: str) -> str:
        resource = self._properties()[1]
        reply = call(self._machine, "drbdadm", verb, resource, user="root") if resource else Reply(1)
        if reply.exit_status != 0 or not reply.stdout:
            raise StorageError(f"Unable to get {what} for resource: {resource or 'null'}")
        return reply.stdout.decode()

    def _role(self, side: int) -> str:
        """This side's role (0) or the peer's (1)."""
        parts = self._ask("role", "role").split("/")
        if len(parts) < 2:
            raise StorageError("Unable to parse role.")
        return parts[side]

    def _connected(self) -> bool:
        return self._ask("cstate", "connection status").startswith("Connected")

    def _both_up_to_date(self) -> bool:
        parts = self._ask("dstate", "data status").split("/")
        if len(parts) < 2:
            raise StorageError("Unable to get resource dstate.")
        return parts[0].startswith("UpToDate") and parts[1].startswith("UpToDate")

    def _mounted(self) -> bool:
        """A substring anywhere in /proc/mounts counts: another mount point, or /dev/drbd10 for /dev/drbd1."""
        return self._device in call(self._machine, "cat", "/proc/mounts", user="root").stdout.decode(errors="replace")

    # What Walrus does

    def _make(self, role: str) -> None:
        resource = self._properties()[1] or "null"
        if call(self._machine, "drbdadm", role, resource, user="root").exit_status != 0:
            raise StorageError(f"Unable to make resource {resource} {role}")

    def _connect_if_needed(self) -> None:
        if self._connected():
            return
        resource = self._properties()[1] or "null"
        if call(self._machine, "drbdadm", "connect", resource, user="root").exit_status != 0:
            log(self._machine, f"Unable to connect resource: {resource}")

    def _mount(self) -> None:
        device, _, directory = self._properties()
        if call(self._machine, "mount", device).exit_status != 0:
            raise StorageError(f"Unable to mount {device} as {directory}")
        _own(self._machine, directory)
        self._machine.files.chmod(resolve(self._machine.files, directory), 0o700)

    def _unmount(self) -> None:
        device = self._device
        if call(self._machine, "umount", device).exit_status != 0:
            raise StorageError(f"Unable to unmount {device}")


# Objects over HTTP


def located(machine: Machine, target: str) -> tuple[int, str]:
    """Status of a GET and, with 200, the path of the file that answers it.

    ``target`` is the request's: ``/services/Walrus/BUCKET/KEY``, percent-encoded.
    """
    with machine.world() as world:
        walrus = registered(world, machine.row(world))
        directory = storage_directory(world)
    if walrus is None or walrus.state != "ENABLED":
        return 503, ""
    names = unquoted(target.removeprefix(HTTP_PREFIX)).split("/")
    strange = {"", ".", ".."} & set(names) or any("\0" in name for name in names)
    if not target.startswith(HTTP_PREFIX) or len(names) < 2 or strange:
        return 404, ""
    path = resolve(machine.files, "/".join([resolve(machine.files, directory), *names]))
    if not machine.files.exists(path) or machine.files.stat(path).kind != "file":
        return 404, ""
    return 200, path


def unquoted(target: str) -> str:
    """Percent escapes as the bytes they stand for; bytes that are not UTF-8 become surrogate escapes."""
    raw = target.encode("utf-8", "surrogateescape")
    decoded = re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match.group(1), 16)]), raw)
    return decoded.decode("utf-8", "surrogateescape")


def serve(machine: Machine, target: str) -> tuple[int, bytes]:
    """Answer a GET: 200 and the object's bytes, 404 for a missing one, 503 while this Walrus is not ENABLED."""
    status, path = located(machine, target)
    return status, machine.files.read(path) if status == 200 else b""
