"""The root file system of the lab's machines: built once per content of its recipes and per version of the kernel.

Run as a program this module builds the image and prints its path; ``make labs`` does.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import shipped
from harness.errors import LabUnavailable
from harness.labs import container_keys
from harness.labs.machine_backend import absent, chosen
from harness.labs.state import state_directory

RECIPES = shipped.folder("images")
INPUTS = tuple(
    f"machine/{name}" for name in ("build", "packages", "modules", "mounts", "lab-init", "door.py", "mountwatch.py")
)
SHARED_INPUTS = ("walrus/sshd.conf",)
BUILD_S = 600.0
_FORGOTTEN_S = 7 * 86_400.0

# A program that the lab needs here, and the Debian package that brings it.
_PROGRAMS = {
    "ip": "iproute2",
    "tc": "iproute2",
    "nsenter": "util-linux",
    "nc": "netcat-openbsd",
    "nft": "nftables",
    "mke2fs": "e2fsprogs",
}
_BUILDERS = {"mmdebstrap": "mmdebstrap", "depmod": "kmod"}

Say = Callable[[str], None]


def inputs_hash(recipes: Path = RECIPES) -> str:
    """Twelve hexadecimal digits that change with the content of any recipe and with the kernel's version."""
    digest = hashlib.sha256(chosen().modules().name.encode())
    for name in (*INPUTS, *SHARED_INPUTS):
        content = (recipes / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def image_path() -> Path:
    """Where the image is that belongs to the recipes as they are now."""
    return _images() / f"root-{inputs_hash()}.img"


def lacks() -> list[str]:
    """What this machine lacks for the lab's machines, each with the command that would provide it."""
    lacking = container_keys.lacks()
    if os.geteuid() != 0:
        lacking.append("root, who may make network namespaces and cables: run as root (sudo -E)")
    if not RECIPES.is_dir():
        return [*lacking, f"the image's recipes ({RECIPES}): run from a clone of the project"]
    remedy = chosen().remedy
    lacking += absent(_PROGRAMS, remedy) + chosen().lacks()
    if not Path("/dev/net/tun").exists():
        lacking.append("/dev/net/tun for the cables of the network: modprobe tun")
    if not lacking and not image_path().exists():
        lacking += absent(_BUILDERS, remedy)
    return lacking


def ensure(say: Say = lambda line: None) -> Path:
    """The image, built now if it has to be. Processes that need it at the same time build it once.

    Raises:
        LabUnavailable: when it cannot be built from Debian's packages.
    """
    path = image_path()
    if path.exists():
        return path
    with _alone():
        if not path.exists():
            say(f"making {path.name} from Debian's packages")
            _build(path)
            _forget_others(path)
    return path


def _build(path: Path) -> None:
    command = [str(RECIPES / "machine" / "build"), str(path), str(chosen().modules())]
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=BUILD_S)
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace")[-2000:]
        raise LabUnavailable(f"the machines' image cannot be built: {said}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabUnavailable(f"the machines' image cannot be built: {error}") from error


def _forget_others(kept: Path) -> None:
    """Remove images that were made long ago; a younger one may belong to another clone's lab that runs now."""
    for other in kept.parent.glob("root-*.img"):
        if other != kept and time.time() - other.stat().st_mtime > _FORGOTTEN_S:
            other.unlink(missing_ok=True)


def _images() -> Path:
    directory = state_directory() / "images"
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One builder at a time on this machine."""
    with (state_directory() / "machine-image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("the machines lab needs root; its image is made when root first opens the lab", file=sys.stderr)
        sys.exit(0)
    try:
        print(ensure(say=lambda line: print(line, file=sys.stderr, flush=True)))
    except LabUnavailable as unavailable:
        sys.exit(str(unavailable))
