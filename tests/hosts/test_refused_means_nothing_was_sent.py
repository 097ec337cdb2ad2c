"""When there is no shell on the host, the error says whether we were refused or nobody was there; nothing has run."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from harness.errors import AccessDenied, HostError, Unreachable
from harness.hosts import ssh
from harness.hosts.command import Command, Effect, Result
from harness.hosts.local import LocalConnection
from harness.hosts.transport import Transport
from tests.hosts.conftest import Opener, Starter, eventually
from tests.hosts.server import Sshd, known_as, new_key


@pytest.fixture
def canary(folder: Path) -> Path:
    """What a request would leave behind if it ran."""
    return folder / "canary"


def refusal(transport: Transport, canary: Path) -> HostError:
    """The error that both a request that reads and one that writes end with."""
    for effect in (Effect.READ, Effect.WRITE):
        with pytest.raises((AccessDenied, Unreachable)) as caught:
            transport.send(Command(("touch", str(canary)), effect))
        assert caught.value.host == "walrus00"
    assert not canary.exists()
    return caught.value


def test_another_host_key_is_access_denied(sshd: Sshd, tmp_path: Path, opened: Opener, canary: Path) -> None:
    other = tmp_path / "other_known_hosts"
    other.write_text(known_as(sshd.port, new_key(tmp_path / "other_key")))
    error = refusal(opened(sshd.connection(known_hosts=other)), canary)
    assert isinstance(error, AccessDenied)
    assert "Host key verification failed" in str(error)
    assert "known_hosts" in str(error)


def test_an_unknown_host_key_is_access_denied(sshd: Sshd, tmp_path: Path, opened: Opener, canary: Path) -> None:
    nothing = tmp_path / "empty_known_hosts"
    nothing.touch()
    assert isinstance(refusal(opened(sshd.connection(known_hosts=nothing)), canary), AccessDenied)
    assert nothing.read_text() == ""


def test_options_of_the_user_cannot_switch_the_check_off(
    sshd: Sshd, tmp_path: Path, opened: Opener, canary: Path
) -> None:
    other = tmp_path / "other_known_hosts"
    other.write_text(known_as(sshd.port, new_key(tmp_path / "other_key")))
    loose = ("-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={sshd.known_hosts}")
    transport = opened(sshd.connection(known_hosts=other, common_args=loose, extra_args=loose))
    assert isinstance(refusal(transport, canary), AccessDenied)


def test_a_laboratory_may_accept_a_new_key_but_not_a_changed_one(
    sshd: Sshd, tmp_path: Path, opened: Opener, canary: Path
) -> None:
    known = tmp_path / "new_known_hosts"
    assert opened(sshd.connection(known_hosts=known, strict=False)).send(Command(("true",))) == Result(0)
    assert known.read_text()
    known.write_text(known_as(sshd.port, new_key(tmp_path / "other_key")))
    assert isinstance(refusal(opened(sshd.connection(known_hosts=known, strict=False)), canary), AccessDenied)


def test_a_key_that_the_host_does_not_know_is_access_denied(
    sshd: Sshd, tmp_path: Path, opened: Opener, canary: Path
) -> None:
    stranger = new_key(tmp_path / "stranger")
    error = refusal(opened(sshd.connection(identity_file=stranger)), canary)
    assert isinstance(error, AccessDenied)
    assert "Permission denied" in str(error)


def test_a_host_without_an_address_is_unreachable(sshd: Sshd, opened: Opener, canary: Path) -> None:
    error = refusal(opened(sshd.connection(address="no-such-host.invalid")), canary)
    assert isinstance(error, Unreachable)
    assert "resolve" in str(error)


def test_a_port_where_nobody_listens_is_unreachable(sshd: Sshd, opened: Opener, canary: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = probe.getsockname()[1]
    error = refusal(opened(sshd.connection(port=closed)), canary)
    assert isinstance(error, Unreachable)
    assert "refused" in str(error)


def test_a_host_that_accepts_and_says_nothing_is_unreachable(
    sshd: Sshd, opened: Opener, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "GREETING_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        before = time.monotonic()
        error = refusal(opened(sshd.connection(port=silent.getsockname()[1])), canary)
    assert isinstance(error, Unreachable)
    assert "no shell within 0.5 s" in str(error)
    assert time.monotonic() - before < 10


def test_a_shell_that_comes_too_late_has_nothing_to_run(
    start_sshd: Starter, opened: Opener, canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network breaks before the greeting, and the host does not notice that we are gone."""
    monkeypatch.setattr(ssh, "GREETING_S", 2.0)
    begun, go, over = tmp_path / "begun", tmp_path / "go", tmp_path / "over"
    late = f'touch {begun}; until [ -e {go} ]; do sleep 0.1; done; (eval "$SSH_ORIGINAL_COMMAND"); touch {over}'
    sshd = start_sshd(f"ForceCommand {late}")

    def break_network() -> None:
        eventually(begun.exists)
        time.sleep(0.5)  # long enough for anything that is sent too early to arrive
        sshd.signal_sessions(signal.SIGSTOP)

    breaker = threading.Thread(target=break_network)
    breaker.start()
    with pytest.raises(Unreachable, match="no shell within"):
        opened(sshd.connection()).send(Command(("touch", str(canary)), Effect.WRITE))
    breaker.join()
    go.touch()
    time.sleep(0.5)
    assert not canary.exists()
    sshd.signal_sessions(signal.SIGKILL)
    eventually(over.exists)
    assert not canary.exists()


def test_a_host_that_hangs_up_at_once_is_unreachable(sshd: Sshd, opened: Opener, canary: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def hang_up() -> None:
            for _ in range(2):
                rude.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert isinstance(refusal(opened(sshd.connection(port=rude.getsockname()[1])), canary), Unreachable)
        thread.join()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("echo 'This account is currently not available.'; exit 1", "status 1"),
        ("exit 0", "status 0"),
        ("echo 'sudo: a password is required' >&2; exit 1", "sudo: a password is required"),
    ],
)
def test_a_login_that_gives_no_shell_is_access_denied(
    start_sshd: Starter, opened: Opener, canary: Path, answer: str, said: str
) -> None:
    error = refusal(opened(start_sshd(f"ForceCommand {answer}").connection()), canary)
    assert isinstance(error, AccessDenied)
    assert said in str(error)


def test_a_user_that_sudo_refuses_is_access_denied(sshd: Sshd, opened: Opener, canary: Path) -> None:
    """Holds with sudo, which does not know that user, and without it."""
    for connection in (
        sshd.connection(become=True, become_user="no-such-user"),
        LocalConnection(become=True, become_user="no-such-user", state_directory=str(sshd.state)),
    ):
        error = refusal(opened(connection), canary)
        assert isinstance(error, AccessDenied | Unreachable)
        assert "sudo" in str(error)


def test_sudo_is_asked_not_to_ask(opened: Opener, folder: Path, canary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sudo_prints(
        folder, monkeypatch, 'printf "%s " "$@" >"$0.arguments"; echo "sudo: a password is required" >&2; exit 1'
    )
    error = refusal(opened(LocalConnection(become=True, become_user="walrus")), canary)
    assert isinstance(error, AccessDenied)
    assert "a password is required" in str(error)
    assert (folder / "sudo.arguments").read_text().startswith("-n -u walrus -- sh -c ")


def test_sudo_that_agrees_runs_the_request(opened: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sudo_prints(folder, monkeypatch, 'echo lecture; echo lecture >&2; shift 4; exec "$@"')
    transport = opened(LocalConnection(become=True, state_directory=str(folder / "state")))
    assert transport.send(Command(("cat",), stdin=b"input")) == Result(0, b"input")


def sudo_prints(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    program = folder / "sudo"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_controller_without_ssh_says_so(
    sshd: Sshd, opened: Opener, canary: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    error = refusal(opened(sshd.connection()), canary)
    assert isinstance(error, Unreachable)
    assert "cannot run ssh" in str(error)


def test_a_shared_connection_that_died_unnoticed_is_replaced(
    sshd: Sshd, opened: Opener, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = opened(sshd.connection())
    transport.send(Command(("true",)))
    monkeypatch.setattr(ssh, "SHARED_GREETING_S", 0.5)
    sshd.signal_sessions(signal.SIGSTOP)
    assert transport.send(Command(("touch", str(canary)), Effect.WRITE)) == Result(0)
    assert canary.exists()


def test_a_host_that_froze_is_unreachable(
    start_sshd: Starter, opened: Opener, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd = start_sshd("")
    transport = opened(sshd.connection())
    transport.send(Command(("true",)))
    monkeypatch.setattr(ssh, "SHARED_GREETING_S", 0.5)
    monkeypatch.setattr(ssh, "GREETING_S", 0.5)
    sshd.signal_sessions(signal.SIGSTOP)
    os.kill(sshd.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(Unreachable, match="no shell within"):
            transport.send(Command(("touch", str(canary)), Effect.WRITE))
    finally:
        os.kill(sshd.process.pid, signal.SIGCONT)
        sshd.signal_sessions(signal.SIGCONT)
    monkeypatch.undo()
    assert transport.send(Command(("true",))) == Result(0)
    time.sleep(0.5)
    assert not canary.exists()


def test_a_connection_that_was_cut_while_idle_is_made_again(sshd: Sshd, opened: Opener) -> None:
    transport = opened(sshd.connection())
    transport.send(Command(("true",)))
    sshd.signal_sessions(signal.SIGKILL)
    assert transport.send(Command(("true",), Effect.WRITE)) == Result(0)


def test_a_host_that_left_is_unreachable_at_once(start_sshd: Starter, opened: Opener, canary: Path) -> None:
    sshd = start_sshd("")
    transport = opened(sshd.connection())
    transport.send(Command(("true",)))
    sshd.stop()
    assert isinstance(refusal(transport, canary), Unreachable)
