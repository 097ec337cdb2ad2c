"""A file is replaced as a whole or not at all, and looks as it did but for its content."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from harness.errors import CommandFailed, Fenced, InvalidInput
from harness.hosts.command import Claim, Command, Fence, PutFile, Result
from harness.hosts.transport import Transport
from tests.hosts.conftest import FENCE, SmallDisk


@pytest.fixture
def file(folder: Path) -> Path:
    (folder / "etc").mkdir()
    return folder / "etc" / '-it\'s a "file"\n.conf'


def test_a_new_file(claimed: Transport, file: Path) -> None:
    content = bytes(range(256)) * 1000
    assert claimed.send(PutFile(str(file), content), FENCE) is None
    assert file.read_bytes() == content
    assert file.stat().st_mode & 0o7777 == 0o644
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("content", [b"", b"\n", b"\0", b"no newline", b"$(id)`id`'\"\n"])
def test_the_content_is_exact(claimed_local: Transport, file: Path, content: bytes) -> None:
    claimed_local.send(PutFile(str(file), content), FENCE)
    assert file.read_bytes() == content


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o4711])
def test_mode_and_owner_are_kept(claimed_local: Transport, file: Path, mode: int) -> None:
    file.write_bytes(b"before")
    own_another(file)
    file.chmod(mode)
    before = file.stat()
    claimed_local.send(PutFile(str(file), b"after"), FENCE)
    after = file.stat()
    assert file.read_bytes() == b"after"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino


@pytest.mark.parametrize("exists", [False, True])
def test_a_mode_that_is_given_counts(claimed_local: Transport, file: Path, exists: bool) -> None:
    if exists:
        file.write_bytes(b"before")
        file.chmod(0o644)
    claimed_local.send(PutFile(str(file), b"secret", 0o600), FENCE)
    assert file.stat().st_mode & 0o7777 == 0o600


def own_another(file: Path) -> None:
    if os.geteuid() == 0:
        os.chown(file, 498, 499)


def test_readers_see_the_old_file_or_the_new_one(claimed_local: Transport, file: Path) -> None:
    versions = {bytes([letter]) * 500_000 for letter in b"ab"}
    file.write_bytes(b"a" * 500_000)
    seen: set[bytes] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.add(file.read_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(5):
        for version in sorted(versions, reverse=True):
            claimed_local.send(PutFile(str(file), version), FENCE)
    stop.set()
    watcher.join()
    assert seen == versions


def test_file_and_directory_are_flushed(
    claimed_local: Transport, file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this order: the content before the new name, the new name before the answer."""
    trace = folder / "trace"
    for program in ("dd", "mv", "sync"):
        recorder = folder / program
        recorder.write_text(
            f'#!/bin/sh\necho "{program} $*" >>"{trace}"\nexec /bin/{program} "$@"\n'.replace(str(trace), "$TRACE")
        )
        recorder.chmod(0o755)
    monkeypatch.setenv("TRACE", str(trace))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    claimed_local.send(PutFile(str(folder / "etc" / "fstab"), b"x"), FENCE)
    steps = [line for line in trace.read_text().splitlines() if "iflag=fullblock" not in line]
    etc = folder / "etc"
    assert steps == [
        f"dd bs=65536 of={etc}/.fstab.walrus-ha conv=notrunc,fsync",
        f"mv -f -T -- {etc}/.fstab.walrus-ha {etc}/fstab",
        f"sync -- {etc}",
    ]


def test_leftovers_of_an_interrupted_put_are_replaced(claimed_local: Transport, file: Path, folder: Path) -> None:
    target = folder / "elsewhere"
    target.write_bytes(b"untouched")
    (file.parent / f".{file.name}.walrus-ha").symlink_to(target)
    claimed_local.send(PutFile(str(file), b"content"), FENCE)
    assert file.read_bytes() == b"content"
    assert target.read_bytes() == b"untouched"
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_symbolic_link_is_not_replaced(claimed_local: Transport, file: Path, folder: Path) -> None:
    target = folder / "elsewhere"
    target.write_bytes(b"untouched")
    file.symlink_to(target)
    with pytest.raises(CommandFailed, match="is a symbolic link"):
        claimed_local.send(PutFile(str(file), b"content"), FENCE)
    assert file.is_symlink()
    assert target.read_bytes() == b"untouched"


def test_a_directory_is_not_replaced(claimed_local: Transport, folder: Path) -> None:
    (folder / "etc" / "fstab").mkdir(parents=True)
    with pytest.raises(CommandFailed, match="cannot replace"):
        claimed_local.send(PutFile(str(folder / "etc" / "fstab"), b"content"), FENCE)
    assert [path.name for path in (folder / "etc").iterdir()] == ["fstab"]


def test_a_full_disk_leaves_the_old_file(small_disk: SmallDisk) -> None:
    transport, file = small_disk.transport, small_disk / "fstab"
    transport.send(Claim(FENCE))
    transport.send(PutFile(file, b"before"), FENCE)
    with pytest.raises(CommandFailed, match="cannot write"):
        transport.send(PutFile(file, bytes(1024 * 1024)), FENCE)
    assert transport.send(Command(("cat", file))) == Result(0, b"before")
    assert transport.send(Command(("ls", "-A", small_disk.path))) == Result(0, b"fstab\nstate\n")


def test_a_stale_engine_puts_nothing(claimed_local: Transport, file: Path) -> None:
    with pytest.raises(Fenced):
        claimed_local.send(PutFile(str(file), b"content"), Fence(1, "run-0"))
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize("path", ["", "relative", "/ends/with/", "/a\0b"])
def test_what_is_no_absolute_path_is_refused(claimed_local: Transport, path: str) -> None:
    with pytest.raises(InvalidInput):
        claimed_local.send(PutFile(path, b""), FENCE)
