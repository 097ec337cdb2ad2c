"""What makes a bare machine a host of the lab: files, users, fakes, the cloud's world, and the planted hazards.

All of a host is real but Eucalyptus, so each hazard is planted where it would be found: on the disk's image, in the
host's files, on its network. One that cannot be planted makes the lab unavailable for that start.
"""

from __future__ import annotations

import compileall
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any, Protocol

import fakes
from fakes import resident
from fakes.container import PYTHON_OPTIONS
from fakes.world import Cloud, HostRow, Service, WalrusState, World
from fakes.worldfile import to_plain
from harness.errors import LabUnavailable
from harness.hosts.command import Result
from harness.inventory import Settings
from harness.labs.container_host import File
from harness.labs.container_keys import LabKeys
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, ROLES, Start
from harness.labs.machine_signatures import MAKERS
from harness.labs.premises import CLOUD_KEY, EUCALYPTUS_ID, FILES, FIRST_WALRUS, NAMES, SERVICE

PYTHON = "/usr/lib/walrus-lab/bin/python3"  # off PATH: the engine must not need it
FAKES = "/opt/fakes"
RUN = f"{FAKES}/run.py"
PROGRAMS = "/usr/local/sbin"  # shims and wrappers lie here, before everything else on root's PATH
WORLD = "/srv/walrus-world"
WORLD_FILE = f"{WORLD}/world.json"
BOOT = "/etc/lab/boot"  # what a furnished host runs at each boot
TICK_S = 1.0  # of the cloud: a tick costs half a second of processes on such a host
PAIR = (ORIGINAL, ADDITIONAL)

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
# At each boot of a furnished host: what udev would do for Eucalyptus, and the process that plays it.
chown eucalyptus:eucalyptus /dev/drbd[0-9]*
mkdir -p /run/walrus-fakes /var/run/eucalyptus
setsid {PYTHON} {" ".join(PYTHON_OPTIONS)} {RUN} resident </dev/null >>/var/log/walrus-fakes.log 2>&1 &
"""
_PREPARE = """
set -eu
store=$1 staging=$2 id=$3 missing=$4 service=$5
mkdir -p -- "$store" "$staging" /var/lib/eucalyptus/keys /var/log/eucalyptus
if [ "$id" -ne "$(id -u eucalyptus)" ]; then
    groupmod -g "$id" eucalyptus
    usermod -u "$id" -g "$id" eucalyptus
fi
chown "$id:$id" -- "$store"
chmod 0700 -- "$store"
if [ -n "$service" ]; then
    for level in 2 3 4 5; do
        mkdir -p "/etc/rc$level.d"
        ln -sf "../init.d/$service" "/etc/rc$level.d/S80$service"
    done
fi
if [ -n "$missing" ]; then
    for program in $(which -a -- "$missing"); do rm -f -- "$program"; done
fi
sync
"""
_LISTENER = "import socket, sys, time; server = socket.create_server(('', int(sys.argv[1]))); time.sleep(1e9)"
_BLOCK_PORT = """
set -eu
nft add table inet lab
nft add chain inet lab input '{ type filter hook input priority 0; }'
nft add rule inet lab input iifname != lo tcp dport "$1" drop
"""


class MachinePlan(Protocol):
    """What the lab decided about a host before it was there."""

    @property
    def role(self) -> str: ...
    @property
    def name(self) -> str: ...


class Machine(Protocol):
    """A host of the lab as far as furnishing goes."""

    @property
    def plan(self) -> MachinePlan: ...
    @property
    def address(self) -> str: ...
    def put(self, files: dict[str, File]) -> None: ...
    def execute(self, *argv: str) -> Result: ...


def require_possible(start: Start) -> None:
    """Every hazard of the start can be planted for real.

    Raises:
        LabUnavailable: naming the one that cannot, and why.
    """
    if start.drbd != "8.4":
        raise LabUnavailable(f"DRBD {start.drbd} cannot be had: the machines' kernel has 8.4")
    for role, signature in start.differs.get("device_signature", {}).items():
        if role in PAIR and signature not in MAKERS:
            raise LabUnavailable(f"nothing here makes a {signature} signature for the disk of {role}")


def device_bytes(role: str, start: Start) -> int:
    """Size of the backing disk that the host gets."""
    differs = start.differs
    return int(differs.get("additional_device_bytes", start.device_bytes)) if role == ADDITIONAL else start.device_bytes


def plant_on_disk(image: Path, role: str, start: Start) -> None:
    """Write onto the host's backing disk, given as its image, what lies there before the move.

    Raises:
        LabUnavailable: when this machine lacks the program that makes it.
    """
    signature = start.differs.get("device_signature", {}).get(role)
    if signature:
        MAKERS[signature](image)


def uname_of(role: str, start: Start) -> str:
    """What uname -n shall print on the host."""
    return str(start.differs.get("uname", {}).get(role, NAMES[role]))


def fakes_call(*arguments: str) -> tuple[str, ...]:
    """The argument list that runs the fakes' own commands on a host."""
    return (PYTHON, *PYTHON_OPTIONS, RUN, *arguments)


def files_for(role: str, addresses: Mapping[str, str], keys: LabKeys, start: Start) -> dict[str, File]:
    """Every file that the lab puts into the host; ``addresses`` by role."""
    name, server = NAMES[role], "" if role == CLC else addresses[CLC]
    identity = json.dumps({"name": name, "world": WORLD_FILE, "server": server}).encode()
    hosts = "127.0.0.1 localhost\n" + "".join(f"{addresses[other]} {NAMES[other]}\n" for other in ROLES)
    files = {path: File(text.encode()) for path, text in _texts(role, start.differs).items()}
    files |= {
        "/etc/hosts": File(hosts.encode()),
        "/etc/walrus-fakes.json": File(identity),
        "/etc/ssh/ssh_host_ed25519_key": File(keys.private(name), 0o600),
        "/root/.ssh/authorized_keys": File(keys.authorized(), 0o600),
        BOOT: File(_BOOT.encode(), 0o755),
    }
    if role in (CLC, ORIGINAL):
        files[CLOUD_KEY] = File(b"the cloud's key", 0o600)
    if role == CLC:
        files[WORLD_FILE] = File(world_for(addresses).encode())
    return files | _programs(role) | _fakes()


def _texts(role: str, differs: Mapping[str, Any]) -> dict[str, str]:
    texts = dict(FILES)
    if role in differs.get("os_release", {}):
        texts["/etc/redhat-release"] = differs["os_release"][role] + "\n"
    if role in differs.get("eucalyptus_version", {}):
        texts["/etc/eucalyptus/eucalyptus-version"] = differs["eucalyptus_version"][role] + "\n"
    if differs.get("fstab_line", {}).get("host") == role:
        texts["/etc/fstab"] += differs["fstab_line"]["line"] + "\n"
    return texts


def _programs(role: str) -> dict[str, File]:
    """The host's fake programs, and what stands before those that destroy."""

    def shim(*words: str) -> File:
        return File(resident.script(words, PYTHON, RUN).encode(), 0o755)

    if role == CLC:
        return {f"{PROGRAMS}/{name}": shim(f"cloud:{name}") for name in _CLOUD_PROGRAMS}
    wrappers = {
        f"{PROGRAMS}/{name}": File(_WRAPPER.format(name=name, pattern=pattern).encode(), 0o755)
        for name, pattern in _DESTROYING.items()
    }
    return wrappers | {
        f"{PROGRAMS}/chkconfig": shim("services:chkconfig"),
        f"/etc/init.d/{SERVICE}": shim("services:service", SERVICE),
    }


@cache
def _fakes() -> dict[str, File]:
    """The fakes with what Python makes of them, so that no host has to compile them first."""
    source = Path(str(package_files(fakes)))
    compileall.compile_dir(source, quiet=2)
    paths = (*source.rglob("*.py"), *source.rglob("*.pyc"))
    return {f"{FAKES}/{path.relative_to(source)}": File.of(path) for path in paths}


def world_for(addresses: Mapping[str, str]) -> str:
    """The world before the first boot, as the fakes read it."""
    world = World(cloud=Cloud(tick_s=TICK_S))
    for role in ROLES:
        row = HostRow(NAMES[role], addresses[role], boot_id="", role=role)
        if role in PAIR:
            row.services[SERVICE] = Service()
        world.hosts[row.name] = row
    world.cloud.walruses[FIRST_WALRUS] = WalrusState(FIRST_WALRUS, "walrus", addresses[ORIGINAL])
    return json.dumps(to_plain(world), separators=(",", ":"))


def prepare(host: Machine, settings: Settings, start: Start) -> None:
    """Directories, users and hazards of a host that runs and has its files."""
    role, differs = host.plan.role, start.differs
    owner = EUCALYPTUS_ID + (1 if differs.get("uid_differs") and role == ADDITIONAL else 0)
    missing = differs.get("missing_program", {})
    absent = missing["program"] if missing.get("host") == role else ""
    service = SERVICE if role in PAIR else ""
    host.execute("sh", "-c", _PREPARE, "prepare", settings.store, settings.staging, str(owner), absent, service)
    if differs.get("listening_port", {}).get("host") == role:
        port = str(differs["listening_port"]["port"])
        host.execute("sh", "-c", 'setsid "$@" >/dev/null 2>&1 </dev/null &', "plant", PYTHON, "-c", _LISTENER, port)
    if differs.get("drbd_port_blocked") and role in PAIR:
        host.execute("sh", "-c", _BLOCK_PORT, "plant", str(settings.port))


def boot(host: Machine) -> None:
    """Let a furnished host begin to serve, as it does by itself whenever it boots from now on."""
    host.execute("sh", "-c", 'exec "$0" >/dev/null 2>&1', BOOT)
