"""Docker's disk for a privileged lab, with the hosts' image in it: made once per content of its inputs.

Loading an image costs the lab's kernel most of a minute (42 to 80 s on two cores); a copy-on-write layer over the
finished disk costs nothing. Run as a program this module makes the disk and prints its path; ``make labs`` does.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.errors import LabUnavailable
from harness.labs import machine_image, uml
from harness.labs.machine_image import Say
from harness.labs.privileged_guest import RECIPES, building_arguments
from harness.labs.state import state_directory

SIZE = 8 * 1024**3  # sparse; the root disks of all hosts of a run grow here
BUILD_S = 300.0
_MKFS_S = 60.0
_DONE = "walrus-lab: build done"

_PROGRAMS = {
    "dockerd": "docker.io",
    "containerd": "containerd",
    "runc": "runc",
    "losetup": "mount",
    "dmsetup": "dmsetup",
}


def lacks() -> list[str]:
    """What this machine lacks for the lab, each with the command that would provide it."""
    lacking = machine_image.lacks()
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    lacking += [
        f"{name} of Debian's package {package}: make labs"
        for name, package in _PROGRAMS.items()
        if not shutil.which(name, path=path)
    ]
    if not Path("/lib/modules").is_dir():
        lacking.append("/lib/modules, where the lab's kernel looks for its modules: make labs")
    return lacking


def whose_kernel() -> str:
    """On which kernel the containers will run here, and why."""
    modules = Path("/lib/modules") / os.uname().release
    there = Path("/sys/module/drbd").exists() or any(modules.glob("**/drbd.ko*"))
    own = "has a drbd module, but its network and Docker are left alone" if there else "has no drbd module"
    return f"brings a kernel of its own, for the containers and their Docker (this machine's {own})"


def ensure(say: Say = lambda line: None) -> Path:
    """The disk, made now if it has to be. Processes that need it at the same time make it once.

    Raises:
        LabUnavailable: when it cannot be made.
    """
    root = machine_image.ensure(say)
    path = root.parent / f"docker-{_inputs_hash(root)}.img"
    if path.exists():
        return path
    with _alone():
        if not path.exists():
            if lacking := lacks():
                raise LabUnavailable(f"Docker's disk cannot be made here without: {'; '.join(lacking)}")
            say(f"making {path.name}, Docker's disk with the hosts' image")
            _build(path, root)
            for other in path.parent.glob("docker-*.img"):
                if other != path:
                    other.unlink(missing_ok=True)
    return path


def _inputs_hash(root: Path) -> str:
    """What the disk is made of: the root file system, and the part of the script that puts it in."""
    digest = hashlib.sha256(root.name.encode())
    digest.update((RECIPES / "docker-build").read_bytes())
    return digest.hexdigest()[:12]


def _build(path: Path, root: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="docker-", dir=path.parent) as directory:
        made = Path(directory) / "docker.img"
        with made.open("wb") as disk:
            os.truncate(disk.fileno(), SIZE)
        environment = {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin", "HOME": directory}
        make = ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-F", str(made)]
        kernel = uml.installed()
        command = [*kernel.words, *building_arguments(Path(directory), made, root)]
        try:
            subprocess.run(make, check=True, capture_output=True, timeout=_MKFS_S, env=environment)
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=BUILD_S,
                env=environment,
                cwd=kernel.directory,
                start_new_session=True,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise LabUnavailable(f"Docker's disk cannot be made: {error}") from error
        said = done.stdout.decode(errors="replace")
        if _DONE not in said:
            raise LabUnavailable(f"Docker's disk cannot be made: {said[-2000:]}")
        made.rename(path)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One builder at a time on this machine."""
    with (state_directory() / "privileged-image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        print(ensure(say=lambda line: print(line, file=sys.stderr, flush=True)))
    except LabUnavailable as unavailable:
        sys.exit(str(unavailable))
