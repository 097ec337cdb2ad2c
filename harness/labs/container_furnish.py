"""What makes a bare container a host of the lab: files, users, fakes, the shared world, and the planted hazards."""

from __future__ import annotations

import compileall
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import fakes
from fakes import oldtools, shims
from fakes.container import PYTHON_OPTIONS, RUN
from fakes.world import Cloud, Disk, HostRow, Service, WalrusState, World
from fakes.worldfile import to_plain
from harness.inventory import Settings
from harness.labs import container_login, odd_openssl
from harness.labs.container_host import WORLD, LabHost
from harness.labs.container_keys import LabKeys
from harness.labs.hostfiles import File
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, Start
from harness.labs.premises import (
    BACKING_DEVICE,
    CLOUD_KEY,
    CLOUD_SECRET,
    DRBD_SERVICE,
    EUCALYPTUS_ID,
    FIRST_WALRUS,
    NAMELESS,
    NAMES,
    NOT_BESIDE,
    SERVICE,
    SIGNATURE_UUID,
    role_in_cloud,
    texts_of,
)

PYTHON = "/usr/bin/python3"
FAKES = "/opt/fakes"
PROGRAMS = "/usr/local/sbin"  # the shims lie here, before everything else on root's PATH
WORLD_FILE = f"{WORLD}/world.json"
TICK_S = 0.3  # of the cloud: the real one's 10 s would be most of a trial
PAIR = (ORIGINAL, ADDITIONAL)

_TCP = "6"  # by number: a minimal image has no /etc/protocols
# The last line lets the host boot; see images/walrus/boot.
_PREPARE = """
set -eu
store=$1 staging=$2 id=$3
mkdir -p -- "$store" "$staging" /etc/lab /var/lib/eucalyptus/keys
if [ "$id" -ne "$(id -u eucalyptus)" ]; then
    groupmod -g "$id" eucalyptus
    usermod -u "$id" -g "$id" eucalyptus
fi
chown "$id:$id" -- "$store"
chmod 0700 -- "$store"
for name in $4; do
    for program in $(which -a -- "$name"); do rm -f -- "$program"; done
done
if [ "$5" = 2012 ]; then ln -sf bash /bin/sh; fi
: >/etc/lab/furnished
"""
_LISTENER = """
import socket, sys, time
server = socket.create_server(("", int(sys.argv[1])))
time.sleep(1e9)
"""


def fakes_call(*arguments: str) -> tuple[str, ...]:
    """The argument list that runs the fakes' own commands on a host."""
    return (PYTHON, *PYTHON_OPTIONS, f"{FAKES}/run.py", *arguments)


def files_for(host: LabHost, keys: LabKeys, start: Start) -> dict[str, File]:
    """Every file that the lab puts into the host."""
    role, name = host.plan.role, host.plan.name
    identity = json.dumps({"name": name, "world": WORLD_FILE}).encode()
    files = {path: File(text.encode()) for path, text in texts_of(role, start.differs).items()}
    files |= {
        "/etc/walrus-fakes.json": File(identity),
        "/etc/ssh/ssh_host_ed25519_key": File(keys.private(name), 0o600),
        "/root/.ssh/authorized_keys": File(keys.authorized(), 0o600),
    }
    if role in (CLC, ORIGINAL):
        files[CLOUD_KEY] = File(CLOUD_SECRET, 0o600)
    files |= _tools_of_2012() if start.host_tools == "2012" else {}
    files |= odd_openssl.files(role, start.differs, PROGRAMS)
    files |= container_login.files() if start.login == "sudo" else {}
    return files | _fakes()


@cache
def _tools_of_2012() -> dict[str, File]:
    """Programs that refuse what is younger, before the real ones on PATH; CentOS 6 has bash for its sh."""
    scripts = {name: oldtools.script(name, _shim(name) if name in shims.PARTLY else "") for name in oldtools.NAMES}
    return {f"{PROGRAMS}/{name}": File(text.encode(), 0o755) for name, text in scripts.items()}


@cache
def _fakes() -> dict[str, File]:
    """The fakes with what Python makes of them, so that no host has to compile them first, and their shims."""
    source = Path(fakes.__file__).parent
    compileall.compile_dir(source, quiet=2)
    paths = (*source.rglob("*.py"), *source.rglob("*.pyc"))
    files = {f"{FAKES}/{path.relative_to(source)}": File.of(path) for path in paths}
    for name in (*shims.names(), *shims.PARTLY):
        files[f"{PROGRAMS}/{name}"] = File(_shim(name).encode(), 0o755)
    return files


def _shim(name: str) -> str:
    return shims.script(name, PYTHON).replace(RUN, f"{FAKES}/run.py")


def world_for(hosts: Mapping[str, LabHost], start: Start) -> str:
    """The world before the first boot, as the fakes read it."""
    world = World(version=start.drbd, sync_bytes_per_s=start.sync_bytes_per_s, cloud=Cloud(tick_s=TICK_S))
    for role, host in hosts.items():
        row = HostRow(host.plan.name, host.address, boot_id="", role=role_in_cloud(role, start))
        row.has_cloud = role == ORIGINAL and start.clc == "original"
        if role in PAIR:
            row.drbd_version = start.differs.get("drbd_version", {}).get(role, "")
            row.disks[BACKING_DEVICE] = _disk(role, start)
            row.services[SERVICE] = Service()
            if start.differs.get("missing_init_script") != role:
                row.services[DRBD_SERVICE] = Service(starts_at_boot=False)
        world.hosts[row.name] = row
    world.cloud.walruses[FIRST_WALRUS] = WalrusState(FIRST_WALRUS, "walrus", hosts[ORIGINAL].address)
    return json.dumps(to_plain(world))


def _disk(role: str, start: Start) -> Disk:
    size = (
        start.differs.get("additional_device_bytes", start.device_bytes) if role == ADDITIONAL else start.device_bytes
    )
    signature = start.differs.get("device_signature", {}).get(role)
    if signature == NAMELESS:
        return Disk(BACKING_DEVICE, size, residue=True)
    return Disk(BACKING_DEVICE, size, signature=signature, uuid=SIGNATURE_UUID if signature else "")


def put_in(host: LabHost, hosts: Mapping[str, LabHost], keys: LabKeys, start: Start) -> None:
    """Put the files in, on one host also the world that all share; none of them boots yet."""
    files = files_for(host, keys, start)
    if host.plan.role == CLC:
        files[WORLD_FILE] = File(world_for(hosts, start).encode())
    host.put(files)


def prepare(host: LabHost, settings: Settings, start: Start) -> None:
    """Directories, users and hazards; when this returns the host boots."""
    role, differs = host.plan.role, start.differs
    if "listening_port" in differs and differs["listening_port"]["host"] == role:
        host.container.exec_run([PYTHON, "-c", _LISTENER, str(differs["listening_port"]["port"])], detach=True)
    if differs.get("drbd_port_blocked") in (True, role) and role in PAIR:
        # Answers from the port find no way back: to the peer the port looks filtered, and everything else passes.
        host.execute("ip", "rule", "add", "ipproto", _TCP, "sport", str(settings.port), "blackhole")
    owner = EUCALYPTUS_ID + (1 if differs.get("uid_differs") and role == ADDITIONAL else 0)
    missing = differs.get("missing_program", {})
    absent = {missing["program"]} if missing.get("host") == role else set()
    absent |= NOT_BESIDE[start.init] if role in PAIR else set()
    absent |= odd_openssl.absent(role, differs)
    if start.login == "sudo":
        container_login.add(host)
    host.execute(
        "sh",
        "-c",
        _PREPARE,
        "prepare",
        settings.store,
        settings.staging,
        str(owner),
        " ".join(sorted(absent)),
        start.host_tools,
    )


def capabilities(role: str, start: Start) -> tuple[str, ...]:
    """None, but to plant a blocked port."""
    return ("NET_ADMIN",) if start.differs.get("drbd_port_blocked") and role in PAIR else ()


def uname_of(role: str, start: Start) -> str:
    """What uname -n shall print on the host."""
    return str(start.differs.get("uname", {}).get(role, NAMES[role]))
