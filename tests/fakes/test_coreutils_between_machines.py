"""Probes, HTTP, processes and the kernel's own files: what one simulated machine sees of itself and of another."""

from __future__ import annotations

import functools
import http.server
import os
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.program import Call, Reply
from fakes.seeding import materialise, objects, plan_store
from tests.fakes.clouds import ADDRESSES, STORE, SimulatedCloud, serving_cloud
from tests.fakes.twins import needs

PROBE = ("timeout", "5", "bash", "-c", 'exec 3<>"/dev/tcp/$0/$1"')
CURL = ("curl", "-fsS", "--max-time", "30", "--")
HERE, THERE = ADDRESSES["walrus00"], ADDRESSES["walrus01"]


@pytest.fixture
def cloud() -> SimulatedCloud:
    return serving_cloud()


def _real(*argv: str) -> Reply:
    environment = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
    ran = subprocess.run(argv, capture_output=True, env=environment, timeout=60, check=False)
    return Reply(ran.returncode, ran.stdout, ran.stderr)


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _as_there(reply: Reply, address: str, port: int) -> Reply:
    """A real answer about this machine, as if it were about another address and port."""
    text = reply.stderr.replace(b"127.0.0.1", address.encode()).replace(b"%d" % port, b"7789")
    return Reply(reply.exit_status, reply.stdout, text)


@needs("bash", "timeout")
def test_a_probe_is_answered_as_really(cloud: SimulatedCloud, port: int) -> None:
    cloud.world.hosts["walrus01"].listening.append(7788)
    assert cloud.run(cloud.original, *PROBE, THERE, "7788") == _real(*PROBE, "127.0.0.1", str(port))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    refused = _as_there(_real(*PROBE, "127.0.0.1", str(nobody)), THERE, nobody)
    assert cloud.run(cloud.original, *PROBE, THERE, "7789") == refused
    assert b"Connection refused" in refused.stderr


def test_a_cut_link_gives_no_answer_and_a_dead_machine_no_route(cloud: SimulatedCloud) -> None:
    started = cloud.simulation.now
    cloud.simulation.cut_link("walrus00", "walrus01")
    assert cloud.run(cloud.original, *PROBE, THERE, "22").exit_status == 124
    assert cloud.simulation.now - started >= 5.0
    assert cloud.run(cloud.clc, *PROBE, THERE, "22").exit_status == 0, "other links are whole"
    assert cloud.run(cloud.original, *PROBE, HERE, "22").exit_status == 0, "a machine reaches itself"
    cloud.simulation.heal_link("walrus00", "walrus01")
    assert cloud.run(cloud.original, *PROBE, THERE, "22").exit_status == 0
    cloud.world.blocked_ports.append(22)
    assert cloud.run(cloud.original, *PROBE, THERE, "22").exit_status == 124
    cloud.additional.power_off()
    reply = cloud.run(cloud.original, *PROBE, THERE, "7789")
    assert (reply.exit_status, b"No route to host" in reply.stderr) == (1, True)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the tests' error stream."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[int]:
    """The port of a real web server with one object."""
    (tmp_path / "object").write_bytes(b"\x00bytes\xff")
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@needs("curl")
def test_curl_answers_as_really(cloud: SimulatedCloud, web: int) -> None:
    files = cloud.original.files
    files.mkdir(f"{STORE}/bucket")
    files.write(f"{STORE}/bucket/object", b"\x00bytes\xff")
    walrus = f"http://{HERE}:8773/services/Walrus"
    assert cloud.run(cloud.clc, *CURL, f"{walrus}/bucket/object") == _real(*CURL, f"http://127.0.0.1:{web}/object")
    assert cloud.run(cloud.clc, *CURL, f"{walrus}/bucket/none") == _real(*CURL, f"http://127.0.0.1:{web}/none")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "stop")
    real = _real(*CURL, f"http://127.0.0.1:{nobody}/object")
    refused = re.sub(rb"after \d+ ms", b"after 0 ms", _as_there(real, HERE, nobody).stderr).replace(b"7789", b"8773")
    assert cloud.run(cloud.clc, *CURL, f"{walrus}/bucket/object") == Reply(7, b"", refused)


def test_every_hostile_name_can_be_fetched(cloud: SimulatedCloud) -> None:
    from urllib.parse import quote

    items = plan_store(40, 50_000, 7, hostile=True)
    files = cloud.original.files
    materialise(files, STORE, items, 498, 498)
    for path, digest in objects(items):
        reply = cloud.run(cloud.clc, *CURL, f"http://{HERE}:8773/services/Walrus/{quote(os.fsencode(path))}")
        files.write("/fetched", reply.stdout)
        assert (reply.exit_status, files.sha256("/fetched")) == (0, digest), path


def test_curl_waits_its_time_over_a_cut_link(cloud: SimulatedCloud) -> None:
    started = cloud.simulation.now
    cloud.simulation.cut_link("clc00", "walrus00")
    assert cloud.run(cloud.clc, *CURL, f"http://{HERE}:8773/x").exit_status == 28
    assert cloud.simulation.now - started >= 30.0


def test_services_are_seen_by_their_processes(cloud: SimulatedCloud) -> None:
    argv = ("sh", "-c", 'exec grep -a -s -H "" /proc/[0-9]*/cmdline')
    listed = cloud.run(cloud.original, *argv).stdout.decode()
    assert re.search(r"^/proc/\d+/cmdline:eucalyptus-cloud\0", listed, re.MULTILINE)
    assert re.search(r"^/proc/1/cmdline:/sbin/init\0$", listed, re.MULTILINE)
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "stop")
    assert "eucalyptus" not in cloud.run(cloud.original, *argv).stdout.decode()


def test_listening_ports_stand_in_the_kernels_table(cloud: SimulatedCloud) -> None:
    cloud.world.hosts["walrus00"].listening.append(7789)
    table = cloud.run(cloud.original, "cat", "/proc/net/tcp").stdout.decode()
    real = Path("/proc/net/tcp").read_text(encoding="ascii")
    assert table.splitlines()[0] == real.splitlines()[0]
    rows = [line.split() for line in table.splitlines()[1:]]
    assert [(row[1], row[3]) for row in rows] == [
        ("00000000:0016", "0A"),
        ("00000000:1E6D", "0A"),
        ("00000000:2245", "0A"),
    ]
    widths = {(len(line), len(line.split())) for line in real.splitlines()[1:]}
    assert {(len(line), len(line.split())) for line in table.splitlines()[1:]} <= widths | {(149, 17)}


def test_credentials_are_sourced_before_a_tool(cloud: SimulatedCloud) -> None:
    wrapped = ("sh", "-c", '. "$0" && exec "$@"', "/root/eucarc", "euca_conf", "--list-walruses")
    assert cloud.run(cloud.clc, *wrapped).exit_status == 2
    cloud.clc.files.mkdir("/root")
    cloud.clc.files.write("/root/eucarc", b"export X=1\n")
    assert cloud.run(cloud.clc, *wrapped) == cloud.run(cloud.clc, *wrapped[4:])


def test_only_root_drops_the_page_cache(cloud: SimulatedCloud) -> None:
    argv = ("sysctl", "-w", "vm.drop_caches=3")
    assert cloud.run(cloud.original, *argv) == Reply(0, b"vm.drop_caches = 3\n")
    assert cloud.original.execute(Call(argv, user="eucalyptus")).exit_status != 0


def test_block_devices_are_there_as_the_world_says(cloud: SimulatedCloud) -> None:
    from fakes.world import Disk, Side

    row = cloud.world.hosts["walrus00"]
    row.disks["/dev/sdb"] = Disk("/dev/sdb", 1024**3)
    row.sides["r0"] = Side(configured=True, device="/dev/drbd1", minor=1, boot_id=row.boot_id)
    for device, numbers in (("/dev/sdb", b"8|10"), ("/dev/drbd1", b"93|1")):
        assert cloud.run(cloud.original, "test", "-b", device).exit_status == 0
        reply = cloud.run(cloud.original, "stat", "-c", "%F|%t|%T", "--", device)
        assert reply.stdout == b"block special file|" + numbers + b"\n"
    assert cloud.run(cloud.original, "test", "-b", "/dev/sdc").exit_status == 1
    assert cloud.run(cloud.original, "test", "-e", "/dev/drbd10").exit_status == 1
