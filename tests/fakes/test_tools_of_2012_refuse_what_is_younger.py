"""The programs of an emulated old host: every option of then passes, every younger one is refused as then."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes import oldtools

Run = Callable[[tuple[str, ...], str], subprocess.CompletedProcess[str]]

TRUE = ("true",)
YOUNGER = [
    ("cat", "--frobnicate"),
    ("cp", "--update=older"),  # coreutils 9.3
    ("cp", "--debug"),
    ("cp", "-a", "-x", "--reflink=never", "--", "a", "b"),  # 8.30
    ("cp", "-a", "-Z", "a", "b"),
    ("cp", "-aZ", "a", "b"),
    ("df", "--output=size", "/"),  # 8.21
    ("du", "-t", "1M", "."),  # 8.21
    ("du", "-sd", "1"),  # 8.16
    ("du", "--inodes"),
    ("dd", "iflag=nocache", "if=a", "count=0"),  # 8.11
    ("dd", "if=a", "status=none"),  # 8.20
    ("dd", "if=a", "conv=notrunc,sparse"),  # 8.16
    ("dd", "--frobnicate"),
    ("mv", "--exchange", "a", "b"),
    ("mv", "-Z", "a", "b"),
    ("stat", "--cached=never", "a"),
    ("rm", "--preserve-root=all", "a"),  # 8.30
    ("sha256sum", "-z", "a"),  # 8.25
    ("sha256sum", "--ignore-missing", "-c", "a"),
    ("tail", "-z", "a"),
    ("timeout", "-k", "1", "2", "true"),  # 8.5
    ("timeout", "--foreground", "1", "true"),
    ("readlink", "-z", "a"),
    ("mkdir", "--context", "a"),
    ("find", ".", "-type", "f,d"),  # findutils 4.7
    ("find", "-files0-from", "-", "-print"),  # 4.9
    ("find", ".", "-frobnicate"),
    ("find", ".", "-exec", "echo", "+", "{}", ";", "-frobnicate"),
    ("flock", "-E", "3", "a", "true"),  # util-linux 2.25
    ("flock", "--verbose", "a", "true"),
    ("flock", "-F", "a", "true"),
    ("setsid", "-w", "true"),  # 2.24
    ("rsync", "-a", "--info=progress2", "a", "b"),  # 3.1
    ("rsync", "-aU", "a", "b"),  # 3.2
    ("rsync", "-aHAX", "--fsync", "a", "b"),
    ("rsync", "-aHAX", "--preallocate", "a", "b"),
    ("rsync", "-aN", "a", "b"),
]
KNOWN_THEN = [
    ("cat", "-", "-A"),
    ("cp", "-R", "--preserve", "a", "b"),
    ("cp", "-a", "--reflink=auto", "--", "a", "--reflink=never"),
    ("cp", "-a", "--preserve=all", "--sparse", "auto", "-t", "-Z", "a"),
    ("chmod", "0700", "--", "-a"),
    ("df", "-P", "-k", "--", "/"),
    ("du", "-s", "-k", "--max-depth", "3", "."),
    ("dd", "bs=10", "count=1", "iflag=fullblock,nofollow"),
    ("dd", "if=/dev/zero", "of=status=none", "conv=notrunc,fsync"),
    ("find", "/", "-xdev", "-printf", r"%y\0%P\0"),
    ("find", "/", "-xdev", "-type", "f", "-exec", "sha256sum", "-b", "--frobnicate", "{}", "+"),
    ("find", "/", "-exec", "x", "+", "-y", ";", "-newermt", "-z", "-print0"),
    ("flock", "-w", "3", "9"),
    ("flock", "a", "sh", "-E"),
    ("mv", "-f", "-T", "--", "a", "b"),
    ("timeout", "5", "bash", "-c", "--foreground"),
    ("setsid", "sh", "-c", "-w"),
    ("tr", "-d", "\\000"),
    ("rsync", "-aHAXSx", "--numeric-ids", "--delete", "--partial", "--stats", "--exclude=/lost+found", "--bwlimit=9"),
    ("rsync", "--filter", "--info", "-a", "--", "--info=x", "b"),
]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a guard that does nothing but judge, under dash and under bash."""

    def call(argv: tuple[str, ...], shell: str) -> subprocess.CompletedProcess[str]:
        script = tmp_path / argv[0]
        script.write_text(oldtools.guard(argv[0]) + 'echo "passed $#"\n')
        return subprocess.run([shell, str(script), *argv[1:]], capture_output=True, text=True, check=False, timeout=10)

    return call


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("argv", YOUNGER, ids=" ".join)
def test_what_is_younger_is_refused(run: Run, argv: tuple[str, ...], shell: str) -> None:
    ended = run(argv, shell)
    assert ended.returncode == (125 if argv[0] == "timeout" else 64 if argv[0] == "flock" else 1), ended
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"{argv[0]}: ")


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("argv", KNOWN_THEN, ids=" ".join)
def test_what_was_known_passes_with_its_arguments(run: Run, argv: tuple[str, ...], shell: str) -> None:
    ended = run(argv, shell)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"passed {len(argv) - 1}\n", "")


def test_behind_the_guard_is_the_program(tmp_path: Path) -> None:
    for name in ("cat", "sync", "rsync", "openssl"):
        (tmp_path / name).write_text(oldtools.script(name))
        (tmp_path / name).chmod(0o755)
    path = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def said(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(argv, capture_output=True, text=True, check=True, env=path, input="in", timeout=60)

    assert said("cat").stdout == "in"
    assert said("sync", "/").stderr == "sync: ignoring all arguments\n"
    assert said("openssl", "dgst", "-sha256", "/dev/null").stdout.startswith("SHA2")
    with pytest.raises(subprocess.CalledProcessError):
        said("openssl", "dgst", "-sha256", "-r", "/dev/null")
    assert said("rsync", "--version").stdout == "rsync  version 3.0.6  protocol version 30\n"
