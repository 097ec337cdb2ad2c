"""Who can talk to Docker is root on the machine: no lab hands its socket to a container."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_MOUNT = re.compile(r"(volumes|with_volume_mapping|Mount|--volume|-v )[^\n]*docker\.sock")
# The machine of the privileged lab runs a Docker of its own, and its own agent talks to that.
_INSIDE_THE_MACHINE = {"harness/labs/privileged_guest.py", "images/privileged/guest-init"}


def sources() -> list[Path]:
    files = [*(ROOT / "harness").rglob("*.py"), *(ROOT / "images").rglob("*")]
    return [path for path in files if path.is_file() and b"\0" not in path.read_bytes()[:4096]]


def naming_the_socket(paths: list[Path]) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in paths if "docker.sock" in path.read_text(errors="replace")}


def test_nothing_else_names_the_socket() -> None:
    assert naming_the_socket(sources()) == _INSIDE_THE_MACHINE


def test_nothing_mounts_it() -> None:
    assert not [path for path in sources() if _MOUNT.search(path.read_text(errors="replace"))]


def test_a_mount_would_be_found() -> None:
    assert _MOUNT.search('container.run(volumes={"/var/run/docker.sock": {"bind": "/var/run/docker.sock"}})')
