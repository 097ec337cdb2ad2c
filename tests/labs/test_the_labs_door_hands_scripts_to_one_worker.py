"""A script that the lab runs inside a machine costs no process of its own, and finds nothing of the one before it."""

from __future__ import annotations

import importlib.util
import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DOOR = Path(__file__).parents[2] / "images" / "machine" / "door.py"
_ENDS_WITHIN_MS = 20_000


@pytest.fixture
def door() -> Iterator[Any]:
    """The program that is in a machine's image, as a module; its workers end with the test."""
    spec = importlib.util.spec_from_file_location("door", DOOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    for worker in module.idle:
        worker.bury()


class Ended:
    """What a script left: its status, what it printed, and which process it was."""

    def __init__(self, door: Any, script: str, *arguments: str, stdin: bytes = b"", kill: bool = False) -> None:
        streams = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
        os.write(streams[0], stdin)
        os.lseek(streams[0], 0, os.SEEK_SET)
        worker = door.Worker.begin({"script": script, "arguments": list(arguments)}, streams)
        if kill:
            os.kill(worker.pid, signal.SIGKILL)
        poll = select.poll()
        poll.register(worker.ending, select.POLLIN)
        assert poll.poll(_ENDS_WITHIN_MS), "the script did not end"
        self.pid = worker.pid
        self.status = worker.end()
        self.stdout, self.stderr = (door.content(stream) for stream in streams[1:])
        for stream in streams:
            os.close(stream)


def test_one_process_runs_script_after_script(door: Any) -> None:
    first, second = Ended(door, "print('one')"), Ended(door, "import sys; print(sys.argv[1:])", "a", "b")
    assert (first.stdout, second.stdout) == (b"one\n", b"['a', 'b']\n")
    assert first.pid == second.pid


def test_what_a_script_named_is_gone_with_it(door: Any) -> None:
    assert Ended(door, "kept = 1").status == 0
    found = Ended(door, "print(kept)")
    assert found.status == 1
    assert found.stderr.rstrip().endswith(b"NameError: name 'kept' is not defined")


def test_a_script_reads_what_was_sent_with_it_and_nothing_that_was_sent_before(door: Any) -> None:
    reading = "import sys; print(len(sys.stdin.read()))"
    assert Ended(door, "pass", stdin=b"left over").status == 0
    assert Ended(door, reading, stdin=b"x" * 300_000).stdout == b"300000\n"
    assert Ended(door, reading).stdout == b"0\n"


@pytest.mark.parametrize(
    ("script", "status"),
    [("import sys; sys.exit(3)", 3), ("1 / 0", 1), ("this is no Python", 1), ("import os; os._exit(5)", 5)],
)
def test_its_status_is_told_and_the_next_one_runs(door: Any, script: str, status: int) -> None:
    assert Ended(door, script).status == status
    assert Ended(door, "print(1)").stdout == b"1\n"


def test_a_script_that_was_killed_says_so(door: Any) -> None:
    assert Ended(door, "import time; time.sleep(60)", kill=True).status == -signal.SIGKILL
    assert Ended(door, "print(1)").stdout == b"1\n"


def test_a_worker_that_died_while_it_waited_is_replaced(door: Any) -> None:
    first = Ended(door, "pass")
    os.kill(first.pid, signal.SIGKILL)
    os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)
    second = Ended(door, "print(1)")
    assert second.stdout == b"1\n"
    assert second.pid != first.pid


def test_scripts_that_run_at_once_do_not_wait_for_each_other(door: Any) -> None:
    streams = [[os.memfd_create(name) for name in ("stdin", "stdout", "stderr")] for _ in range(4)]
    asked = {"script": "import time; time.sleep(0.5)", "arguments": []}
    workers = [door.Worker.begin(asked, three) for three in streams]
    assert len({worker.pid for worker in workers}) == len(workers)
    assert [worker.end() for worker in workers] == [0] * len(workers)
    assert len(door.idle) == door.KEPT_WORKERS
    for descriptor in (one for three in streams for one in three):
        os.close(descriptor)


@pytest.mark.parametrize(
    "script",
    [
        "import os, sys; os.open(sys.argv[1], os.O_RDONLY)",
        "import sys\nkept = open(sys.argv[1])\ndef cycle(): return kept",
    ],
    ids=["a descriptor", "a file in a cycle"],
)
def test_what_a_script_left_open_is_closed(door: Any, script: str, tmp_path: Path) -> None:
    """A file system whose directory somebody holds open cannot be unmounted, and nobody would see who."""
    held = tmp_path / "held"
    held.touch()
    left = Ended(door, script, str(held))
    assert left.status == 0
    assert str(held) not in {os.readlink(one) for one in Path(f"/proc/{left.pid}/fd").iterdir()}
    assert Ended(door, "print('goes on')").stdout == b"goes on\n"
