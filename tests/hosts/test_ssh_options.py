"""What ssh is told: nothing from an inventory becomes an option, one connection is shared, nobody else can share it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import InvalidInput
from harness.hosts.command import Command, Effect, Result
from harness.hosts.function import FunctionConnection
from harness.hosts.local import LocalConnection
from harness.hosts.ssh import SshConnection
from harness.hosts.transport import Transport
from tests.hosts.conftest import Opener, Starter, eventually
from tests.hosts.server import Sshd


@pytest.mark.parametrize(
    "address", ["", "-oProxyCommand=id", "-V", "a b", "a;id", "a'", "a\n", "a/b", "user@host", "$(id)", "a\0", "[::1]"]
)
def test_an_address_cannot_be_anything_else(address: str) -> None:
    with pytest.raises(InvalidInput):
        SshConnection(address)


@pytest.mark.parametrize("user", ["", "-l", "a b", "a;id", "a\n", "$(id)"])
def test_a_user_cannot_be_anything_else(user: str) -> None:
    with pytest.raises(InvalidInput):
        SshConnection("walrus00", user=user)
    with pytest.raises(InvalidInput):
        SshConnection("walrus00", become=True, become_user=user)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_is_a_port(port: int) -> None:
    with pytest.raises(InvalidInput):
        SshConnection("walrus00", port=port)


def test_only_sudo_is_a_way_to_become_root() -> None:
    with pytest.raises(InvalidInput, match="only sudo"):
        SshConnection("walrus00", become=True, become_method="su")
    with pytest.raises(InvalidInput, match="only sudo"):
        LocalConnection(become=True, become_method="su")


@pytest.mark.parametrize("name", ['/a"b', "/a\nb"])
def test_a_file_name_that_ssh_would_misread_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        SshConnection("walrus00", identity_file=name)
    with pytest.raises(InvalidInput):
        SshConnection("walrus00", known_hosts=name)


@pytest.mark.parametrize(
    ("connection", "text"),
    [
        (SshConnection("10.0.0.5"), "ssh root@10.0.0.5:22"),
        (SshConnection("fd00::5", 2222, "admin", become=True), "ssh admin@[fd00::5]:2222 (sudo root)"),
        (SshConnection("walrus00", None, None), "ssh walrus00"),
        (LocalConnection(), "this machine"),
        (LocalConnection(become=True), "this machine (sudo root)"),
        (FunctionConnection(lambda name, request, fence: None), "simulated host"),
    ],
)
def test_a_connection_describes_itself(
    connection: SshConnection | LocalConnection | FunctionConnection, text: str
) -> None:
    assert connection.describe() == text


def effective(connection: SshConnection) -> dict[str, str]:
    """What ssh itself makes of the arguments."""
    argv = connection.arguments("/tmp/wha-test")
    argv.insert(1, "-G")
    printed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return dict(line.split(" ", 1) for line in printed.splitlines() if " " in line)


def test_ssh_understands_the_arguments() -> None:
    connection = SshConnection(
        "walrus00",
        2222,
        "admin",
        identity_file="/keys/my key",
        known_hosts="/keys/my known 100% hosts",
        common_args=("-F", "/dev/null", "-o", "ConnectTimeout=3", "-o", "ForwardAgent=yes", "-o", "BatchMode=no"),
    )
    options = effective(connection)
    expected = {
        "hostname": "walrus00",
        "port": "2222",
        "user": "admin",
        "batchmode": "yes",
        "stricthostkeychecking": "true",
        "forwardagent": "no",
        "forwardx11": "no",
        "clearallforwardings": "yes",
        "permitlocalcommand": "no",
        "requesttty": "false",
        "controlmaster": "auto",
        "controlpersist": "60",
        "serveraliveinterval": "10",
        "serveralivecountmax": "3",
        "connecttimeout": "3",
        "loglevel": "INFO",
        "globalknownhostsfile": "/dev/null",
        "updatehostkeys": "false",
        "identitiesonly": "yes",
    }
    assert {key: options[key] for key in expected} == expected
    assert options["identityfile"] == "/keys/my key"
    assert options["userknownhostsfile"] == "/keys/my known 100% hosts"


def test_a_config_of_the_user_is_honoured(sshd: Sshd, tmp_path: Path, opened: Opener) -> None:
    config = tmp_path / "config"
    config.write_text(f"Host the-walrus\n HostName 127.0.0.1\n Port {sshd.port}\n User {sshd.user}\n HostKeyAlias x\n")
    alias = tmp_path / "alias_known_hosts"
    alias.write_text("x " + sshd.known_hosts.read_text().split(" ", 1)[1])
    args = ("-F", str(config))
    connection = sshd.connection(address="the-walrus", port=None, user=None, common_args=args, known_hosts=alias)
    assert opened(connection).send(Command(("true",))) == Result(0)


def test_file_names_with_blanks_and_signs(sshd: Sshd, opened: Opener, folder: Path) -> None:
    odd = folder.parent / "100% odd"
    odd.mkdir()
    for name in ("known_hosts", "client_key"):
        (odd / f"my {name}").write_bytes((sshd.folder / name).read_bytes())
        (odd / f"my {name}").chmod(0o600)
    connection = sshd.connection(known_hosts=odd / "my known_hosts", identity_file=odd / "my client_key")
    assert opened(connection).send(Command(("true",))) == Result(0)


def _caller(transport: Transport) -> str:
    """Which connection the host sees a request come by."""
    answer = transport.send(Command(("sh", "-c", "echo $SSH_CONNECTION")))
    assert isinstance(answer, Result)
    return answer.text


def test_one_connection_is_shared(sshd: Sshd, opened: Opener) -> None:
    transport = opened(sshd.connection())
    assert len({_caller(transport) for _ in range(3)}) == 1


def test_connections_with_other_options_share_nothing(sshd: Sshd, opened: Opener) -> None:
    """A loose connection to the same address must not lend its shell to a strict one."""
    first, second = opened(sshd.connection()), opened(sshd.connection())
    assert _caller(first) != _caller(second)


def test_many_requests_at_once(sshd: Sshd, opened: Opener) -> None:
    transport = opened(sshd.connection())
    commands = [Command(("sh", "-c", "sleep 0.1; echo $1", "sh", str(number))) for number in range(24)]
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(transport.send, commands))
    assert answers == [Result(0, f"{number}\n".encode()) for number in range(24)]


def test_more_sessions_than_the_host_grants(start_sshd: Starter, opened: Opener) -> None:
    """ssh opens further connections and says so on its standard error, which is not the command's."""
    transport = opened(start_sshd("MaxSessions 1").connection())
    command = Command(("sh", "-c", "sleep 0.3; echo out"))
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(transport.send, [command] * 3))
    assert answers == [Result(0, b"out\n")] * 3


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the directories of shared connections appear: a short path of the test's own."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t-") as path:
        monkeypatch.setattr(tempfile, "tempdir", path)
        yield Path(path)


def test_closing_ends_the_connection_and_leaves_nothing(start_sshd: Starter, sockets: Path) -> None:
    sshd = start_sshd("")
    transport = sshd.connection().open("walrus00")
    transport.send(Command(("true",)))
    (directory,) = sockets.iterdir()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    transport.close()
    assert list(sockets.iterdir()) == []
    eventually(lambda: sshd.sessions() == [])
    transport.close()


def test_what_a_killed_engine_left_behind_is_removed(sshd: Sshd, opened: Opener, sockets: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    left, used, alive = (sockets / f"wha-{number}-x" for number in (ended.pid, f"0{ended.pid}", os.getpid()))
    for directory in (left, used, alive):
        directory.mkdir()
    (used / "socket").touch()
    opened(sshd.connection()).send(Command(("true",)))
    assert not left.exists()
    assert used.exists()
    assert alive.exists()


def test_a_directory_that_vanished_is_made_again(sshd: Sshd, opened: Opener, sockets: Path) -> None:
    transport = opened(sshd.connection())
    transport.send(Command(("true",)))
    (directory,) = sockets.iterdir()
    shutil.rmtree(directory)
    assert transport.send(Command(("true",))) == Result(0)


def test_a_transport_can_be_used_again_after_closing(sshd: Sshd, opened: Opener) -> None:
    transport = opened(sshd.connection())
    transport.send(Command(("true",)))
    transport.close()
    assert transport.send(Command(("true",))) == Result(0)


def test_a_transport_that_is_forgotten_is_closed(start_sshd: Starter, sockets: Path) -> None:
    sshd = start_sshd("")
    transport = sshd.connection().open("walrus00")
    transport.send(Command(("true",)))
    del transport
    eventually(lambda: not any(sockets.iterdir()))
    eventually(lambda: sshd.sessions() == [])


def test_no_secret_is_on_a_command_line(sshd: Sshd, opened: Opener) -> None:
    """What is sent and what is asked for travel on standard input; the local command line is always the same."""
    transport = opened(sshd.connection())
    listing = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
    answer = transport.send(Command(("sh", "-c", f"sleep 0.1; {listing}"), stdin=b"s3cret-input"))
    assert isinstance(answer, Result)
    assert "ControlMaster=auto" in answer.text
    assert "s3cret-input" not in answer.text
    local = [line for line in answer.text.split("ssh -T") if "BatchMode" in line]
    assert all("sleep 0.1" not in line.split("walrus-ha")[0] for line in local)


def test_a_function_is_a_host() -> None:
    seen: list[object] = []

    def host(name: str, request: object, fence: object) -> Result:
        seen.append((name, request, fence))
        return Result(3)

    transport = FunctionConnection(host).open("walrus00")
    command = Command(("true",), Effect.WRITE)
    assert transport.send(command) == Result(3)
    assert seen == [("walrus00", command, None)]
    transport.close()
