"""The same tree on this machine's disk and in memory, to run the real program on one and its model on the other."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.program import Call
from fakes.seeding import Item, materialise, materialise_on_disk
from fakes.simulated import SimulatedMachine, SimulatedWorld

UID = GID = 498

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away, as the hosts' owner does")


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip where a real program is not installed."""
    missing = [name for name in programs if shutil.which(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed here: {', '.join(missing)}")


@dataclass(frozen=True)
class Answer:
    """What a program printed and returned, the real one's or the model's."""

    status: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class Twins:
    """Two trees under the same path: one on disk, one in memory."""

    root: str
    machine: SimulatedMachine

    def real(self, *argv: str) -> Answer:
        environment = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
        ran = subprocess.run(argv, capture_output=True, env=environment, timeout=60, check=False, cwd=self.root)
        return Answer(ran.returncode, ran.stdout, ran.stderr)

    def model(self, *argv: str) -> Answer:
        reply = self.machine.execute(Call(argv))
        assert not self.machine.simulation.state.unsupported
        return Answer(reply.exit_status, reply.stdout, reply.stderr)

    def both(self, *argv: str) -> tuple[Answer, Answer]:
        """The real answer and the model's."""
        return self.real(*argv), self.model(*argv)

    def path(self, below: str) -> str:
        return f"{self.root}/{below}"


def make_machine(root: str) -> SimulatedMachine:
    """A machine with nothing but the directories that lead to ``root``."""
    machine = SimulatedWorld().add_host("walrus00", "10.0.0.10", "original")
    parts = root.strip("/").split("/")
    for depth in range(1, len(parts) + 1):
        machine.files.mkdir("/" + "/".join(parts[:depth]))
    return machine


def make_twins(folder: Path, items: list[Item]) -> Twins:
    """Both trees, seeded with the same items below ``store``."""
    root = str(folder / "twins")
    os.mkdir(root)
    machine = make_machine(root)
    notes = materialise_on_disk(f"{root}/store", items, UID, GID)
    assert not notes, "the comparison needs a file system that holds what the store has"
    materialise(machine.files, f"{root}/store", items, UID, GID)
    return Twins(root, machine)


def disk_manifest(root: str) -> list[dict[str, object]]:
    """What lies below ``root`` on disk, in the form of ``fakes.truth.walk`` and sharing no code with it."""
    found: list[dict[str, object]] = []
    names: dict[int, list[bytes]] = {}
    top = os.fsencode(root)
    paths = [top] + [os.path.join(at, name) for at, *lists in os.walk(top) for entries in lists for name in entries]
    for path in paths:
        below, status = os.path.relpath(path, top), os.lstat(path)
        if stat.S_ISREG(status.st_mode):
            names.setdefault(status.st_ino, []).append(below)
        attributes = {name: os.getxattr(path, name, follow_symlinks=False).hex()
                      for name in sorted(os.listxattr(path, follow_symlinks=False))}  # fmt: skip
        entry: dict[str, object] = {
            "path": below.decode("latin-1"),
            "mode": stat.S_IMODE(status.st_mode),
            "uid": status.st_uid,
            "gid": status.st_gid,
            "mtime_ns": status.st_mtime_ns,
            "xattrs": attributes,
            **_content(path, status),
        }
        entry["same_as"] = status.st_ino if entry["kind"] == "file" else None
        found.append(entry)
    for entry in found:
        members = sorted(names.get(int(str(entry["same_as"] or 0)), []))
        entry["same_as"] = members[0].decode("latin-1") if len(members) > 1 else None
    return sorted(found, key=lambda entry: str(entry["path"]))


def _content(path: bytes, status: os.stat_result) -> dict[str, object]:
    if stat.S_ISLNK(status.st_mode):
        return {"kind": "symlink", "size": 0, "sha256": None, "target": os.readlink(path).decode("latin-1")}
    if stat.S_ISDIR(status.st_mode):
        return {"kind": "directory", "size": 0, "sha256": None, "target": None}
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {"kind": "file", "size": status.st_size, "sha256": digest, "target": None}
