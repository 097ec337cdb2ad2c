"""Whatever a machines lab started ends with it, however the harness ended; nothing else is touched."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.errors import InvalidInput
from harness.inventory import load
from harness.labs import catalogue, keep, machine_keep
from harness.labs.lab import Start, StoreSpec
from harness.labs.machine_cleanup import NAMESPACES, OURS, left_over, run_directory, sweep
from harness.labs.machine_network import MachineNetwork

pytestmark = pytest.mark.xdist_group("machines")

SMALL = Start(store=StoreSpec(objects=1, bytes=10), device_bytes=64 * 1024 * 1024)
LAB = """
import sys, time
from harness.labs.lab import Start, StoreSpec
from harness.labs.machine_cleanup import watch_over
from harness.labs.machine_rack import rack
watchdog = watch_over(sys.argv[1]) if sys.argv[2] == "watched" else None
run = rack(sys.argv[1], Start(store=StoreSpec(objects=1, bytes=10), device_bytes=64 * 1024 * 1024))
print("begun", flush=True)
run.bring_up()
"""


@pytest.fixture
def run_id(require_lab: Callable[[str], None]) -> Iterator[str]:
    require_lab("machines")
    name = secrets.token_hex(4)
    yield name
    sweep(name)


@pytest.fixture
def unrelated(run_id: str) -> Iterator[str]:
    """A namespace as somebody else's, with a process in it."""
    name = f"unrelated-{run_id}"
    subprocess.run(["ip", "netns", "add", name], check=True, timeout=20)
    sleeper = subprocess.Popen(["nsenter", f"--net={NAMESPACES}/{name}", "sleep", "600"])
    yield name
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait(10)
    subprocess.run(["ip", "netns", "delete", name], check=True, timeout=20)


def kill_while_it_comes_up(run_id: str, how: str) -> None:
    """Start a lab in a process of its own and kill that once kernels run."""
    with subprocess.Popen([sys.executable, "-c", LAB, run_id, how], stdout=subprocess.PIPE) as harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == b"begun\n"
        deadline = time.monotonic() + 60
        console = run_directory(run_id) / "walrus00.console"
        while not (console.exists() and console.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.1)
        harness.send_signal(signal.SIGKILL)


def test_a_sweep_ends_what_a_killed_harness_left_and_nothing_else(run_id: str, unrelated: str) -> None:
    kill_while_it_comes_up(run_id, "unwatched")
    images = [run_directory(run_id) / name for name in ("walrus00-root.cow", "walrus00-data.img")]
    assert any("process" in thing for thing in left_over(run_id))
    assert any(image.exists() for image in images)

    removed = sweep(run_id)

    assert any("namespace" in thing for thing in removed)
    assert left_over(run_id) == []
    assert run_id not in subprocess.run(["ps", "axww", "-o", "args="], capture_output=True, text=True).stdout
    assert f"{OURS}{run_id}" not in Path("/proc/mounts").read_text()
    assert unrelated in os.listdir(NAMESPACES)


def test_the_watchdog_sweeps_after_the_harness_was_killed(run_id: str) -> None:
    kill_while_it_comes_up(run_id, "watched")
    deadline = time.monotonic() + 20
    while left_over(run_id) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left_over(run_id) == []


def test_a_sweep_leaves_another_run_alone(run_id: str) -> None:
    other = MachineNetwork(f"{run_id}0")
    other.create()
    try:
        assert sweep(run_id) == []
        assert other.namespace in os.listdir(NAMESPACES)
    finally:
        assert sweep(other.run_id) == [f"namespace {other.namespace}"]


def test_a_lab_that_is_up_can_be_entered_with_its_inventory_and_goes_when_told(run_id: str) -> None:
    kept = machine_keep.up(SMALL)
    try:
        assert [node.name for node in load(kept.inventory_path).nodes()] == ["walrus00", "walrus01", "clc00"]
        command = [*keep.shell(kept.run_id, "walrus01"), "uname", "-n"]
        assert subprocess.run(command, capture_output=True, text=True, timeout=30).stdout == "walrus01\n"
    finally:
        removed = catalogue.down(kept.run_id)

    assert any(line.endswith(f"namespace {MachineNetwork(kept.run_id).namespace}") for line in removed)
    assert left_over(kept.run_id) == []
    assert not kept.inventory_path.exists()
    with pytest.raises(InvalidInput, match=kept.run_id):
        catalogue.down(kept.run_id)
