"""Whatever a containers lab started ends with it, however the harness ended; nothing else is touched."""

from __future__ import annotations

import contextlib
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.errors import LabError
from harness.labs.container_image import ensure
from harness.labs.containers import ContainersLab
from harness.labs.docker_cleanup import connect, labels, left_over, sweep, watch_over
from harness.labs.lab import CLC, ORIGINAL, Start, StoreSpec

pytestmark = pytest.mark.xdist_group("containers")


@pytest.fixture
def client(require_lab: Callable[[str], None]) -> Iterator[Any]:
    require_lab("containers")
    with contextlib.closing(connect()) as client:
        yield client


@pytest.fixture
def run_id(client: Any) -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    yield name
    sweep(client, name)


def start_everything(client: Any, run_id: str) -> None:
    """One container, one network, one volume with the run's label."""
    marks = labels(run_id)
    network = client.networks.create(f"walrus-ha-{run_id}", labels=marks)
    volume = client.volumes.create(f"walrus-ha-{run_id}", labels=marks)
    client.containers.run(
        ensure(client),
        name=f"walrus-ha-{run_id}",
        labels=marks,
        network=network.name,
        volumes={volume.name: {"bind": "/srv/x", "mode": "rw"}},
        detach=True,
    )


def test_a_sweep_removes_containers_networks_and_volumes_of_its_run(client: Any, run_id: str) -> None:
    start_everything(client, run_id)
    assert len(left_over(client, run_id)) == 3

    assert sorted(sweep(client, run_id)) == [
        f"container walrus-ha-{run_id}",
        f"network walrus-ha-{run_id}",
        f"volume walrus-ha-{run_id}",
    ]
    assert left_over(client, run_id) == []


def test_a_sweep_leaves_another_run_alone(client: Any, run_id: str) -> None:
    other = f"{run_id}-other"
    start_everything(client, other)
    try:
        assert sweep(client, run_id) == []
        assert len(left_over(client, other)) == 3
    finally:
        sweep(client, other)


@pytest.fixture
def unrelated(client: Any) -> Iterator[Any]:
    """A container as somebody else's, from the same image but without our labels."""
    container = client.containers.create(ensure(client), name=f"unrelated-{secrets.token_hex(4)}")
    yield container
    container.remove(force=True)


def test_sweeping_everything_leaves_an_unrelated_container_alone(client: Any, run_id: str, unrelated: Any) -> None:
    start_everything(client, run_id)

    removed = sweep(client, run_id)

    assert f"container {unrelated.name}" not in removed
    assert f"container {unrelated.name}" not in left_over(client)
    unrelated.reload()
    assert unrelated.status == "created"


WATCHED = """
import sys, time
from harness.labs.docker_cleanup import watch_over
watchdog = watch_over(sys.argv[1])
print("watched", flush=True)
time.sleep(60)
"""


def test_the_watchdog_sweeps_after_the_harness_was_killed(client: Any, run_id: str) -> None:
    with subprocess.Popen([sys.executable, "-c", WATCHED, run_id], stdout=subprocess.PIPE) as harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == b"watched\n"
        start_everything(client, run_id)
        harness.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 20
    while left_over(client, run_id) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left_over(client, run_id) == []


def test_a_dismissed_watchdog_sweeps_nothing(client: Any, run_id: str) -> None:
    watchdog = watch_over(run_id)
    start_everything(client, run_id)

    watchdog.dismiss()

    assert len(left_over(client, run_id)) == 3


OPENER = """
import sys, time
from harness.labs.containers import ContainersLab
from harness.labs.lab import Start, StoreSpec
with ContainersLab().open(Start(store=StoreSpec(objects=1, bytes=10))) as opened:
    print(opened.inventory.source.split()[-1], flush=True)
    time.sleep(60 if sys.argv[1:] else 0)
"""


def test_closing_a_lab_leaves_nothing(client: Any) -> None:
    done = subprocess.run([sys.executable, "-c", OPENER], stdout=subprocess.PIPE, timeout=120, check=True, text=True)
    assert done.stdout.strip()
    assert left_over(client, done.stdout.strip()) == []


def test_a_lab_whose_harness_is_killed_leaves_nothing(client: Any) -> None:
    with subprocess.Popen([sys.executable, "-c", OPENER, "stay"], stdout=subprocess.PIPE, text=True) as harness:
        assert harness.stdout is not None
        run_id = harness.stdout.readline().strip()
        assert len(left_over(client, run_id)) == 6  # three hosts, two networks, the world
        harness.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 30
    while left_over(client, run_id) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left_over(client, run_id) == []


def test_a_lab_that_somebody_removed_says_so(client: Any) -> None:
    with ContainersLab().open(Start(store=StoreSpec(objects=1, bytes=10))) as opened:
        sweep(client, opened.inventory.source.split()[-1])
        assert not opened.truth.snapshot(ORIGINAL).reachable
        with pytest.raises(LabError, match="no host of the lab runs"):
            opened.truth.events()
        with pytest.raises(LabError, match="clc00"):
            opened.faults.power_on(CLC)
