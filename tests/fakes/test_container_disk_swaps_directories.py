"""On a container's disk an image of a block device is a directory, and mounting is renaming."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from fakes.disk import DiskFilesystem
from fakes.program import UnsupportedInvocation

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="foreign owners need root")

IMAGE = "walrus00:/dev/sdb"
STORE = "/store"


@pytest.fixture
def disk(tmp_path: Path) -> DiskFilesystem:
    (tmp_path / "shared").mkdir()
    found = DiskFilesystem(str(tmp_path / "root"), shared=str(tmp_path / "shared"))
    (tmp_path / "root").mkdir()
    found.mkdir(STORE, 0o700)
    found.chown(STORE, 498, 498)
    found.write(f"{STORE}/old", b"before")
    found.make_image(IMAGE)
    return found


def _error(call: Callable[[], object]) -> int | None:
    try:
        call()
    except OSError as error:
        return error.errno
    return None


def test_a_new_image_is_an_empty_file_system(disk: DiskFilesystem) -> None:
    disk.mount_image(IMAGE, STORE)
    root, lost = disk.stat(STORE), disk.stat(f"{STORE}/lost+found")
    assert disk.listdir(STORE) == ["lost+found"]
    assert (root.mode, root.uid, root.gid, lost.mode) == (0o755, 0, 0, 0o700)


def test_mounting_hides_and_unmounting_brings_back(disk: DiskFilesystem) -> None:
    inode = disk.stat(STORE).inode
    disk.mount_image(IMAGE, STORE)
    disk.write(f"{STORE}/new", b"while mounted")
    disk.unmount_image(STORE)
    assert disk.listdir(STORE) == ["old"]
    assert (disk.stat(STORE).inode, disk.stat(STORE).uid, disk.stat(STORE).mode) == (inode, 498, 0o700)
    disk.mount_image(IMAGE, STORE)
    assert disk.read(f"{STORE}/new") == b"while mounted"
    assert not disk.exists(f"{STORE}/old")


def test_a_second_image_can_be_mounted_over_the_first(disk: DiskFilesystem) -> None:
    disk.mount_image(IMAGE, STORE)
    disk.make_image("other")
    disk.mount_image("other", STORE)
    disk.write(f"{STORE}/upper", b"")
    root = disk.image_root(IMAGE)
    assert root is not None
    assert os.listdir(root) == ["lost+found"]
    disk.unmount_image(STORE)
    assert disk.listdir(STORE) == ["lost+found"]
    disk.unmount_image(STORE)
    assert disk.listdir(STORE) == ["old"]


def test_mounting_what_is_not_there_fails(disk: DiskFilesystem) -> None:
    assert _error(lambda: disk.mount_image("none", STORE)) == errno.ENOENT
    assert _error(lambda: disk.mount_image(IMAGE, "/none")) == errno.ENOENT
    assert _error(lambda: disk.mount_image(IMAGE, f"{STORE}/old")) == errno.ENOTDIR
    assert _error(lambda: disk.unmount_image(STORE)) == errno.EINVAL
    assert disk.listdir(STORE) == ["old"]


def test_an_image_in_two_places_is_not_modelled(disk: DiskFilesystem) -> None:
    disk.mount_image(IMAGE, STORE)
    disk.mkdir("/second")
    with pytest.raises(UnsupportedInvocation):
        disk.mount_image(IMAGE, "/second")
    disk.make_image("other")
    with pytest.raises(UnsupportedInvocation):
        disk.mount_image("other", f"{STORE}/lost+found")


def test_a_busy_mount_cannot_be_unmounted(disk: DiskFilesystem) -> None:
    disk.mount_image(IMAGE, STORE)
    with open(disk.real(f"{STORE}/open"), "w"):
        assert _error(lambda: disk.unmount_image(STORE)) == errno.EBUSY
    disk.unmount_image(STORE)
    assert disk.has_image(IMAGE)


def test_a_mounted_image_is_neither_remade_nor_dropped(disk: DiskFilesystem) -> None:
    disk.mount_image(IMAGE, STORE)
    assert _error(lambda: disk.make_image(IMAGE)) == errno.EBUSY
    assert _error(lambda: disk.drop_image(IMAGE)) == errno.EBUSY
    disk.unmount_image(STORE)
    disk.drop_image(IMAGE)
    assert not disk.has_image(IMAGE)


# Power cuts


def test_after_a_power_cut_nothing_is_mounted_and_nothing_lost(disk: DiskFilesystem) -> None:
    disk.mount_image(IMAGE, STORE)
    disk.write(f"{STORE}/new", b"kept")
    disk.make_image("other")
    disk.mount_image("other", STORE)
    disk.unmount_all()
    assert disk.mounted() == []
    assert disk.listdir(STORE) == ["old"]
    disk.mount_image(IMAGE, STORE)
    assert disk.read(f"{STORE}/new") == b"kept"


class _Cut(BaseException):
    """The power goes."""


@pytest.mark.parametrize("from_a_layer", [False, True], ids=["own directory", "directory of an image layer"])
@pytest.mark.parametrize("moment", range(7))
@pytest.mark.parametrize("action", ["mount", "unmount"])
def test_a_power_cut_in_the_middle_of_a_mount_loses_nothing(
    disk: DiskFilesystem, monkeypatch: pytest.MonkeyPatch, action: str, moment: int, from_a_layer: bool
) -> None:
    """``moment`` counts the changes until the cut; moving an image layer's directory away gives EXDEV first."""
    if action == "unmount":
        disk.mount_image(IMAGE, STORE)
    left = [moment]

    def until_cut(genuine: Callable[[str, str], None]) -> Callable[[str, str], None]:
        def rename(old: str, new: str) -> None:
            if from_a_layer and old == disk.real(STORE) and "/shadow/" in new:
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            if left[0] == 0:
                raise _Cut
            left[0] -= 1
            genuine(old, new)

        return rename

    monkeypatch.setattr(os, "rename", until_cut(os.rename))
    monkeypatch.setattr(os, "replace", until_cut(os.replace))
    with suppress(_Cut):
        disk.mount_image(IMAGE, STORE) if action == "mount" else disk.unmount_image(STORE)
    monkeypatch.undo()
    disk.unmount_all()
    assert disk.listdir(STORE) == ["old"]
    assert disk.stat(STORE).uid == 498
    disk.mount_image(IMAGE, STORE)
    assert disk.listdir(STORE) == ["lost+found"]


def test_a_mount_point_of_an_image_layer_is_copied_up(disk: DiskFilesystem, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = os.rename

    def rename(old: str, new: str) -> None:
        if old == disk.real(STORE) and "/shadow/" in new:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        genuine(old, new)

    monkeypatch.setattr(os, "rename", rename)
    disk.mount_image(IMAGE, STORE)
    assert disk.listdir(STORE) == ["lost+found"]
    disk.unmount_image(STORE)
    assert (disk.listdir(STORE), disk.stat(STORE).uid) == (["old"], 498)


# Other hosts


def test_what_is_published_is_adopted_whole(disk: DiskFilesystem, tmp_path: Path) -> None:
    odd = f"{STORE}/odd\udcff\nname"
    disk.mount_image(IMAGE, STORE)
    disk.write(odd, b"bytes", 0o2640)
    disk.chown(odd, 498, 499)
    disk.chmod(odd, 0o2640)
    disk.set_xattr(odd, "user.colour", b"green")
    disk.utime(odd, 1_400_000_000_123_456_789)
    disk.link(odd, f"{STORE}/same")
    disk.symlink("nowhere", f"{STORE}/link")
    disk.publish_image(IMAGE, "token-1")
    (tmp_path / "peer").mkdir()
    peer = DiskFilesystem(str(tmp_path / "peer"), shared=str(tmp_path / "shared"))
    peer.mkdir(STORE)
    peer.adopt_image("its", "token-1")
    peer.mount_image("its", STORE)
    here, there = disk.stat(odd), peer.stat(odd)
    for name in ("kind", "size", "mode", "uid", "gid", "mtime_ns", "links"):
        assert getattr(here, name) == getattr(there, name), name
    assert peer.read(odd) == b"bytes"
    assert peer.xattrs(odd)["user.colour"] == b"green"
    assert peer.stat(f"{STORE}/same").inode == there.inode
    assert peer.readlink(f"{STORE}/link") == "nowhere"


def test_adopting_replaces_what_was_there(disk: DiskFilesystem) -> None:
    disk.publish_image(IMAGE, "empty")
    disk.mount_image(IMAGE, STORE)
    disk.write(f"{STORE}/new", b"")
    with pytest.raises(UnsupportedInvocation):
        disk.adopt_image(IMAGE, "empty")
    disk.unmount_image(STORE)
    disk.adopt_image(IMAGE, "empty")
    disk.mount_image(IMAGE, STORE)
    assert disk.listdir(STORE) == ["lost+found"]


def test_adopting_what_was_never_published_fails(disk: DiskFilesystem) -> None:
    assert _error(lambda: disk.adopt_image(IMAGE, "none")) == errno.ENOENT
    assert _error(lambda: disk.publish_image("none", "token")) == errno.ENOENT


# Plain files


def test_replace_keeps_owner_and_mode(disk: DiskFilesystem) -> None:
    disk.write("/file", b"one", 0o640)
    disk.chown("/file", 498, 499)
    disk.replace("/file", b"two")
    found = disk.stat("/file")
    assert (disk.read("/file"), found.mode, found.uid, found.gid) == (b"two", 0o640, 498, 499)
    disk.replace("/file", b"three", 0o600)
    assert disk.stat("/file").mode == 0o600


def test_walk_goes_parents_first_and_in_byte_order(disk: DiskFilesystem) -> None:
    disk.mkdir("/top")
    disk.mkdir("/top/b")
    disk.write("/top/b/x", b"")
    disk.write("/top/b.txt", b"")
    disk.write("/top/a\udcff", b"")
    disk.symlink("b", "/top/link")
    assert list(disk.walk("/top")) == ["/top", "/top/a\udcff", "/top/b", "/top/b/x", "/top/b.txt", "/top/link"]
