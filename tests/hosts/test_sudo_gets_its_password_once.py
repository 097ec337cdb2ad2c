"""sudo gets its password on standard input when it asks, once; nothing is sent before, and nobody else ever sees it.

sudo is played by a program that asks as ``sudo -S`` does and counts; the containers lab has the real one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.errors import AccessDenied, InvalidInput
from harness.hosts.command import Claim, Command, Effect, PutFile, Result
from harness.hosts.local import LocalConnection
from harness.hosts.secret import Secret
from harness.hosts.ssh import SshConnection
from harness.hosts.transport import Transport
from tests.hosts.conftest import FENCE, Opener, Starter

CANARY = "correct-horse-battery-staple"
SUDO = """\
#!/bin/sh
# Asks for at most three passwords, a byte at a time as sudo does; its lecture comes first.
here=${0%/*}
echo "$@" >>"$here/calls"
[ "$1" = -S ] && [ "$2" = -p ] || { echo "sudo: a password is required" >&2; exit 1; }
prompt=$3
shift 6
echo "We trust you have received the usual lecture" >&2
for try in 1 2 3; do
  [ -e "$here/free" ] && exec "$@"
  printf %s "$prompt" >&2
  IFS= read -r given || { echo >&2; echo "sudo: no password was provided" >&2; exit 1; }
  echo "$given" >>"$here/given"
  [ "$given" = "$(cat "$here/right")" ] && exec "$@"
  echo >&2
  echo "Sorry, try again." >&2
done
echo "sudo: 3 incorrect password attempts" >&2
exit 1
"""


@dataclass
class Guarded:
    """A host whose sudo counts what it is given, and how to reach it."""

    folder: Path
    open: Callable[[], Transport] = field(init=False)
    connection: SshConnection | LocalConnection = field(init=False)

    def given(self) -> list[str]:
        path = self.folder / "given"
        return path.read_text().splitlines() if path.exists() else []

    def keep(self, password: str) -> None:
        kept = self.folder / "password"
        kept.touch(mode=0o600)
        kept.write_text(f"{password}\n")


@pytest.fixture(params=["ssh", "local"])
def guarded(request: pytest.FixtureRequest, tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> Guarded:
    host = Guarded(tmp_path)
    (tmp_path / "sudo").write_text(SUDO)
    (tmp_path / "sudo").chmod(0o755)
    (tmp_path / "right").write_text(CANARY)
    host.keep(CANARY)
    secret, state = Secret(file=str(tmp_path / "password")), str(tmp_path / "state")
    path = f"{tmp_path}:{os.environ['PATH']}"
    if request.param == "ssh":
        start: Starter = request.getfixturevalue("start_sshd")
        sshd = start(f"SetEnv PATH={path} HOME={tmp_path}")
        host.connection = sshd.connection(become=True, become_password=secret, state_directory=state)
    else:
        monkeypatch.setenv("PATH", path)
        host.connection = LocalConnection(become=True, become_password=secret, state_directory=state)
    host.open = lambda: opened(host.connection)
    return host


def test_the_right_one_opens(guarded: Guarded) -> None:
    transport = guarded.open()
    assert transport.send(Command(("cat",), stdin=b"in\n")) == Result(0, b"in\n")
    transport.send(Claim(FENCE))
    transport.send(PutFile(str(guarded.folder / "file"), b"content"), FENCE)
    assert transport.send(Command(("echo", "out"), Effect.WRITE), FENCE) == Result(0, b"out\n")
    assert (guarded.folder / "file").read_bytes() == b"content"
    assert set(guarded.given()) == {CANARY}


def test_one_that_is_not_asked_for_is_not_sent(guarded: Guarded) -> None:
    """It would be the first line that the shell behind sudo runs."""
    (guarded.folder / "free").touch()
    assert guarded.open().send(Command(("cat",), stdin=b"in\n")) == Result(0, b"in\n")
    assert guarded.given() == []


@pytest.mark.parametrize(
    "request_", [Command(("true",)), Command(("cat",), stdin=b"a\nb\nc\n")], ids=["plain", "input"]
)
def test_a_wrong_one_is_tried_once(guarded: Guarded, request_: Command) -> None:
    guarded.keep("wrong")
    transport = guarded.open()
    with pytest.raises(AccessDenied, match=r"sudo does not take the password of .*/password: Sorry, try again"):
        transport.send(request_)
    for _ in range(3):
        with pytest.raises(AccessDenied, match="it was not tried again"):
            transport.send(request_)
    assert guarded.given() == ["wrong"]


def test_nor_by_many_requests_at_once(guarded: Guarded) -> None:
    guarded.keep("wrong")
    transport = guarded.open()
    refusals: list[str] = []

    def ask() -> None:
        try:
            transport.send(Command(("true",)))
        except AccessDenied as refused:
            refusals.append(str(refused))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refusals) == 6
    assert guarded.given() == ["wrong"]


def test_a_wrong_one_is_not_sent_over_a_connection_that_stands(guarded: Guarded) -> None:
    """It was changed while the move ran: shells that are open stay, a new one tries the old one once."""
    transport = guarded.open()
    transport.send(Command(("true",)))
    (guarded.folder / "right").write_text("another")
    before = len(guarded.given())
    for _ in range(2):
        with pytest.raises(AccessDenied, match="does not take the password"):
            transport.send(Command(("cat",), stdin=b"x"))
    assert len(guarded.given()) == before + 1


def test_nobody_else_sees_it(guarded: Guarded) -> None:
    """Arguments and environment of every process, the calls of sudo, what the connection says of itself, errors."""
    transport = guarded.open()
    answer = transport.send(Command(("sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; set")))
    assert isinstance(answer, Result)
    said = answer.text + answer.stderr.decode(errors="replace")
    assert "walrus-ha" in said  # we did look at the processes
    (guarded.folder / "right").write_text("another")
    with pytest.raises(AccessDenied) as refused:
        transport.send(Command(("cat",), stdin=b"x"))
    calls = (guarded.folder / "calls").read_text()
    for text in (said, calls, repr(guarded.connection), guarded.connection.describe(), repr(refused.value)):
        assert CANARY not in text
    assert CANARY not in repr(vars(transport))


def test_its_file_must_be_its_owners_alone(guarded: Guarded) -> None:
    (guarded.folder / "password").chmod(0o640)
    with pytest.raises(AccessDenied, match="chmod 600"):
        guarded.open().send(Command(("true",)))
    assert guarded.given() == []


@pytest.mark.parametrize("kept", ["", "\n", "one\ntwo\n", "nul\0", "x" * 2000])
def test_a_password_is_one_line(tmp_path: Path, kept: str) -> None:
    (tmp_path / "password").touch(mode=0o600)
    (tmp_path / "password").write_text(kept)
    with pytest.raises(InvalidInput, match="does not hold a password") as wrong:
        Secret(file=str(tmp_path / "password")).reveal()
    assert len(str(wrong.value)) < 300


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    for path in (tmp_path, tmp_path / "absent", tmp_path / "fifo"):
        with pytest.raises(InvalidInput, match="which is to hold a password"):
            Secret(file=str(path)).reveal()


def test_it_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WALRUS_SUDO", "größer")
    assert Secret(variable="WALRUS_SUDO").reveal() == "größer".encode()
    monkeypatch.delenv("WALRUS_SUDO")
    with pytest.raises(InvalidInput, match="no variable WALRUS_SUDO"):
        Secret(variable="WALRUS_SUDO").reveal()


@pytest.mark.parametrize(
    ("says", "advice"),
    [
        ("sudo: sorry, you must have a tty to run sudo", "visudo there, and add  Defaults:USER !requiretty"),
        ("sudo: a password is required", "`become_password_file` under the host's `migrate:`"),
        ("Sorry, user admin is not allowed to execute '/bin/sh' as root on walrus00.", "sudoers there must let"),
    ],
)
def test_what_sudo_refuses_comes_with_what_to_do(guarded: Guarded, says: str, advice: str) -> None:
    (guarded.folder / "sudo").write_text(f'#!/bin/sh\necho "{says}" >&2; exit 1\n')
    with pytest.raises(AccessDenied) as refused:
        guarded.open().send(Command(("true",)))
    assert says in str(refused.value)
    assert advice in str(refused.value)
