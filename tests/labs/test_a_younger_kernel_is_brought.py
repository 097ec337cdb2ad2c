"""A younger User Mode Linux is unpacked beside the machine's own, and what cannot be brought is said and left out."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import LabUnavailable
from harness.labs import uml, uml_provide

LOADER = b"/lib64/ld-linux-x86-64.so.2\0"
ANSWERS_7_2 = b'#!/bin/sh\n[ -e ld.so ] && [ "$LD_LIBRARY_PATH" = "$PWD" ] && echo 7.2.7\n#'


def unpacked(directory: Path, program: bytes, version: str = "7.2.7") -> Path:
    """Both packages as apt would have left them, with this program as their kernel."""
    kernel = directory / "user-mode-linux" / "usr"
    (kernel / "lib/uml/modules" / version / "drbd").mkdir(parents=True)
    (kernel / "lib/uml/modules" / version / "drbd" / "drbd.ko").touch()
    (kernel / "bin").mkdir()
    (kernel / "bin" / uml.LINUX).write_bytes(program)
    libraries = directory / "libc6" / "usr/lib/x86_64-linux-gnu"
    libraries.mkdir(parents=True)
    for name in ("ld-linux-x86-64.so.2", "libc.so.6"):
        shutil.copy(Path("/lib/x86_64-linux-gnu", name), libraries)
    return directory


def test_the_program_takes_its_loader_from_its_own_folder(tmp_path: Path) -> None:
    program = ANSWERS_7_2 + LOADER + b"the rest"
    made = tmp_path / "made"
    uml_provide._assemble(unpacked(tmp_path, program), made)
    changed = (made / uml.LINUX).read_bytes()
    assert len(changed) == len(program)
    assert changed == ANSWERS_7_2 + b"ld.so".ljust(len(LOADER), b"\0") + b"the rest"
    assert stat.S_IMODE((made / uml.LINUX).stat().st_mode) == 0o755
    assert (made / "ld.so").read_bytes().startswith(b"\x7fELF")
    uml_provide._try_out(made)


def test_a_program_with_another_loader_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(LabUnavailable, match="does not name /lib64/ld-linux-x86-64"):
        uml_provide._assemble(unpacked(tmp_path, b"#!/bin/sh\n"), tmp_path / "made")


def test_a_kernel_without_its_own_drbd_is_not_taken(tmp_path: Path) -> None:
    made = tmp_path / "made"
    uml_provide._assemble(unpacked(tmp_path, ANSWERS_7_2 + LOADER, version="6.1.0"), made)
    with pytest.raises(LabUnavailable, match=r"is 7\.2\.7 and has no module drbd"):
        uml_provide._try_out(made)


def test_a_kernel_that_was_brought_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nonexistent")
    there = uml.kernels_directory() / f"{uml.PREFIX}7.2um1"
    there.mkdir(parents=True)
    assert uml_provide.ensure() == there


def test_where_none_can_be_had_the_labs_are_provided_all_the_same(tmp_path: Path) -> None:
    """No apt-get on PATH: the program says what is lost, leaves nothing behind, and does not fail."""
    told = subprocess.run(
        [sys.executable, "-m", "harness.labs.uml_provide"],
        env={"XDG_STATE_HOME": str(tmp_path), "PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (told.returncode, told.stdout) == (0, "")
    assert "no younger User Mode Linux, so the machines take twice the time" in told.stderr
    assert "apt-get" in told.stderr
    assert list((tmp_path / "walrus-ha" / "kernels").iterdir()) == []
