"""A replicated pair of processes: what one Walrus stored is read from the other, after a stop and after a crash."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.hosts_on_disk import (
    ADDRESSES,
    CONFIGURATION,
    STORE,
    HostOnDisk,
    eventually,
    get,
    service_pid,
    three_hosts,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="device nodes and foreign owners need root")

Hosts = dict[str, HostOnDisk]
DRBD_CONF = f"""resource r0 {{
  protocol C;
  device /dev/drbd1;
  disk /dev/sdb;
  meta-disk internal;
  on walrus00 {{ address {ADDRESSES["walrus00"]}:7789; }}
  on walrus01 {{ address {ADDRESSES["walrus01"]}:7789; }}
}}
"""
ODD = os.fsdecode(b"odd name\xff\n")


def _run(host: HostOnDisk, *argv: str) -> str:
    """A command that must succeed."""
    done = host.run(*argv)
    assert done.returncode == 0, (argv, done)
    return done.stdout.decode()


def _states(hosts: Hosts) -> dict[str, str]:
    with hosts["clc00"].machine.world() as world:
        return {found.name: found.state for found in world.cloud.walruses.values()}


def _await_states(hosts: Hosts, original: str, additional: str) -> None:
    wanted = {"walrus00": original, "walrus01": additional}
    eventually(lambda: _states(hosts) == wanted, f"{wanted}, it is {_states(hosts)}")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Hosts]:
    """walrus00 is ENABLED on the replicated device, walrus01 DISABLED."""
    hosts = three_hosts(tmp_path)
    pair = [hosts["walrus00"], hosts["walrus01"]]
    try:
        _prepare(hosts, pair)
        yield hosts
    finally:
        for host in hosts.values():
            pid = service_pid(host)
            if pid and host.machine.alive(pid):
                os.kill(pid, signal.SIGKILL)


def _prepare(hosts: Hosts, pair: list[HostOnDisk]) -> None:
    for host in pair:
        host.real("/etc/drbd.conf").write_text('include "/etc/eucalyptus/drbd.conf";\n')
        host.real("/etc/eucalyptus/drbd.conf").write_text(DRBD_CONF)
        host.real("/etc/fstab").write_text(f"/dev/drbd1 {STORE} ext4 noauto,owner 0 0\n")
        host.real(CONFIGURATION).write_text('CLOUD_OPTS="-Dwalrus.storage.manager=DRBDStorageManager"\n')
        _run(host, "chkconfig", "eucalyptus-cloud", "off")
        _run(host, "boot")
        _run(host, "modprobe", "drbd")
        _run(host, "drbdadm", "create-md", "r0")
        _run(host, "drbdadm", "up", "r0")
    _run(hosts["clc00"], "boot")
    eventually(lambda: _run(pair[0], "drbdadm", "cstate", "r0") == "Connected\n", "the peers to meet")
    _run(pair[0], "drbdadm", "new-current-uuid", "--clear-bitmap", "r0")
    _run(pair[0], "drbdadm", "primary", "r0")
    _run(pair[0], "mkfs.ext4", "-q", "/dev/drbd1")
    _run(pair[0], "drbdadm", "secondary", "r0")
    for host in pair:
        name = host.machine.name
        _run(host, "service", "eucalyptus-cloud", "start")
        options = ("--partition", "walrus", "--host", ADDRESSES[name], "--component", name)
        _run(hosts["clc00"], "euca_conf", "--register-walrus", *options)
    eventually(lambda: "/dev/unknown" in _run(hosts["clc00"], "euca-describe-properties"), "the properties' row")
    for assignment in ("walrus.blockdevice=/dev/drbd1", "walrus.resource=r0"):
        _run(hosts["clc00"], "euca-modify-property", "-p", assignment)
    _await_states(hosts, "ENABLED", "DISABLED")


def _store(host: HostOnDisk) -> None:
    bucket = host.real(f"{STORE}/bucket")
    bucket.mkdir()
    (bucket / ODD).write_bytes(b"bytes")
    os.chown(bucket / ODD, 498, 498)


def test_stopping_the_enabled_walrus_hands_its_objects_over(pair: Hosts) -> None:
    _store(pair["walrus00"])
    assert get(pair["walrus00"], "bucket/odd%20name%ff%0a") == (200, b"bytes")
    _run(pair["walrus00"], "service", "eucalyptus-cloud", "stop")
    _await_states(pair, "STOPPED", "ENABLED")
    assert get(pair["walrus01"], "bucket/odd%20name%ff%0a") == (200, b"bytes")
    assert os.listdir(pair["walrus00"].real(STORE)) == []
    assert (pair["walrus01"].real(STORE) / "bucket" / ODD).stat().st_uid == 498


def test_a_power_cut_hands_over_what_had_reached_the_peer(pair: Hosts) -> None:
    _store(pair["walrus00"])
    _run(pair["walrus00"], "replicate")
    os.kill(service_pid(pair["walrus00"]), signal.SIGKILL)
    pair["clc00"].run("world", "patch", stdin=b'{"hosts": {"walrus00": {"powered": false}}}')
    _await_states(pair, "NOTREADY", "ENABLED")
    assert get(pair["walrus01"], "bucket/odd%20name%ff%0a") == (200, b"bytes")
    _run(pair["walrus00"], "boot")
    assert os.listdir(pair["walrus00"].real(STORE)) == []
    with pair["clc00"].machine.world() as world:
        assert world.unsupported == []
