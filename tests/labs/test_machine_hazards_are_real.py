"""What the machines lab plants is what real tools find; its wrappers cannot be told from what is behind them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import LabUnavailable
from harness.labs import machine_furnish as furnish
from harness.labs.containers import ContainersLab
from harness.labs.lab import ORIGINAL, Start
from harness.labs.machine_signatures import BYTES
from harness.labs.premises import NAMELESS

SIZE = 64 * 1024**2


@pytest.mark.parametrize("kind", sorted(BYTES.keys() - {NAMELESS}))
def test_blkid_finds_the_signatures_that_are_written_byte_by_byte(kind: str, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    offset, content = BYTES[kind](SIZE)
    with disk.open("wb") as file:
        file.truncate(SIZE)
        file.seek(offset)
        file.write(content)
    found = subprocess.run(["/sbin/blkid", "-p", "-o", "value", "-s", "TYPE", disk], capture_output=True, text=True)
    assert found.stdout.strip() == kind


def wrapper(tmp_path: Path, name: str, body: str) -> tuple[Path, Path]:
    """A program's wrapper with both moved into a directory, and where it says what was destroyed."""
    log, real = tmp_path / "kmsg", tmp_path / "real"
    real.mkdir()
    (real / name).write_text(f"#!/bin/sh\n{body}\n")
    (real / name).chmod(0o755)
    text = furnish.wrapper(name).replace("/sbin/", f"{real}/").replace("/dev/kmsg", str(log))
    path = tmp_path / name
    path.write_text(text)
    path.chmod(0o755)
    return path, log


def test_a_wrapper_tells_what_was_destroyed_and_passes_everything_on(tmp_path: Path) -> None:
    path, log = wrapper(tmp_path, "mkfs.ext4", 'cat; echo "$0 $*" >&2')
    done = subprocess.run([path, "-q", "/dev/drbd1"], input="yes\n", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "yes\n")
    assert done.stderr == f"{tmp_path}/real/mkfs.ext4 -q /dev/drbd1\n"
    assert log.read_text() == "walrus-lab: destroy mkfs.ext4 -q /dev/drbd1\n"


def test_a_wrapper_says_nothing_of_what_failed(tmp_path: Path) -> None:
    path, log = wrapper(tmp_path, "mkfs.ext4", "exit 3")
    assert subprocess.run([path, "/dev/drbd1"]).returncode == 3
    assert not log.exists()


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("drbdmeta", "1 v08 /dev/sdb internal create-md", True),
        ("drbdmeta", "1 v08 /dev/sdb internal --force create-md", True),
        ("drbdmeta", "1 v08 /dev/sdb internal apply-al", False),
        ("wipefs", "-a /dev/sdb", True),
        ("wipefs", "-n /dev/sdb", False),
    ],
)
def test_only_what_destroys_is_told(name: str, arguments: str, told: bool, tmp_path: Path) -> None:
    path, log = wrapper(tmp_path, name, "exit 0")
    assert subprocess.run([path, *arguments.split()]).returncode == 0
    assert log.exists() is told


def test_a_drbd_that_the_kernel_does_not_have_makes_the_lab_unavailable() -> None:
    with pytest.raises(LabUnavailable, match=r"8\.3"):
        furnish.require_possible(Start(drbd="8.3"))
    furnish.require_possible(Start(differs={"device_signature": {ORIGINAL: "swap"}}))


@pytest.mark.parametrize("opens", [furnish.require_possible, lambda start: ContainersLab().open(start).__enter__()])
def test_a_second_drbd_device_makes_every_lab_but_the_simulated_one_unavailable(
    opens: Callable[[Start], object],
) -> None:
    planted = {"host": ORIGINAL, "device": "/dev/drbd10", "at": "/srv/other"}
    with pytest.raises(LabUnavailable, match="second DRBD device"):
        opens(Start(differs={"other_drbd_mount": planted}))
