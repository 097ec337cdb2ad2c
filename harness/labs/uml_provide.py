"""Brings a kernel of User Mode Linux that is younger than Debian 12's, from the packages of a later release.

Nothing is installed: two packages, the kernel and the C library it is linked with, are unpacked into the state
directory, where ``uml.found`` looks. The program's loader is named in it by an absolute path; that becomes one
relative to the folder it is started in. Run as a program this module prints the folder; ``make labs`` runs it. Without
it the labs run all the same, in twice the time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.errors import LabUnavailable
from harness.labs import uml

SUITE = "forky"
_MIRROR = "http://deb.debian.org/debian"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_ASK_S = 60.0
_FETCH_S = 300.0
_LOADER = b"/lib64/ld-linux-x86-64.so.2"
_OWN_LOADER = b"ld.so"
_LIBRARIES = Path("usr/lib/x86_64-linux-gnu")


def ensure() -> Path:
    """The folder of a younger kernel, brought now if there is none.

    Raises:
        LabUnavailable: it cannot be brought, or does not start here.
    """
    if brought := uml.brought():
        return brought
    kernels = uml.kernels_directory()
    kernels.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=kernels) as name:
        directory = Path(name)
        version = _fetch(directory)
        made = directory / "made"
        _assemble(directory, made)
        _try_out(made)
        return made.rename(kernels / f"{uml.PREFIX}{version}")


def _fetch(directory: Path) -> str:
    """Unpack both packages into ``directory``; returns the kernel's version. The machine's own apt is left as it is."""
    options = _apt(directory)
    _run(["apt-get", *options, "update", "-q"], _FETCH_S, directory)
    _run(["apt-get", *options, "download", "-q", "user-mode-linux", "libc6"], _FETCH_S, directory)
    for package in directory.glob("*.deb"):
        _run(["dpkg-deb", "-x", str(package), str(directory / package.name.partition("_")[0])], _ASK_S, directory)
    package = next(directory.glob("user-mode-linux_*.deb"))
    return _run(["dpkg-deb", "-f", str(package), "Version"], _ASK_S, directory).strip()


def _apt(directory: Path) -> list[str]:
    """Options with which apt knows the later release alone, and keeps what it knows of it in ``directory``."""
    for part in ("lists/partial", "cache/archives/partial"):
        (directory / part).mkdir(parents=True)
    sources = directory / "sources.list"
    sources.write_text(f"deb [signed-by={_KEYRING}] {_mirror(directory)} {SUITE} main\n")
    settings = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferencesparts": "-",
        "Dir::State::lists": directory / "lists",
        "Dir::Cache": directory / "cache",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
        "APT::Default-Release": "",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _mirror(directory: Path) -> str:
    """Where this machine has its Debian packages from."""
    about = ["--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian", "Codename: bookworm"]
    told = _run(["apt-get", "indextargets", *about], _ASK_S, directory).split()
    return told[0].rstrip("/") if told else _MIRROR


def _assemble(directory: Path, made: Path) -> None:
    """The kernel, its modules, its C library and loader in one folder."""
    made.mkdir()
    unpacked = directory / "user-mode-linux"
    (unpacked / "usr/lib/uml/modules").rename(made / "modules")
    program = (unpacked / "usr/bin" / uml.LINUX).read_bytes()
    if program.count(_LOADER + b"\0") != 1:
        raise LabUnavailable(f"{uml.LINUX} of {SUITE} does not name {_LOADER.decode()} as its loader")
    program = program.replace(_LOADER + b"\0", _OWN_LOADER.ljust(len(_LOADER) + 1, b"\0"))
    (made / uml.LINUX).write_bytes(program)
    shutil.copy(directory / "libc6" / _LIBRARIES / "ld-linux-x86-64.so.2", made / _OWN_LOADER.decode())
    shutil.copy(directory / "libc6" / _LIBRARIES / "libc.so.6", made)
    (made / uml.LINUX).chmod(0o755)


def _try_out(made: Path) -> None:
    """It starts here, and its own modules are there."""
    kernel = uml.kept_in(made)
    version = _run([*kernel.words, "--version"], _ASK_S, made).strip()
    if not list((kernel.modules / version).rglob("drbd.ko*")):
        raise LabUnavailable(f"{uml.LINUX} of {SUITE} is {version} and has no module drbd")


def _run(argv: list[str], bound_s: float, directory: Path) -> str:
    try:
        return subprocess.run(
            argv, check=True, capture_output=True, text=True, timeout=bound_s, cwd=directory, stdin=subprocess.DEVNULL
        ).stdout
    except subprocess.CalledProcessError as error:
        raise LabUnavailable(f"`{' '.join(argv[:1])} … {argv[-1]}` failed: {error.stderr.strip()[-500:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabUnavailable(str(error)) from error


if __name__ == "__main__":
    if os.environ.get(uml.VARIABLE) != uml.OF_THE_RELEASE:
        try:
            print(ensure())
        except LabUnavailable as unavailable:
            print(f"no younger User Mode Linux, so the machines take twice the time: {unavailable}", file=sys.stderr)
