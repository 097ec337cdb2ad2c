"""What makes a bare machine a host of the lab: files, users, fakes, the cloud's world, and the planted hazards.

All of a host is real but Eucalyptus, so each hazard is planted where it would be found: on the disk's image, in the
host's files, on its network. One that cannot be planted makes the lab unavailable for that start.
"""

from __future__ import annotations

import compileall
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fakes
from fakes import resident
from fakes.container import PYTHON_OPTIONS
from fakes.world import Cloud, HostRow, Service, WalrusState, World
from fakes.worldfile import to_plain
from harness.errors import LabError, LabUnavailable
from harness.inventory import Settings
from harness.labs import machine_host, odd_openssl
from harness.labs.hostfiles import File
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, ROLES, Start
from harness.labs.machine_host import MachineHost, Plan
from harness.labs.machine_signatures import BYTES
from harness.labs.machine_signatures import PROGRAMS as PROGRAMS_BY_SIGNATURE
from harness.labs.premises import (
    CLOUD_KEY,
    CLOUD_SECRET,
    DRBD_SERVICE,
    EUCALYPTUS_ID,
    FIRST_WALRUS,
    NAMES,
    SERVICE,
    require_one_drbd_device,
    texts_of,
)

if TYPE_CHECKING:
    from harness.labs.machine_rack import MachineRack

PYTHON = "/usr/lib/walrus-lab/bin/python3"  # off PATH: the engine must not need it
FAKES = "/opt/fakes"
RUN = f"{FAKES}/run.py"
PROGRAMS = "/usr/local/sbin"  # shims and wrappers lie here, before everything else on root's PATH
WORLD = "/srv/walrus-world"
WORLD_FILE = f"{WORLD}/world.json"
BOOT = "/etc/lab/boot"  # what a furnished host runs at each boot
HAZARDS = "/etc/lab/hazards"
BACKING_DEVICE = "/dev/mapper/walrus-disk"
TICK_S = 1.0  # of the cloud
OPENING_TICK_S = 0.25  # until the original Walrus is ENABLED, which takes some ticks in which nothing is tried
CHECK_TICKS = 4  # a check costs such a host a fifth of a second of processes, and the labs share two cores
PAIR = (ORIGINAL, ADDITIONAL)
_ENABLED_S = 60.0
_SEED_S = 600.0
_TCP = "6"  # by number: a minimal system has no /etc/protocols

_CLOUD_PROGRAMS = ("euca_conf", "euca-describe-services", "euca-describe-properties", "euca-modify-property")
_DESTROYING = {  # program to the shell pattern of arguments that make it destroy
    "mkfs.ext3": "*",
    "mkfs.ext4": "*",
    "mkfs.xfs": "*",
    "drbdmeta": "*' create-md '*",
    "wipefs": "*' -a '*|*' --all '*",
}

# The engine must not notice a wrapper: status, output, input and questions are the real program's.
_WRAPPER = """#!/bin/sh
# The real program, and a line in the kernel's log once it has destroyed what was there.
case " $* " in
{pattern}) ;;
*) exec /sbin/{name} "$@" ;;
esac
/sbin/{name} "$@"
status=$?
[ "$status" -ne 0 ] || echo "walrus-lab: destroy {name} $*" >/dev/kmsg
exit "$status"
"""
_BOOT = f"""#!/bin/sh
# At each boot of a furnished host: the hazards that would not outlive one, and the process that plays Eucalyptus.
[ -e /etc/lab/furnished ] || exit 0
[ ! -x {HAZARDS} ] || {HAZARDS}
{PYTHON} {" ".join(PYTHON_OPTIONS)} {RUN} resident </dev/null >>/var/log/walrus-fakes.log 2>&1 &
"""
_ANOTHER_ID = """
set -eu
groupmod -g "$1" eucalyptus
usermod -u "$1" -g "$1" eucalyptus
"""
_WITHOUT_PROGRAM = 'for program in $(which -a -- "$1"); do rm -f -- "$program"; done'
_LISTENER = "import socket, sys, time; server = socket.create_server(('', int(sys.argv[1]))); time.sleep(1e9)"

# Programs of the lab that run inside a host; see ``look``. Python does in a few calls what would each be a program: a
# kernel of User Mode Linux pays for a program as for a thousand calls.
_PREPARE = """
store, staging, owner, service, symlinked, *spec = sys.argv[1:]
owner = int(owner)
for path in (store, staging, "/var/lib/eucalyptus/keys", "/var/log/eucalyptus"):
    os.makedirs(path, exist_ok=True)
os.chown(store, owner, owner)
os.chmod(store, 0o700)
for level in "2345" if service else "":
    os.makedirs(f"/etc/rc{level}.d", exist_ok=True)
    os.symlink(f"../init.d/{service}", f"/etc/rc{level}.d/S80{service}")
if spec:
    from fakes import layouts, seeding
    seeding.materialise_on_disk(store, layouts.planned(spec[0]), owner, owner)
if symlinked:
    os.rename(store, f"{store}.real")
    os.symlink(f"{store}.real", store)
answer(None)
"""
_FURNISHED = """
open("/etc/lab/furnished", "w").close()
os.sync()
silent = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
boot = os.posix_spawn(sys.argv[1], [sys.argv[1]], os.environ, file_actions=silent)
answer(os.waitstatus_to_exitcode(os.waitpid(boot, 0)[1]))
"""
_OPEN_CLOUD = """
import time
from fakes.worldfile import WorldFile
path, name, service, patience_s, patch = sys.argv[1:]
world, deadline = WorldFile(path, durable=True), time.monotonic() + float(patience_s)
while True:
    now = world.read()
    found = now.cloud.walruses[name]
    served = [row for row in now.hosts.values() if service in row.services]
    idle = [row.name for row in served if not row.services[service].running]
    if (found.state == "ENABLED" and not idle) or time.monotonic() > deadline:
        break
    time.sleep(0.1)
world.patch(json.loads(patch))
answer({"state": found.state, "message": found.message, "idle": idle})
"""
_SHOW = """
from fakes.worldfile import WorldFile, to_plain
answer(to_plain(WorldFile(sys.argv[1]).read()))
"""
_PATCH = """
from fakes.worldfile import WorldFile
answer(WorldFile(sys.argv[1], durable=True).patch(json.loads(sys.argv[2])))
"""


def require_possible(start: Start) -> None:
    """Every hazard of the start can be planted for real.

    Raises:
        LabUnavailable: naming the one that cannot, and why.
    """
    if start.differs.get("drbd_version"):
        raise LabUnavailable("the version of DRBD is the kernel's, and all machines have the same kernel")
    require_one_drbd_device(start)
    if start.drbd != "8.4":
        raise LabUnavailable(f"DRBD {start.drbd} cannot be had in machines: their kernel has 8.4")


def fakes_call(*arguments: str) -> tuple[str, ...]:
    """The argument list that runs the fakes' own commands on a host."""
    return (PYTHON, *PYTHON_OPTIONS, RUN, *arguments)


# Before the first boot


def files_for(plan: Plan, rack: MachineRack) -> dict[str, File]:
    """Every file of a host that is not the lab's own door, network and keys."""
    role, addresses = plan.role, {role: rack.network.address(role) for role in ROLES}
    server = "" if role == CLC else addresses[CLC]
    identity = json.dumps({"name": plan.name, "world": WORLD_FILE, "server": server}).encode()
    hosts = "127.0.0.1 localhost\n" + "".join(f"{address} {NAMES[role]}\n" for role, address in addresses.items())
    hazards = _hazards(role, rack.settings, rack.start.differs)
    files = {path: File(text.encode()) for path, text in texts_of(role, rack.start.differs).items()}
    files |= {
        "/etc/hosts": File(hosts.encode()),
        "/etc/walrus-fakes.json": File(identity),
        BOOT: File(_BOOT.encode(), 0o755),
    }
    if hazards:
        files[HAZARDS] = File("\n".join(["#!/bin/sh", *hazards, ""]).encode(), 0o755)
    if role in (CLC, ORIGINAL):
        files[CLOUD_KEY] = File(CLOUD_SECRET, 0o600)
    if role == CLC:
        files[WORLD_FILE] = File(_world_before(addresses).encode())
    return files | odd_openssl.files(role, rack.start.differs, PROGRAMS) | _programs(role) | _fakes()


def _hazards(role: str, settings: Settings, differs: Mapping[str, Any]) -> list[str]:
    """Lines that plant, at every boot, what would not outlive one."""
    lines = []
    if _owner(role, differs) != EUCALYPTUS_ID:
        lines.append("chown eucalyptus:eucalyptus /dev/drbd[0-9]*")  # as the vendor's udev rule does
    if differs.get("drbd_port_blocked") in (True, role) and role in PAIR:
        # Answers from the port find no way back: to the peer the port looks filtered, and everything else passes.
        lines.append(f"ip rule add ipproto {_TCP} sport {settings.port} blackhole")
    if differs.get("listening_port", {}).get("host") == role:
        port = differs["listening_port"]["port"]
        lines.append(f'{PYTHON} -I -S -c "{_LISTENER}" {port} </dev/null >/dev/null 2>&1 &')
    return lines


def _owner(role: str, differs: Mapping[str, Any]) -> int:
    """Who Eucalyptus is on the host, as a number."""
    return EUCALYPTUS_ID + (1 if differs.get("uid_differs") and role == ADDITIONAL else 0)


def _programs(role: str) -> dict[str, File]:
    """The host's fake programs, and what stands before those that destroy."""

    def shim(*words: str) -> File:
        return File(resident.script(words, PYTHON, RUN).encode(), 0o755)

    if role == CLC:
        return {f"{PROGRAMS}/{name}": shim(f"cloud:{name}") for name in _CLOUD_PROGRAMS}
    wrappers = {f"{PROGRAMS}/{name}": File(wrapper(name).encode(), 0o755) for name in _DESTROYING}
    return wrappers | {
        f"{PROGRAMS}/chkconfig": shim("services:chkconfig"),
        f"/etc/init.d/{SERVICE}": shim("services:service", SERVICE),
    }


def wrapper(name: str) -> str:
    """What stands on PATH before a program that destroys."""
    return _WRAPPER.format(name=name, pattern=_DESTROYING[name])


@cache
def _fakes() -> dict[str, File]:
    """The fakes with what Python makes of them, so that no host has to compile them first."""
    source = Path(fakes.__file__).parent
    compileall.compile_dir(source, quiet=2)
    paths = (*source.rglob("*.py"), *source.rglob("*.pyc"))
    return {f"{FAKES}/{path.relative_to(source)}": File.of(path) for path in paths}


def _world_before(addresses: Mapping[str, str]) -> str:
    """The world before the first boot, as the fakes read it."""
    world = World(cloud=Cloud(tick_s=OPENING_TICK_S, check_ticks=CHECK_TICKS))
    for role in ROLES:
        row = HostRow(NAMES[role], addresses[role], boot_id="", role=role)
        if role in PAIR:
            row.services[SERVICE] = Service()
        world.hosts[row.name] = row
    world.cloud.walruses[FIRST_WALRUS] = WalrusState(FIRST_WALRUS, "walrus", addresses[ORIGINAL])
    return json.dumps(to_plain(world), separators=(",", ":"))


# On a host that runs


def prepare(host: MachineHost, rack: MachineRack) -> None:
    """Directories, users, hazards and the store; when this returns the host begins to serve.

    Raises:
        LabError: it did not work.
    """
    role, differs, settings = host.plan.role, rack.start.differs, rack.settings
    if (owner := _owner(role, differs)) != EUCALYPTUS_ID:
        host.execute("sh", "-c", _ANOTHER_ID, "prepare", str(owner))
    service, spec = SERVICE if role in PAIR else "", rack.start.store
    symlinked = "yes" if role == ORIGINAL and differs.get("store_is_symlink") else ""
    seed = (spec.as_json(),) if role == ORIGINAL else ()
    arguments = (settings.store, settings.staging, str(owner), service, symlinked, *seed)
    machine_host.run_script(host, _PREPARE, *arguments, timeout_s=_SEED_S)
    if role in differs.get("device_signature", {}):
        _sign(host, differs["device_signature"][role])
    missing = differs.get("missing_program", {})
    absent = {missing["program"]} if missing.get("host") == role else set()
    for program in sorted(absent | odd_openssl.absent(role, differs)):
        host.execute("sh", "-c", _WITHOUT_PROGRAM, "prepare", program)
    if differs.get("missing_init_script") == role:
        host.execute("rm", f"/etc/init.d/{DRBD_SERVICE}")
    if status := machine_host.run_script(host, _FURNISHED, BOOT):
        raise LabError(f"{host.plan.name}: {BOOT} ended with status {status}")


def _sign(host: MachineHost, signature: str) -> None:
    if signature in PROGRAMS_BY_SIGNATURE:
        host.execute(*PROGRAMS_BY_SIGNATURE[signature], BACKING_DEVICE)
        return
    size = int(host.execute("blockdev", "--getsize64", BACKING_DEVICE).text)
    offset, content = BYTES[signature](size)
    write = ("dd", f"of={BACKING_DEVICE}", f"seek={offset}", "oflag=seek_bytes", "conv=notrunc,fsync", "status=none")
    host.execute(*write, stdin=content)


def open_cloud(rack: MachineRack) -> None:
    """Wait until the original Walrus serves and the additional host's service runs, plant what the cloud does wrong
    from then on, forget the events.

    Raises:
        LabError: they do not in time.
    """
    differs = rack.start.differs
    cloud: dict[str, Any] = {
        "tick_s": TICK_S,
        "key_sync_fails": bool(differs.get("key_sync_fails")),
        "next_enabled": differs.get("next_enabled", ""),
    }
    if "storagedir" in differs:
        cloud["properties"] = {"walrus.storagedir": differs["storagedir"]}
    patch = json.dumps({"cloud": cloud, "events": []})
    enabled_s = _ENABLED_S * rack.hosts[CLC].kernel.slowness
    arguments = (WORLD_FILE, FIRST_WALRUS, SERVICE, str(enabled_s), patch)
    last = machine_host.run_script(rack.hosts[CLC], _OPEN_CLOUD, *arguments, timeout_s=2 * _ENABLED_S)
    if last["state"] != "ENABLED" or last["idle"]:
        raise LabError(f"{FIRST_WALRUS} is not ENABLED after {enabled_s:g} s: {last}")


# The world, which lies on the cloud controller


def world(rack: MachineRack) -> dict[str, Any]:
    """The world as it is now."""
    found: dict[str, Any] = machine_host.run_script(rack.hosts[CLC], _SHOW, WORLD_FILE)
    return found


def patch_world(rack: MachineRack, patch: dict[str, Any]) -> None:
    """Merge a JSON merge patch into the world."""
    machine_host.run_script(rack.hosts[CLC], _PATCH, WORLD_FILE, json.dumps(patch))


def call_fakes(host: MachineHost, *arguments: str, stdin: str | None = None) -> str:
    """Run one of the fakes' own commands on a host and return what it printed."""
    return host.execute(*fakes_call(*arguments), stdin=stdin).text
