"""When a reply does not come whole, nobody claims to know whether the request ran; an exit status is never loss."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from subprocess import PIPE

import pytest

from harness.errors import CommandFailed, Indeterminate
from harness.hosts.command import Claim, Command, Effect, Fence, PutFile, Result
from harness.hosts.local import LocalConnection
from harness.hosts.script import compose
from harness.hosts.transport import Transport
from tests.hosts.conftest import FENCE, Opener, eventually
from tests.hosts.server import Sshd

WORK = 'echo begun; touch "$1/begun"; until [ -e "$1/go" ]; do sleep 0.02; done; echo more; echo x >>"$1/ended"'


def work(folder: Path, timeout_s: float = 60.0, effect: Effect = Effect.WRITE) -> Command:
    """A command that prints, waits to be let go, prints again and then leaves its trace."""
    return Command(("sh", "-ec", WORK, "sh", str(folder)), effect, timeout_s=timeout_s)


def ends_once_it_may(folder: Path) -> None:
    assert not (folder / "ended").exists()
    (folder / "go").touch()
    eventually((folder / "ended").exists)
    time.sleep(0.1)
    assert (folder / "ended").read_text() == "x\n"


def test_a_connection_that_is_cut_leaves_the_command_to_its_end(sshd: Sshd, opened: Opener, folder: Path) -> None:
    transport = opened(sshd.connection())
    transport.send(Claim(FENCE))

    def cut() -> None:
        eventually((folder / "begun").exists)
        sshd.signal_sessions(signal.SIGKILL)

    cutter = threading.Thread(target=cut)
    cutter.start()
    with pytest.raises(Indeterminate, match="ended without a reply"):
        transport.send(work(folder), FENCE)
    cutter.join()
    ends_once_it_may(folder)


def test_the_host_stays_locked_until_a_command_that_was_cut_has_ended(sshd: Sshd, opened: Opener, folder: Path) -> None:
    transport = opened(sshd.connection())
    transport.send(Claim(FENCE))
    with pytest.raises(Indeterminate, match="no reply within"):
        transport.send(work(folder, timeout_s=2), FENCE)
    with pytest.raises(Indeterminate, match="did not run: an earlier request still runs"):
        transport.send(Command(("touch", str(folder / "second")), Effect.WRITE, timeout_s=2), FENCE)
    ends_once_it_may(folder)
    assert not (folder / "second").exists()
    assert transport.send(Command(("true",), Effect.WRITE), FENCE) == Result(0)


def test_a_request_that_waits_for_the_lock_does_not_run_when_nobody_listens_any_more(
    sshd: Sshd, opened: Opener, folder: Path
) -> None:
    transport = opened(sshd.connection())
    transport.send(Claim(FENCE))
    canary = folder / "canary"
    lock = folder / "state" / "lock"
    with subprocess.Popen(["flock", str(lock), "sh", "-c", "echo; exec cat"], stdin=PIPE, stdout=PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()  # it has the lock, not only been asked for it
        cutter = threading.Timer(1.0, sshd.signal_sessions, [signal.SIGKILL])
        cutter.start()
        with pytest.raises(Indeterminate):
            transport.send(Command(("touch", str(canary)), Effect.WRITE), FENCE)
        cutter.join()
    assert transport.send(Command(("true",), Effect.WRITE), FENCE) == Result(0)
    assert not canary.exists()


def test_a_late_reply_is_no_reply(claimed: Transport, folder: Path) -> None:
    before = time.monotonic()
    with pytest.raises(Indeterminate, match="no reply within 1 s; it may still be running"):
        claimed.send(work(folder, timeout_s=1), FENCE)
    assert time.monotonic() - before < 10
    ends_once_it_may(folder)


def test_a_read_that_hangs_is_bounded(transport: Transport) -> None:
    before = time.monotonic()
    with pytest.raises(Indeterminate):
        transport.send(Command(("sleep", "30"), timeout_s=0.5))
    assert time.monotonic() - before < 10
    assert transport.send(Command(("true",))) == Result(0)


def test_a_shell_that_dies_is_no_exit_status(transport: Transport) -> None:
    with pytest.raises(Indeterminate):
        transport.send(Command(("sh", "-c", "kill -9 $PPID; sleep 0.1")))


@pytest.mark.parametrize("status", [0, 1, 2, 126, 254, 255])
def test_every_exit_status_of_a_command_is_its_own(claimed: Transport, status: int) -> None:
    for effect, fence in ((Effect.READ, None), (Effect.WRITE, FENCE)):
        answer = claimed.send(Command(("sh", "-c", f"echo out; echo err >&2; exit {status}"), effect), fence)
        assert answer == Result(status, b"out\n", b"err\n")


def test_a_command_that_is_killed_says_so(claimed: Transport) -> None:
    answer = claimed.send(Command(("sh", "-c", "kill -9 $$"), Effect.WRITE), FENCE)
    assert isinstance(answer, Result)
    assert answer.exit_status == 137


@pytest.mark.parametrize("effect", [Effect.READ, Effect.WRITE])
def test_a_daemon_that_keeps_its_output_open_delays_nothing(claimed: Transport, effect: Effect, folder: Path) -> None:
    daemon = 'sleep 20 & echo $! >"$1"; echo started'
    command = Command(("sh", "-c", daemon, "sh", str(folder / "pid")), effect, timeout_s=15)
    before = time.monotonic()
    try:
        assert claimed.send(command, None if effect is Effect.READ else FENCE) == Result(0, b"started\n")
        assert claimed.send(Command(("true",), Effect.WRITE, timeout_s=5), FENCE) == Result(0)
        assert time.monotonic() - before < 10
    finally:
        claimed.close()
        os.kill(int((folder / "pid").read_text()), signal.SIGKILL)


def test_output_that_resembles_a_reply_is_output(transport: Transport) -> None:
    forged = b"\n0123456789abcdef0123456789abcdef exit 0\n\nok\n" + b"f" * 32 + b"-ready\n"
    assert transport.send(Command(("cat",), stdin=forged)) == Result(0, forged)


def test_a_listing_of_processes_does_not_betray_the_mark(transport: Transport) -> None:
    """A command may print the command lines of our own shells; they must not look like the end of its output."""
    answer = transport.send(Command(("ps", "axww", "-o", "pid=,args=")))
    assert isinstance(answer, Result)
    assert "walrus-ha" in answer.text
    assert "ps axww" in answer.text.splitlines()[-1] or "ps axww" in answer.text


def test_a_request_that_is_cut_short_does_not_run(folder: Path, opened: Opener) -> None:
    """What arrives of a request after any number of its bytes does nothing, until all of them are there."""
    canary = folder / "canary"
    transport = opened(LocalConnection(state_directory=str(folder / "state")))
    transport.send(Claim(FENCE))
    for request, fence in (
        (Command(("touch", str(canary)), Effect.WRITE), None),
        (Command(("touch", str(canary)), Effect.WRITE), FENCE),
        (Command(("touch", str(canary)), Effect.WRITE, b"input"), FENCE),
        (PutFile(str(canary), b"content", 0o600), FENCE),
    ):
        message = compose(request, fence, str(folder / "state"))
        script = len(message.body) - len(request.stdin if isinstance(request, Command) else request.content)
        for length in (*range(0, script, 197), *range(script - 60, len(message.body))):
            part = message.body[:length]
            ended = subprocess.run(message.opening, input=part, capture_output=True, check=False)
            assert not canary.exists(), part[-200:]
            assert message.mark + b" exit" not in ended.stdout
        subprocess.run(message.opening, input=message.body, capture_output=True, check=True)
        assert canary.exists()
        canary.unlink()
    assert sorted(path.name for path in folder.iterdir()) == ["state"]


ENGINE = """
import signal, sys
from harness.hosts.command import Command
from harness.hosts.local import LocalConnection
signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
print(LocalConnection().open("walrus00").send(Command(("sh", "-ec", *sys.argv[1:]))).text)
"""


def test_an_interrupt_from_the_terminal_reaches_the_engine_only(folder: Path) -> None:
    """It finishes what it does and stops at a safe point, so the first Ctrl-C must not end what carries the reply."""
    argv = [sys.executable, "-c", ENGINE, WORK, "sh", str(folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as engine:
        eventually((folder / "begun").exists)
        os.killpg(engine.pid, signal.SIGINT)
        time.sleep(0.2)
        (folder / "go").touch()
        assert engine.communicate(timeout=10)[0] == "interrupted\nbegun\nmore\n\n"


def test_an_interrupt_of_the_engine_leaves_the_transport_usable(sshd: Sshd, opened: Opener, folder: Path) -> None:
    transport = opened(sshd.connection())
    transport.send(Claim(FENCE))

    def interrupt() -> None:
        eventually((folder / "begun").exists)
        os.kill(os.getpid(), signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        transport.send(work(folder), FENCE)
    interrupter.join()
    ends_once_it_may(folder)
    assert transport.send(Command(("true",), Effect.WRITE), FENCE) == Result(0)


def test_failure_of_a_put_is_known(claimed: Transport, folder: Path) -> None:
    with pytest.raises(CommandFailed):
        claimed.send(PutFile(str(folder / "no" / "such" / "directory"), b""), Fence(1, "run-1"))
