"""Requests share shells on the host: each still runs whole or not at all, and none can be mistaken for another."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from harness.errors import Indeterminate
from harness.hosts.command import (
    AskHolder,
    Claim,
    Command,
    Effect,
    Fence,
    PollJob,
    PutFile,
    Request,
    Result,
    StartJob,
    effect_of,
)
from harness.hosts.local import LocalConnection
from harness.hosts.script import compose_brief, serving
from harness.hosts.transport import Transport
from tests.hosts.conftest import FENCE, Opener, eventually
from tests.hosts.server import Sshd

# Prints the process id of the shell that stays: the parent of the command.
WHO = Command(("sh", "-c", "echo $PPID"))


@pytest.fixture
def transport(sshd: Sshd, opened: Opener) -> Transport:
    return opened(sshd.connection())


def who(transport: Transport) -> int:
    answer = transport.send(WHO)
    assert isinstance(answer, Result)
    return int(answer.text)


def test_one_after_the_other_they_share_a_shell(transport: Transport) -> None:
    first = who(transport)
    transport.send(Claim(FENCE))
    assert transport.send(Command(("true",), Effect.WRITE), FENCE) == Result(0)
    assert transport.send(AskHolder()) == FENCE
    assert who(transport) == first


def test_at_the_same_time_each_has_its_own(transport: Transport, folder: Path) -> None:
    shells: list[int] = []
    meet = 'touch "$1/$2"; until [ -e "$1/a" ] && [ -e "$1/b" ]; do sleep 0.02; done'

    def ask(name: str) -> None:
        answer = transport.send(Command(("sh", "-c", f"{meet}; {WHO.argv[-1]}", "sh", str(folder), name)))
        assert isinstance(answer, Result)
        shells.append(int(answer.text))

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(shells)) == 2
    assert who(transport) in shells


def test_a_shell_that_died_while_it_waited_is_replaced(transport: Transport, folder: Path) -> None:
    first = who(transport)
    os.kill(first, signal.SIGKILL)
    append = Command(("sh", "-c", 'echo x >>"$1"', "sh", str(folder / "ran")), Effect.WRITE)
    assert transport.send(append) == Result(0)
    assert (folder / "ran").read_text() == "x\n"
    assert who(transport) != first


def test_a_shell_whose_reply_is_late_is_not_asked_again(transport: Transport, folder: Path) -> None:
    first = who(transport)
    slow = Command(
        ("sh", "-c", 'until [ -e "$1" ]; do sleep 0.02; done; echo late', "sh", str(folder / "go")), timeout_s=1
    )
    with pytest.raises(Indeterminate, match="no reply within"):
        transport.send(slow)
    assert transport.send(Command(("echo", "mine"))) == Result(0, b"mine\n")
    assert who(transport) != first
    (folder / "go").touch()
    eventually(lambda: not Path("/proc", str(first)).exists())


def test_input_that_nobody_reads_is_never_run(transport: Transport, folder: Path) -> None:
    first = who(transport)
    lines = f"hail\ntouch {folder}/canary\n".encode() * 3
    assert transport.send(Command(("true",), stdin=lines)) == Result(0)
    assert who(transport) == first
    assert not (folder / "canary").exists()


def test_nothing_of_a_request_is_left_for_the_next(transport: Transport) -> None:
    """Each is run in a shell of its own: no variable, descriptor or directory outlives it."""
    show = Command(("sh", "-c", "pwd; umask; set | grep -c '^mark=\\|^job=\\|^epoch='; ls /proc/$PPID/fd | wc -l"))
    before = transport.send(show)
    transport.send(Claim(FENCE))
    transport.send(Command(("sh", "-c", "echo out; echo err >&2"), Effect.WRITE), FENCE)
    transport.send(StartJob("job-1", Command(("true",), Effect.WRITE)), FENCE)
    transport.send(PollJob("job-1"))
    assert transport.send(show) == before


def test_a_request_that_is_cut_short_does_not_run(folder: Path, opened: Opener) -> None:
    """What arrives of it after any number of its bytes does nothing, until all of them but the line's end are there."""
    canary, state = folder / "canary", str(folder / "state")
    opened(LocalConnection(state_directory=state)).send(Claim(FENCE))
    touch = Command(("touch", str(canary)), Effect.WRITE)
    requests: list[tuple[Request, Fence | None]] = [(touch, None), (touch, FENCE), (StartJob("job-1", touch), FENCE)]
    for request, fence in requests:
        shell, message = serving(state), compose_brief(request, fence)
        assert message is not None
        whole = shell.body + message.body
        for length in (*range(0, len(shell.body), 397), *range(len(shell.body), len(whole) - 1)):
            ended = subprocess.run(shell.opening, input=whole[:length], capture_output=True, check=False, timeout=10)
            assert not canary.exists(), whole[:length][-200:]
            assert message.mark + b" " not in ended.stdout
        subprocess.run(shell.opening, input=whole, capture_output=True, check=True, timeout=10)
        eventually(canary.exists)
        canary.unlink()


def test_a_request_that_fails_inside_ends_the_shell(folder: Path) -> None:
    """What follows a request that did not come to its end is thrown away."""
    canary = folder / "canary"
    shell, message = serving(str(folder / "state")), compose_brief(Command(("touch", str(canary))), None)
    assert message is not None
    broken = b"greet 0123\n{ exit 3 || exit; }\n"
    ended = subprocess.run(
        shell.opening, input=shell.body + broken + message.body, capture_output=True, check=False, timeout=10
    )
    assert message.greeting not in ended.stdout
    assert not canary.exists()


@pytest.mark.parametrize("name", [name for name in ("dash", "bash", "busybox") if shutil.which(name)])
def test_any_posix_shell_will_do(name: str, folder: Path) -> None:
    shell = serving(str(folder / "state"))
    program = (name, "sh") if name == "busybox" else (name,)
    bodies = b""
    every_byte = PutFile(str(folder / "file"), bytes(range(256)), 0o600)
    for request in (Claim(FENCE), every_byte, Command(("echo", "one")), Command(("echo", "two"), Effect.WRITE)):
        fence = FENCE if effect_of(request) is Effect.WRITE and not isinstance(request, Claim) else None
        message = compose_brief(request, fence)
        assert message is not None
        bodies += message.body
    ended = subprocess.run(
        (*program, *shell.opening[1:]), input=shell.body + bodies, capture_output=True, check=True, timeout=10
    )
    assert [word for word in ended.stdout.decode().split() if word in ("one", "two", "ok")] == [
        "ok",
        "ok",
        "one",
        "two",
    ]
    assert (folder / "file").read_bytes() == every_byte.content


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here (apt-get install bash)")
def test_no_function_of_the_environment_stands_for_a_program(folder: Path) -> None:
    shell, message = serving(str(folder / "state")), compose_brief(Command(("uname", "-s")), None)
    assert message is not None
    ended = subprocess.run(
        ("bash", *shell.opening[1:]),
        input=shell.body.replace(b"exec sh -s", b"exec bash -s") + message.body,
        capture_output=True,
        check=True,
        timeout=10,
        env={**os.environ, "BASH_FUNC_uname%%": "() { echo fooled; }"},
    )
    assert b"\nLinux\n" in ended.stdout
    assert b"fooled" not in ended.stdout


def test_a_program_is_looked_for_anew_at_each_request(folder: Path) -> None:
    """One that stands before the other later is taken, and the other again when it has gone."""
    another, before = folder / "another", folder / "uname"
    another.write_text("#!/bin/sh\necho another\n")
    another.chmod(0o755)
    shell, ask = serving(str(folder / "state")), Command(("uname", "-s"))
    told = shell.body
    for request in (ask, Command(("cp", "-p", str(another), str(before))), ask, Command(("rm", str(before))), ask):
        message = compose_brief(request, None)
        assert message is not None
        told += message.body
    path = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    ended = subprocess.run(shell.opening, input=told, capture_output=True, check=True, timeout=10, env=path)
    assert [word for word in ended.stdout.decode().split() if word in ("Linux", "another")] == [
        "Linux",
        "another",
        "Linux",
    ]
