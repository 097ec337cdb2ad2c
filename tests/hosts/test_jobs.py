"""A detached job outlives its connection and its engine, runs once, and is never mistaken for another process."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import CommandFailed, Fenced, InvalidInput
from harness.hosts.command import (
    Claim,
    Command,
    ContinueJob,
    Effect,
    Fence,
    JobReport,
    JobStatus,
    PauseJob,
    PollJob,
    Result,
    StartJob,
    StopJob,
)
from harness.hosts.transport import Transport
from tests.hosts.conftest import FENCE, Opener, SmallDisk, eventually
from tests.hosts.server import Sshd

ABSENT, RUNNING, DEAD = (JobReport(status) for status in (JobStatus.ABSENT, JobStatus.RUNNING, JobStatus.DEAD))


def shell(text: str, *arguments: str, stdin: bytes = b"") -> Command:
    return Command(("sh", "-c", text, "sh", *arguments), Effect.WRITE, stdin)


def poll(transport: Transport, job_id: str) -> JobReport:
    report = transport.send(PollJob(job_id))
    assert isinstance(report, JobReport)
    return report


def ended(transport: Transport, job_id: str) -> Result | None:
    """The result of a job, after waiting for it."""
    eventually(lambda: poll(transport, job_id).status is not JobStatus.RUNNING)
    report = poll(transport, job_id)
    assert report.status is JobStatus.DONE
    return report.result


def first_process(state: Path, job_id: str) -> int:
    return int((state / "jobs" / job_id / "process").read_text().split()[1])


@pytest.fixture
def state(folder: Path) -> Path:
    return folder / "state"


def test_absent_running_done(claimed: Transport, folder: Path) -> None:
    go = folder / "go"
    assert poll(claimed, "copy") == ABSENT
    waiting = 'echo out; echo err >&2; cat; until [ -e "$1" ]; do sleep 0.02; done; exit 7'
    assert claimed.send(StartJob("copy", shell(waiting, str(go), stdin=b"in\0put")), FENCE) is None
    assert poll(claimed, "copy") == RUNNING
    go.touch()
    assert ended(claimed, "copy") == Result(7, b"out\nin\0put", b"err\n")


def test_the_same_id_runs_once(claimed_local: Transport, folder: Path) -> None:
    trace, go = folder / "trace", folder / "go"
    start = StartJob("copy", shell('echo x >>"$1"; until [ -e "$2" ]; do sleep 0.02; done', str(trace), str(go)))
    claimed_local.send(start, FENCE)
    claimed_local.send(start, FENCE)
    go.touch()
    ended(claimed_local, "copy")
    claimed_local.send(start, FENCE)
    assert ended(claimed_local, "copy") == Result(0)
    assert trace.read_text() == "x\n"


def test_a_job_survives_its_connection_and_its_engine(sshd: Sshd, opened: Opener, folder: Path) -> None:
    first = opened(sshd.connection())
    first.send(Claim(FENCE))
    go = folder / "go"
    first.send(StartJob("copy", shell('until [ -e "$1" ]; do sleep 0.02; done; echo survived; exit 7', str(go))), FENCE)
    sshd.signal_sessions(signal.SIGKILL)
    first.close()
    second = opened(sshd.connection())
    assert poll(second, "copy") == RUNNING
    go.touch()
    assert ended(second, "copy") == Result(7, b"survived\n")


def test_a_killed_job_is_dead_and_may_start_again(claimed_local: Transport, state: Path) -> None:
    start = StartJob("copy", shell("exec sleep 60"))
    claimed_local.send(start, FENCE)
    os.killpg(first_process(state, "copy"), signal.SIGKILL)
    eventually(lambda: poll(claimed_local, "copy") == DEAD)
    claimed_local.send(StartJob("copy", shell("exit 3")), FENCE)
    assert ended(claimed_local, "copy") == Result(3)


def test_a_child_that_outlives_the_first_process_is_still_running(claimed_local: Transport, state: Path) -> None:
    """A copy whose shell was killed goes on writing; a second one beside it would be a race."""
    claimed_local.send(StartJob("copy", shell("sleep 60; true")), FENCE)
    leader = first_process(state, "copy")
    eventually(lambda: len(members(leader)) >= 2)
    os.kill(leader, signal.SIGKILL)
    eventually(lambda: leader not in members(leader))
    assert poll(claimed_local, "copy") == RUNNING
    claimed_local.send(StopJob("copy"), FENCE)
    assert poll(claimed_local, "copy") == DEAD
    assert members(leader) == []


def members(session: int) -> list[int]:
    listing = subprocess.run(["ps", "-e", "-o", "sid=,pid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [row.split() for row in listing.splitlines()]
    return [int(pid) for sid, pid, state in rows if int(sid) == session and state[0] != "Z"]


def test_a_reboot_makes_a_job_dead_even_when_it_had_ended(claimed_local: Transport, state: Path) -> None:
    """What it wrote may have gone with the power; a status from before the reboot would say otherwise."""
    claimed_local.send(StartJob("copy", shell("exit 0")), FENCE)
    ended(claimed_local, "copy")
    record = state / "jobs" / "copy" / "process"
    life, rest = record.read_text().split(" ", 1)
    record.write_text(f"0{life[1:] if life[0] != '0' else '1' + life[1:]} {rest}")
    assert poll(claimed_local, "copy") == DEAD
    claimed_local.send(StartJob("copy", shell("exit 5")), FENCE)
    assert ended(claimed_local, "copy") == Result(5)


def test_a_reused_process_id_is_not_the_job(claimed_local: Transport, state: Path) -> None:
    claimed_local.send(StartJob("copy", shell("exec sleep 60")), FENCE)
    leader = first_process(state, "copy")
    time.sleep(0.05)  # the kernel tells processes apart that start in different hundredths of a second
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        try:
            record = state / "jobs" / "copy" / "process"
            life, _, since = record.read_text().split()
            record.write_text(f"{life} {stranger.pid} {since}\n")
            assert poll(claimed_local, "copy") == DEAD
            claimed_local.send(StopJob("copy"), FENCE)
            assert stranger.poll() is None
        finally:
            stranger.kill()
            os.killpg(leader, signal.SIGKILL)


def test_a_start_that_was_interrupted_is_absent_and_starts_again(claimed_local: Transport, state: Path) -> None:
    half = state / "jobs" / "copy"
    half.mkdir(parents=True)
    (half / "err").write_bytes(bytes(4096))
    assert poll(claimed_local, "copy") == ABSENT
    claimed_local.send(StartJob("copy", shell("exit 3")), FENCE)
    assert ended(claimed_local, "copy") == Result(3)


def test_two_engines_start_one_job(sshd: Sshd, opened: Opener, folder: Path) -> None:
    trace = folder / "trace"
    start = StartJob("copy", shell('echo x >>"$1"; sleep 0.3', str(trace)))
    transports = [opened(sshd.connection()) for _ in range(3)]
    transports[0].send(Claim(FENCE))
    with ThreadPoolExecutor(6) as pool:
        for sent in [pool.submit(transport.send, start, FENCE) for transport in transports * 2]:
            sent.result()
    ended(transports[0], "copy")
    assert trace.read_text() == "x\n"


def test_stopping_ends_the_job_with_all_its_processes(claimed: Transport, state: Path) -> None:
    stubborn = "trap '' TERM; sleep 61 & sleep 62 & while :; do sleep 0.1; done"
    claimed.send(StartJob("copy", shell(stubborn)), FENCE)
    leader = first_process(state, "copy")
    eventually(lambda: len(members(leader)) >= 4)
    assert claimed.send(StopJob("copy"), FENCE) is None
    assert members(leader) == []
    assert poll(claimed, "copy") == DEAD


def test_stopping_what_does_not_run_changes_nothing(claimed_local: Transport) -> None:
    claimed_local.send(StopJob("never"), FENCE)
    assert poll(claimed_local, "never") == ABSENT
    claimed_local.send(StartJob("copy", shell("exit 4")), FENCE)
    ended(claimed_local, "copy")
    claimed_local.send(StopJob("copy"), FENCE)
    assert ended(claimed_local, "copy") == Result(4)


def test_a_paused_job_stands_still_until_it_is_continued(claimed: Transport, state: Path, folder: Path) -> None:
    """All its processes, children of children too: what counts is that nothing is written any more."""
    trace = folder / "trace"
    writing = shell('(while :; do echo x >>"$1"; sleep 0.01; done) & wait', str(trace))
    claimed.send(StartJob("copy", writing), FENCE)
    eventually(trace.exists)
    assert claimed.send(PauseJob("copy"), FENCE) is None
    size = trace.stat().st_size
    time.sleep(0.3)
    assert trace.stat().st_size == size
    assert poll(claimed, "copy") == RUNNING
    assert claimed.send(PauseJob("copy"), FENCE) is None
    assert claimed.send(ContinueJob("copy"), FENCE) is None
    eventually(lambda: trace.stat().st_size > size)
    claimed.send(PauseJob("copy"), FENCE)
    leader = first_process(state, "copy")
    claimed.send(StopJob("copy"), FENCE)
    assert members(leader) == []
    assert poll(claimed, "copy") == DEAD


def test_a_job_that_was_paused_answers_as_if_it_had_not_been(claimed_local: Transport, folder: Path) -> None:
    go = folder / "go"
    claimed_local.send(StartJob("copy", shell('until [ -e "$1" ]; do sleep 0.02; done; exit 7', str(go))), FENCE)
    claimed_local.send(PauseJob("copy"), FENCE)
    go.touch()
    time.sleep(0.2)
    assert poll(claimed_local, "copy") == RUNNING
    claimed_local.send(ContinueJob("copy"), FENCE)
    assert ended(claimed_local, "copy") == Result(7)


def test_pausing_what_does_not_run_changes_nothing(claimed_local: Transport) -> None:
    for request in (PauseJob, ContinueJob):
        claimed_local.send(request("never"), FENCE)
        assert poll(claimed_local, "never") == ABSENT
    claimed_local.send(StartJob("copy", shell("exit 4")), FENCE)
    ended(claimed_local, "copy")
    claimed_local.send(PauseJob("copy"), FENCE)
    assert ended(claimed_local, "copy") == Result(4)


def test_a_job_holds_neither_lock_nor_connection(claimed_local: Transport) -> None:
    before = time.monotonic()
    claimed_local.send(StartJob("copy", shell("exec sleep 30")), FENCE)
    assert claimed_local.send(Command(("true",), Effect.WRITE, timeout_s=5), FENCE) == Result(0)
    assert time.monotonic() - before < 5
    claimed_local.send(StopJob("copy"), FENCE)


def test_a_program_that_is_missing_ends_the_job_with_127(claimed_local: Transport) -> None:
    claimed_local.send(StartJob("copy", Command(("no-such-program",), Effect.WRITE)), FENCE)
    result = ended(claimed_local, "copy")
    assert result is not None
    assert result.exit_status == 127
    assert b"no-such-program" in result.stderr


def test_a_job_that_filled_the_disk_still_says_how_it_ended(small_disk: SmallDisk) -> None:
    transport = small_disk.transport
    transport.send(Claim(FENCE))
    transport.send(StartJob("copy", shell('cat /dev/zero >"$1"', small_disk / "big")), FENCE)
    result = ended(transport, "copy")
    assert result is not None
    assert result.exit_status == 1
    assert b"No space left on device" in result.stderr
    with pytest.raises(CommandFailed, match=r"no room|cannot"):
        transport.send(StartJob("next", shell("true")), FENCE)
    assert poll(transport, "next") == ABSENT


def test_a_stale_engine_starts_and_stops_nothing(claimed_local: Transport) -> None:
    stale = Fence(1, "run-0")
    with pytest.raises(Fenced):
        claimed_local.send(StartJob("copy", shell("true")), stale)
    assert poll(claimed_local, "copy") == ABSENT
    claimed_local.send(StartJob("copy", shell("exec sleep 60")), FENCE)
    for request in (StopJob("copy"), PauseJob("copy"), ContinueJob("copy")):
        with pytest.raises(Fenced):
            claimed_local.send(request, stale)
    assert poll(claimed_local, "copy") == RUNNING
    claimed_local.send(StopJob("copy"), FENCE)


@pytest.mark.parametrize("job_id", ["", ".", "..", "a/b", "../a", "a b", "a\n", "$(id)", "a\0"])
def test_an_id_is_a_plain_word(claimed_local: Transport, job_id: str) -> None:
    with pytest.raises(InvalidInput):
        claimed_local.send(StartJob(job_id, shell("true")), FENCE)
