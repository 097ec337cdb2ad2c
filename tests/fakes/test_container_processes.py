"""The fakes as processes: what a shim calls, what runs in the background, what happens at boot."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.container import IDENTITY_VARIABLE, PYTHON_OPTIONS, RUN
from fakes.shims import install, names
from tests.fakes.hosts_on_disk import ADDRESSES, KEY, STORE, HostOnDisk, eventually, get, service_pid, three_hosts

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="device nodes and foreign owners need root")

Hosts = dict[str, HostOnDisk]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    found = three_hosts(tmp_path)
    yield found
    for host in found.values():
        pid = service_pid(host)
        if pid and host.machine.alive(pid):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def serving(hosts: Hosts) -> Hosts:
    for host in hosts.values():
        assert host.run("boot").returncode == 0
    _register(hosts, "walrus00", "walrus-original")
    eventually(lambda: _states(hosts) == {"walrus-original": "ENABLED"}, "the original to be ENABLED")
    return hosts


def _states(hosts: Hosts) -> dict[str, str]:
    with hosts["clc00"].machine.world() as world:
        return {found.name: found.state for found in world.cloud.walruses.values()}


def _register(hosts: Hosts, host: str, name: str) -> None:
    options = ("--partition", "walrus", "--host", ADDRESSES[host], "--component", name)
    registered = hosts["clc00"].run("euca_conf", "--register-walrus", *options)
    assert registered.returncode == 0, registered.stderr


def _answers(host: HostOnDisk) -> bool:
    try:
        return get(host, "bucket/none")[0] in (404, 503)
    except urllib.error.URLError:
        return False


# Programs


def test_a_program_answers_as_the_function_does(hosts: Hosts) -> None:
    listed = hosts["walrus00"].run("chkconfig", "--list", "eucalyptus-cloud")
    assert listed.returncode == 0
    assert listed.stdout == b"eucalyptus-cloud\t0:off\t1:off\t2:on\t3:on\t4:on\t5:on\t6:off\n"


def test_what_is_not_modelled_fails_and_is_told_to_the_lab(hosts: Hosts) -> None:
    failed = hosts["walrus00"].run("service", "eucalyptus-cloud", "condrestart")
    assert failed.returncode == 70
    assert b"fake: not modelled: service eucalyptus-cloud condrestart" in failed.stderr
    with hosts["walrus00"].machine.world() as world:
        assert [said.split(":")[0] for said in world.unsupported] == ["walrus00"]


def test_a_fake_that_breaks_is_told_to_the_lab(hosts: Hosts) -> None:
    identity = hosts["walrus00"].identity
    identity.write_text(identity.read_text().replace('"walrus00"', '"nobody"'))
    assert hosts["walrus00"].run("chkconfig", "--list", "eucalyptus-cloud").returncode == 70
    with hosts["clc00"].machine.world() as world:
        assert "the fake failed: KeyError" in world.unsupported[0]


def test_bytes_that_are_not_utf8_reach_a_program(hosts: Hosts) -> None:
    failed = hosts["walrus00"].run(os.fsdecode(b"chkconfig"), "--list", os.fsdecode(b"\xff"))
    assert failed.returncode == 1, failed.stderr


# Shims


def test_every_faked_program_and_no_real_one_gets_a_shim() -> None:
    drbd = {"drbdadm", "drbdsetup", "drbdmeta", "drbd-overview", "modprobe", "rmmod", "modinfo"}
    volumes = {
        "mount",
        "umount",
        "findmnt",
        "blkid",
        "blockdev",
        "lsblk",
        "wipefs",
        "mkfs.ext3",
        "mkfs.ext4",
        "mkfs.xfs",
        "xfs_admin",
    }
    cloud = {"service", "chkconfig", "systemctl", "euca_conf", "euca-describe-services", "euca-describe-properties"}
    assert set(names()) == drbd | volumes | cloud | {"euca-modify-property"}


def test_a_shim_runs_its_program(hosts: Hosts, tmp_path: Path) -> None:
    install(str(tmp_path / "bin"), sys.executable)
    environment = {**os.environ, "WALRUS_FAKES": str(hosts["walrus00"].identity)}
    status = subprocess.run([tmp_path / "bin/service", "eucalyptus-cloud", "status"], env=environment, check=False)
    assert status.returncode == 3


def test_the_shim_of_cat_leaves_other_files_to_the_real_one(hosts: Hosts, tmp_path: Path) -> None:
    install(str(tmp_path / "bin"), sys.executable)
    (tmp_path / "odd\nname").write_bytes(b"\xffcontent")
    shown = subprocess.run([tmp_path / "bin/cat", tmp_path / "odd\nname"], capture_output=True, check=False)
    assert shown.stdout == b"\xffcontent"


# Services


def test_a_host_boots_with_its_services_and_device_nodes(hosts: Hosts) -> None:
    host = hosts["walrus00"]
    assert host.run("boot").returncode == 0
    assert host.run("service", "eucalyptus-cloud", "status").stdout == b"Eucalyptus services are running\n"
    assert stat.S_ISBLK(host.real("/dev/sdb").stat().st_mode)
    assert stat.S_ISBLK(host.real("/dev/drbd1").stat().st_mode)
    assert os.major(host.real("/dev/drbd1").stat().st_rdev) == 147


def test_a_service_that_is_off_does_not_boot(hosts: Hosts) -> None:
    host = hosts["walrus00"]
    host.run("chkconfig", "eucalyptus-cloud", "off")
    host.run("boot")
    assert host.run("service", "eucalyptus-cloud", "status").returncode == 3


def test_booting_again_gives_a_new_boot_id_and_forgets_what_the_kernel_knew(hosts: Hosts) -> None:
    host = hosts["walrus00"]
    host.run("boot")
    with host.machine.world() as world:
        row = host.machine.row(world)
        first, row.modules, row.powered = row.boot_id, ["drbd"], False
    host.machine.kill(service_pid(host))
    host.run("boot")
    with host.machine.world() as world:
        row = host.machine.row(world)
        assert (row.boot_id != first, row.modules, row.powered) == (True, [], True)
        assert [(found.kind, found.detail) for found in world.events if found.kind == "power"] == [("power", "on")]


def test_the_daemon_looks_like_eucalyptus_cloud(hosts: Hosts) -> None:
    host = hosts["walrus00"]
    host.run("boot")
    listed = subprocess.run(["ps", "axww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    mine = [line.split() for line in listed.splitlines() if line.split()[0] == str(service_pid(host))]
    assert mine[0][1] == "eucalyptus-cloud"
    assert "/var/run/eucalyptus/eucalyptus-cloud.pid" in mine[0]


def test_objects_are_read_over_http_while_enabled(serving: Hosts) -> None:
    host = serving["walrus00"]
    host.real(f"{STORE}/bucket").mkdir()
    (host.real(f"{STORE}/bucket") / os.fsdecode(b"a b\xff")).write_bytes(b"bytes" * 500_000)
    assert get(host, "bucket/a%20b%ff") == (200, b"bytes" * 500_000)
    assert get(host, "bucket/none") == (404, b"")
    assert get(serving["walrus01"], "bucket/a%20b%ff") == (503, b"")


def test_a_registered_walrus_receives_the_keys(serving: Hosts) -> None:
    _register(serving, "walrus01", "walrus-additional")
    assert serving["walrus01"].real(KEY).read_text() == "the cloud's keys"
    assert stat.S_IMODE(serving["walrus01"].real(KEY).stat().st_mode) == 0o600
    wanted = {"walrus-original": "ENABLED", "walrus-additional": "DISABLED"}
    eventually(lambda: _states(serving) == wanted, str(wanted))


def test_stop_ends_the_process_at_once_and_the_other_takes_over(serving: Hosts) -> None:
    _register(serving, "walrus01", "walrus-additional")
    pid = service_pid(serving["walrus00"])
    stopped = serving["walrus00"].run("service", "eucalyptus-cloud", "stop")
    assert stopped.stdout == b"Stopping Eucalyptus services: done.\n"
    assert not serving["walrus00"].machine.alive(pid)
    with pytest.raises(urllib.error.URLError, match="Connection refused"):
        get(serving["walrus00"], "bucket/object")
    wanted = {"walrus-original": "STOPPED", "walrus-additional": "ENABLED"}
    eventually(lambda: _states(serving) == wanted, str(wanted))


def test_sigterm_stops_walrus_cleanly(serving: Hosts) -> None:
    host = serving["walrus00"]
    pid = service_pid(host)
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not host.machine.alive(pid), "the daemon to end")
    assert _states(serving) == {"walrus-original": "STOPPED"}
    assert service_pid(host) == 0


def test_a_dead_daemon_that_nobody_reaped_is_not_alive(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IDENTITY_VARIABLE, str(hosts["walrus00"].identity))
    machine = hosts["walrus00"].machine
    pid = machine.spawn("eucalyptus-cloud")  # a child of this process, which does not wait for it
    eventually(lambda: machine.alive(pid), "the daemon to run")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not machine.alive(pid), "the daemon to be seen as dead")
    assert os.waitpid(pid, 0)[0] == pid


def test_a_second_daemon_finds_its_port_taken(hosts: Hosts) -> None:
    host = hosts["walrus00"]
    host.run("boot")
    eventually(lambda: _answers(host), "the first to have the port")
    second = host.run("daemon", "eucalyptus-cloud")
    assert second.returncode == 1
    assert b"Address already in use" in second.stderr


# The lab's doors


def test_the_world_is_shown_patched_and_recorded(hosts: Hosts) -> None:
    clc = hosts["clc00"]
    assert clc.run("world", "patch", stdin=b'{"hosts": {"walrus00": {"frozen": true}}}').returncode == 0
    assert clc.run("world", "record", "walrus00", "frozen", "on").returncode == 0
    shown = json.loads(clc.run("world", "show").stdout)
    assert shown["hosts"]["walrus00"]["frozen"] is True
    assert shown["hosts"]["walrus00"]["address"] == ADDRESSES["walrus00"]
    assert [shown["events"][0][key] for key in ("host", "kind", "detail")] == ["walrus00", "frozen", "on"]


def test_holding_the_world_keeps_others_out(hosts: Hosts) -> None:
    command = [sys.executable, *PYTHON_OPTIONS, RUN, "world", "hold"]
    environment = {**os.environ, IDENTITY_VARIABLE: str(hosts["clc00"].identity)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run(
                [sys.executable, *PYTHON_OPTIONS, RUN, "world", "show"], env=environment, timeout=1.0, check=False
            )
