"""The image of the lab's hosts: built once per content of images/, with or without a registry.

Run as a program this module builds the image and prints its name; ``make labs`` does.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness import shipped
from harness.errors import LabUnavailable
from harness.labs.docker_cleanup import OURS, connect
from harness.labs.state import state_directory

RECIPES = shipped.folder("images")
BASE = "debian:bookworm-slim"  # what the Dockerfile's FROM names
BASE_INPUTS = ("base/build", "base/packages")
INPUTS = (*BASE_INPUTS, "walrus/Dockerfile", "walrus/boot", "walrus/sshd.conf")
SILENCE_S = 20.0  # a registry that says nothing for so long does not answer
BUILD_S = 600.0

Say = Callable[[str], None]


def inputs_hash(inputs: tuple[str, ...] = INPUTS, recipes: Path = RECIPES) -> str:
    """Twelve hexadecimal digits that change with the content of any of the files."""
    digest = hashlib.sha256()
    for name in inputs:
        content = (recipes / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def image_name() -> str:
    """The image that belongs to the recipes as they are now."""
    return f"{OURS}/lab-host:{inputs_hash()}"


def lacks(client: Any) -> list[str]:
    """What keeps this machine from having the image; empty when it is there or can be made."""
    if not RECIPES.is_dir():
        return [f"the image's recipes ({RECIPES}): run from a clone of the project"]
    if _exists(client, image_name()) or _exists(client, BASE) or shutil.which("mmdebstrap"):
        return []
    return [f"the image {image_name()} and mmdebstrap to make it: make labs"]


def ensure(client: Any, say: Say = lambda line: None) -> str:
    """The name of the image, built now if it has to be. Processes that need it at the same time build it once.

    Raises:
        LabUnavailable: when it can be built neither from a registry's base nor from Debian's packages.
    """
    name = image_name()
    if _exists(client, name):
        return name
    with _alone():
        if not _exists(client, name):
            _build(client, name, say)
    return name


def _build(client: Any, name: str, say: Say) -> None:
    """From the usual base where there is one and Debian's packages can be reached from inside; else from our own."""
    import docker

    if _exists(client, BASE) or _pull(client, say):
        try:
            return _build_on(client, name, BASE, say)
        except docker.errors.DockerException as error:
            say(f"building on {BASE} failed ({error}); trying a base made from Debian's packages")
    base = _own_base(client, say)
    try:
        _build_on(client, name, base, say)
    except docker.errors.DockerException as error:
        raise LabUnavailable(f"the image cannot be built: {error}") from error


def _build_on(client: Any, name: str, base: str, say: Say) -> None:
    say(f"building {name} on {base}")
    client.images.build(
        fileobj=_context(),
        custom_context=True,
        dockerfile="walrus/Dockerfile",
        tag=name,
        buildargs={"BASE": base},
        rm=True,
        forcerm=True,
        timeout=int(BUILD_S),
    )


def _context(recipes: Path = RECIPES) -> io.BytesIO:
    """The files that the Dockerfile may copy from, as the tar that Docker's build call takes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in INPUTS:
            archive.add(recipes / name, arcname=name)
    packed.seek(0)
    return packed


def _pull(client: Any, say: Say) -> bool:
    """Ask the registry for the usual base; a machine that reaches none finds out within SILENCE_S."""
    import docker

    say(f"pulling {BASE}")
    try:
        with contextlib.closing(connect(SILENCE_S)) as impatient:
            impatient.images.pull(BASE)
    except (docker.errors.DockerException, OSError) as error:
        say(f"no registry provides {BASE} ({error})")
        return False
    return _exists(client, BASE)


def _own_base(client: Any, say: Say) -> str:
    """Our base, made by images/base/build; it also becomes the usual base where this machine has none."""
    tag = inputs_hash(BASE_INPUTS)
    name = f"{OURS}/base:{tag}"
    if not _exists(client, name):
        say(f"making {name} from Debian's packages")
        with tempfile.TemporaryDirectory(prefix="walrus-ha-base-") as folder:
            archive = Path(folder, "base.tar")
            _bootstrap(archive)
            client.api.import_image_from_file(
                str(archive), repository=f"{OURS}/base", tag=tag, changes=[f"LABEL {OURS}.image=1"]
            )
    if not _exists(client, BASE):
        client.images.get(name).tag(BASE)
    return name


def _bootstrap(archive: Path) -> None:
    if not shutil.which("mmdebstrap"):
        raise LabUnavailable("no registry answers and mmdebstrap is missing: make labs")
    try:
        subprocess.run(
            [str(RECIPES / "base" / "build"), str(archive)], check=True, capture_output=True, timeout=BUILD_S
        )
    except subprocess.CalledProcessError as error:
        raise LabUnavailable(f"mmdebstrap failed: {error.stderr.decode(errors='replace')[-2000:]}") from error
    except subprocess.TimeoutExpired as error:
        raise LabUnavailable(f"mmdebstrap did not end within {BUILD_S:g} s") from error


def _exists(client: Any, name: str) -> bool:
    import docker

    try:
        client.images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One builder at a time on this machine."""
    with (state_directory() / "image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    with contextlib.closing(connect()) as docker_client:
        print(ensure(docker_client, say=lambda line: print(line, file=sys.stderr, flush=True)))
