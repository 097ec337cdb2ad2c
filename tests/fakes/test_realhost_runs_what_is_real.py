"""A host with a kernel of its own: real programs under their real users; services are what disk and processes say."""

from __future__ import annotations

import os
import pwd
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import programs, realhost, resident
from fakes.container import RUN
from fakes.program import Call
from fakes.programs import daemons, walrus
from fakes.programs.services import starting_at_boot
from fakes.realhost import RealHost
from fakes.world import HostRow, Service, WalrusState, World
from fakes.worldfile import WorldFile
from fakes.worldserver import WorldClient

SERVICE = walrus.SERVICE


@pytest.fixture
def world(tmp_path: Path) -> WorldFile:
    file = WorldFile(str(tmp_path / "world.json"))
    row = HostRow("walrus00", "127.0.0.1", "", "original")
    found = WalrusState("walrus-original", "walrus", row.address)
    file.create(World(hosts={row.name: row}))
    with file.open() as world:
        world.cloud.walruses[found.name] = found
        world.cloud.tick_s = 0.05
    return file


@pytest.fixture
def host(tmp_path: Path, world: WorldFile, monkeypatch: pytest.MonkeyPatch) -> RealHost:
    root = tmp_path / "disk"
    for path in (f"etc/init.d/{SERVICE}", "etc/eucalyptus/eucalyptus.conf"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")
    return RealHost("walrus00", world.path, str(root))


def call(host: RealHost, *argv: str) -> tuple[int, str]:
    reply = programs.run(Call(argv), host)
    return reply.exit_status, (reply.stdout + reply.stderr).decode()


def test_walrus_calls_the_hosts_own_programs(host: RealHost) -> None:
    assert walrus.call(host, "uname", "-n", user="root").stdout.decode().strip() == os.uname().nodename


def test_what_is_not_installed_fails_as_in_a_shell(host: RealHost) -> None:
    assert walrus.call(host, "no-such-program-here", user="root").exit_status == 127


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_programs_run_as_the_user_that_walrus_names(host: RealHost) -> None:
    assert walrus.call(host, "id", "-u", user="nobody").stdout == b"%d\n" % pwd.getpwnam("nobody").pw_uid
    assert walrus.call(host, "id", "-G", user="nobody").stdout == b"%d\n" % pwd.getpwnam("nobody").pw_gid


def test_a_program_that_never_ends_is_ended(host: RealHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realhost, "_PROGRAM_TAKES_AT_MOST_S", 0.2)
    assert walrus.call(host, "sleep", "60", user="root").exit_status == 124


def test_chkconfig_is_true_for_the_links_of_the_run_levels(host: RealHost, tmp_path: Path) -> None:
    start, kill = (tmp_path / f"disk/etc/rc3.d/{name}{SERVICE}" for name in ("S80", "K20"))
    assert "3:off" in call(host, "chkconfig", "--list", SERVICE)[1]
    assert call(host, "chkconfig", SERVICE, "on") == (0, "")
    assert start.is_symlink()
    assert not kill.is_symlink()
    assert "3:on" in call(host, "chkconfig", "--list", SERVICE)[1]
    assert call(host, "chkconfig", SERVICE, "off") == (0, "")
    assert kill.is_symlink()
    assert not start.is_symlink()


def test_a_boot_runs_drbds_own_script_first_when_its_links_say_so(
    host: RealHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "disk/etc/init.d/drbd"
    script.write_text(f'#!/bin/sh\necho "$0 $1" >>{tmp_path}/ran\n')
    script.chmod(0o755)
    monkeypatch.setattr(realhost, "INIT_SCRIPTS", str(script.parent))
    resident.start_services(host)
    assert not (tmp_path / "ran").exists()
    assert call(host, "chkconfig", "drbd", "on") == (0, "")
    assert (tmp_path / "disk/etc/rc3.d/S70drbd").is_symlink()
    resident.start_services(host)
    assert (tmp_path / "ran").read_text() == f"{script} start\n"
    assert starting_at_boot({"eucalyptus-cloud": Service(), "drbd": Service()}) == ["drbd", "eucalyptus-cloud"]


def test_init_starts_a_process_that_can_be_killed_and_init_notices(host: RealHost, world: WorldFile) -> None:
    assert call(host, "service", SERVICE, "status")[0] == 3
    sleeper = _sleeper()
    pid = sleeper.pid
    Path(host.files.real(realhost.PROCESS_FILE)).parent.mkdir(parents=True)
    Path(host.files.real(realhost.PROCESS_FILE)).write_text(str(pid))
    assert host.service().running
    assert host.service().pid == pid
    with host.world():
        pass
    assert world.read().hosts["walrus00"].services[SERVICE].running
    sleeper.kill()
    sleeper.wait()
    with host.world():
        pass
    assert not world.read().hosts["walrus00"].services[SERVICE].running


def _sleeper() -> subprocess.Popen[bytes]:
    """A process that looks like the fakes' daemon."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", RUN])


def test_without_the_cloud_a_walrus_finds_it_down_and_keeps_its_own_services(host: RealHost, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    alone = RealHost("walrus00", str(tmp_path / "none"), host.files.root, server="127.0.0.1")
    alone._server = WorldClient(("127.0.0.1", port))
    with alone.world() as world:
        assert not walrus.cloud_reachable(world, "walrus00")
    with pytest.raises(walrus.CloudUnreachable):
        walrus.DrbdManager(alone).start()
    assert daemons.tick(alone) > 0
    assert call(alone, "chkconfig", SERVICE, "on")[0] == 0
    assert alone.starts_at_boot(SERVICE)


@pytest.fixture
def answering(host: RealHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealHost]:
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(resident, "PORT", listener.getsockname()[1])
    threading.Thread(target=resident.answer_forever, args=(host, listener), daemon=True).start()
    yield host
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def shim(tmp_path: Path, *words: str, python: str = "/bin/false") -> Path:
    path = tmp_path / "shim"
    path.write_text(resident.script(words, python, "/nowhere"))
    path.chmod(0o755)
    return path


@pytest.mark.skipif(os.geteuid() != 0, reason="the shims ask the resident process for root only")
def test_a_shim_passes_words_output_and_status(answering: RealHost, tmp_path: Path) -> None:
    done = subprocess.run([shim(tmp_path, "services:chkconfig"), "--list", SERVICE], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split("\t")[0].strip(), done.stderr) == (0, SERVICE, "")
    done = subprocess.run([shim(tmp_path, "services:service", SERVICE), "status"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    done = subprocess.run([shim(tmp_path, "services:chkconfig"), "a 'b'\n", ""], capture_output=True, text=True)
    assert done.returncode == 70
    assert shlex.join(["chkconfig", "a 'b'\n", ""]) in done.stderr


def test_a_shim_starts_python_where_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        monkeypatch.setattr(resident, "PORT", gone.getsockname()[1])
    path = shim(tmp_path, "cloud:euca_conf", python="/bin/echo")
    done = subprocess.run([path, "--list-walruses"], capture_output=True, text=True)
    assert done.stdout.endswith("/nowhere cloud:euca_conf --list-walruses\n")
    assert done.stderr == ""
