"""A host takes orders from one run at a time: the one that holds its epoch."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import CommandFailed, Fenced, Held, InvalidInput, Rebooted
from harness.hosts.command import (
    AskHolder,
    Claim,
    Command,
    ContinueJob,
    Effect,
    Fence,
    PauseJob,
    PollJob,
    PutFile,
    Request,
    Result,
    StartJob,
    StopJob,
)
from harness.hosts.local import LocalConnection
from harness.hosts.transport import Transport
from tests.hosts.conftest import FENCE, Opener, eventually

NOBODY = Fence(0, "-")


def holder(transport: Transport) -> Fence:
    answer = transport.send(AskHolder())
    assert isinstance(answer, Fence)
    return answer


def test_a_host_that_nobody_claimed(transport: Transport, folder: Path) -> None:
    assert holder(transport) == NOBODY
    assert not (folder / "state").exists()


def test_claim_release_claim(transport: Transport, folder: Path) -> None:
    assert transport.send(Claim(Fence(3, "run-1"))) is None
    assert holder(transport) == Fence(3, "run-1")
    assert transport.send(Claim(Fence(3, "run-1"), release=True)) is None
    assert holder(transport) == Fence(3, "-")
    transport.send(Claim(Fence(4, "run-2")))
    assert holder(transport) == Fence(4, "run-2")
    assert (folder / "state").stat().st_mode & 0o777 == 0o700
    epoch, run, life = (folder / "state" / "epoch").read_text().split()
    assert (epoch, run) == ("4", "run-2")
    assert life.startswith(Path("/proc/sys/kernel/random/boot_id").read_text().strip())


@pytest.mark.parametrize("granted_in", ["", " 00000000-0000-4000-8000-000000000000.1"])
def test_a_host_that_rebooted_since_it_was_claimed_is_not_changed(
    claimed: Transport, folder: Path, granted_in: str
) -> None:
    """What was mounted, loaded or running when the run looked is gone; an epoch of an older version knows no life."""
    (folder / "state" / "epoch").write_text(f"{FENCE.epoch} {FENCE.run_id}{granted_in}\n")
    canary = folder / "canary"
    for request in (
        Command(("touch", str(canary)), Effect.WRITE),
        PutFile(str(canary), b"x"),
        StartJob("job", Command(("touch", str(canary)), Effect.WRITE)),
        AskHolder(),
    ):
        with pytest.raises(Rebooted, match="rebooted since this run claimed it"):
            claimed.send(request, FENCE)
    assert not canary.exists()
    claimed.send(Claim(Fence(FENCE.epoch + 1, FENCE.run_id)))
    claimed.send(Command(("touch", str(canary)), Effect.WRITE), Fence(FENCE.epoch + 1, FENCE.run_id))
    assert canary.exists()


def test_another_run_is_held_off(local: Transport) -> None:
    local.send(Claim(Fence(3, "run-1")))
    with pytest.raises(Held, match="run run-1 holds this host under epoch 3"):
        local.send(Claim(Fence(9, "run-2")))
    assert holder(local) == Fence(3, "run-1")


def test_the_same_run_may_raise_its_epoch(local: Transport) -> None:
    local.send(Claim(Fence(3, "run-1")))
    local.send(Claim(Fence(4, "run-1")))
    assert holder(local) == Fence(4, "run-1")


@pytest.mark.parametrize("epoch", [1, 2, 3])
@pytest.mark.parametrize("released", [False, True])
def test_an_epoch_must_be_newer(local: Transport, epoch: int, released: bool) -> None:
    local.send(Claim(Fence(3, "run-1")))
    if released:
        local.send(Claim(Fence(3, "run-1"), release=True))
    with pytest.raises(Fenced):
        local.send(Claim(Fence(epoch, "run-1")))
    assert holder(local) == Fence(3, "-" if released else "run-1")


@pytest.mark.parametrize("stale", [Fence(2, "run-1"), Fence(4, "run-1"), Fence(3, "run-2")])
def test_only_the_holder_may_release(local: Transport, stale: Fence) -> None:
    local.send(Claim(Fence(3, "run-1")))
    with pytest.raises(Fenced):
        local.send(Claim(stale, release=True))
    assert holder(local) == Fence(3, "run-1")


def changes(folder: Path) -> list[Request]:
    """Every kind of request that changes a host, each leaving the same trace."""
    canary = str(folder / "canary")
    touch = ("touch", canary)
    return [
        Command(touch, Effect.WRITE),
        Command(touch, Effect.DESTROY),
        PutFile(canary, b""),
        StartJob("touch", Command(touch, Effect.WRITE)),
        StopJob("other"),
        PauseJob("other"),
        ContinueJob("other"),
    ]


@pytest.mark.parametrize("stale", [Fence(2, "run-1"), Fence(3, "run-2"), Fence(4, "run-1")])
def test_a_stale_engine_changes_nothing(transport: Transport, folder: Path, stale: Fence) -> None:
    transport.send(Claim(Fence(3, "run-1")))
    for request in changes(folder):
        with pytest.raises(Fenced, match="has granted epoch 3 and belongs to run run-1"):
            transport.send(request, stale)
    time.sleep(0.1)
    assert not (folder / "canary").exists()


def test_nothing_is_changed_on_a_host_that_was_released(local: Transport, folder: Path) -> None:
    local.send(Claim(FENCE))
    local.send(Claim(FENCE, release=True))
    for request in changes(folder):
        with pytest.raises(Fenced, match="belongs to nobody"):
            local.send(request, FENCE)
    assert not (folder / "canary").exists()


def test_nothing_is_changed_on_a_host_that_was_never_claimed(local: Transport, folder: Path) -> None:
    for request in changes(folder):
        with pytest.raises(Fenced, match="no run has claimed"):
            local.send(request, FENCE)
    assert list(folder.iterdir()) == []


def test_a_claim_waits_for_the_command_that_runs(transport: Transport, folder: Path) -> None:
    """The older run's command ends before the newer epoch is granted: they never overlap."""
    transport.send(Claim(FENCE))
    text = 'touch "$1/begun"; until [ -e "$1/go" ]; do sleep 0.02; done; date +%s%N >"$1/ended"'
    slow = Command(("sh", "-c", text, "sh", str(folder)), Effect.WRITE)
    sender = threading.Thread(target=transport.send, args=(slow, FENCE))
    sender.start()
    eventually((folder / "begun").exists)
    threading.Timer(0.5, (folder / "go").touch).start()
    transport.send(Claim(Fence(2, "run-1")))
    claimed_at = time.time_ns()
    sender.join()
    assert int((folder / "ended").read_text()) < claimed_at
    with pytest.raises(Fenced):
        transport.send(slow, FENCE)


def test_readers_do_not_wait(transport: Transport, folder: Path) -> None:
    transport.send(Claim(FENCE))
    lock = subprocess.Popen(["flock", str(folder / "state" / "lock"), "sleep", "30"], start_new_session=True)
    try:
        before = time.monotonic()
        assert holder(transport) == FENCE
        assert transport.send(Command(("true",))) == Result(0)
        assert time.monotonic() - before < 10
    finally:
        os.killpg(lock.pid, 9)
        lock.wait()


def test_of_many_claims_at_once_one_wins(folder: Path, opened: Opener) -> None:
    def claim(number: int) -> bool:
        transport = opened(LocalConnection(state_directory=str(folder / "state")))
        try:
            transport.send(Claim(Fence(1, f"run-{number}")))
        except (Held, Fenced):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(16))) == 1


def test_a_command_does_not_hand_the_lock_to_its_children(claimed: Transport, folder: Path) -> None:
    listing = Command(("sh", "-c", "ls /proc/self/fd | tr '\\n' ' '"), Effect.WRITE)
    answer = claimed.send(listing, FENCE)
    assert answer == Result(0, b"0 1 2 3 ")


def test_a_damaged_epoch_is_not_overlooked(claimed_local: Transport, folder: Path) -> None:
    for damage in ("", "\n", "x run-1\n", "1\n", "-1 run-1\n"):
        (folder / "state" / "epoch").write_text(damage)
        for request, fence in ((AskHolder(), None), (Command(("true",), Effect.WRITE), FENCE), (Claim(FENCE), None)):
            with pytest.raises(CommandFailed, match="damaged"):
                claimed_local.send(request, fence)


def test_a_host_without_flock_says_so(folder: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Played by a name space in which flock is an empty file."""
    empty = folder / "empty"
    empty.touch(mode=0o644)
    flock = subprocess.run(["sh", "-c", "command -v flock"], capture_output=True, text=True, check=True).stdout.strip()
    shell = folder / "sh"
    hide = f'mount --bind "{empty}" "$(readlink -f {flock})" && exec /bin/sh "$@"'
    shell.write_text(f"#!/bin/sh\nexec unshare -m /bin/sh -c '{hide}' sh \"$@\"\n".replace(str(empty), "$EMPTY"))
    shell.chmod(0o755)
    monkeypatch.setenv("EMPTY", str(empty))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    if subprocess.run(["sh", "-c", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("mounts cannot be made here, so flock cannot be hidden")
    transport = opened(LocalConnection(state_directory=str(folder / "state")))
    with pytest.raises(CommandFailed, match="this host has no flock"):
        transport.send(Claim(FENCE))
    assert not (folder / "state" / "epoch").exists()


def test_a_state_directory_that_cannot_be_made_says_so(opened: Opener, folder: Path) -> None:
    (folder / "state").write_text("a file")
    transport = opened(LocalConnection(state_directory=str(folder / "state")))
    with pytest.raises(CommandFailed, match="cannot make"):
        transport.send(Claim(FENCE))


def test_a_login_that_may_not_look_inside_does_not_take_the_host_for_free(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as public:
        Path(public).chmod(0o755)
        transport = opened(LocalConnection(state_directory=f"{public}/state"))
        transport.send(Claim(FENCE))
        Path(public, "state").chmod(0)
        if os.geteuid() == 0:
            shell = Path(public, "sh")
            shell.write_text('#!/bin/sh\nexec setpriv --reuid=65534 --clear-groups /bin/sh "$@"\n')
            shell.chmod(0o755)
            monkeypatch.setenv("PATH", f"{public}:{os.environ['PATH']}")
        for request in (AskHolder(), PollJob("copy"), Claim(Fence(2, "run-2"))):
            with pytest.raises(CommandFailed, match=r"cannot (look into|write)"):
                transport.send(request)
        Path(public, "state").chmod(0o700)


@pytest.mark.parametrize("fence", [Fence(0, "run-1"), Fence(-1, "run-1"), Fence(1, "-"), Fence(1, ""), Fence(1, "a b")])
def test_what_is_no_fence_is_refused_before_it_is_sent(local: Transport, fence: Fence) -> None:
    for request, under in ((Claim(fence), None), (Command(("true",), Effect.WRITE), fence)):
        with pytest.raises(InvalidInput):
            local.send(request, under)
