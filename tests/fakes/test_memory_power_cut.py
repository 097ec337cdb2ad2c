"""A power cut takes exactly what was not flushed, and a snapshot brings everything back."""

from __future__ import annotations

import errno
from collections.abc import Callable
from timeit import repeat

import pytest

from fakes import truth
from fakes.content import Blob
from fakes.memory import MemoryFilesystem
from fakes.seeding import materialise, plan_store
from fakes.tree import Tree
from fakes.volume import Published, Volume


@pytest.fixture
def files() -> MemoryFilesystem:
    made = MemoryFilesystem()
    made.mkdir("/d")
    made.write("/d/old", b"flushed")
    made.sync()
    return made


def _cut(files: MemoryFilesystem) -> list[str]:
    files.power_cut()
    return list(files.walk("/"))


def test_a_new_file_that_was_not_flushed_is_gone(files: MemoryFilesystem) -> None:
    files.write("/d/new", b"x")
    assert _cut(files) == ["/", "/d", "/d/old"]


def test_content_that_was_not_flushed_reverts(files: MemoryFilesystem) -> None:
    files.write("/d/old", b"only in the page cache")
    files.chmod("/d/old", 0o600)
    files.power_cut()
    assert (files.read("/d/old"), files.stat("/d/old").mode) == (b"flushed", 0o644)


def test_a_rename_that_was_not_flushed_reverts(files: MemoryFilesystem) -> None:
    files.rename("/d", "/e")
    assert _cut(files) == ["/", "/d", "/d/old"]


def test_what_was_removed_and_not_flushed_is_back(files: MemoryFilesystem) -> None:
    files.unlink("/d/old")
    files.rmdir("/d")
    assert _cut(files) == ["/", "/d", "/d/old"]


def test_sync_makes_everything_durable(files: MemoryFilesystem) -> None:
    files.write("/d/new", b"x")
    files.rename("/d", "/e")
    files.sync()
    assert _cut(files) == ["/", "/e", "/e/new", "/e/old"]


def test_replace_makes_its_file_durable_and_nothing_else(files: MemoryFilesystem) -> None:
    files.mkdir("/new-directory")
    files.write("/d/unflushed", b"x")
    files.replace("/new-directory/file", b"whole", 0o600)
    files.replace("/d/old", b"replaced")
    assert _cut(files) == ["/", "/d", "/d/old", "/new-directory", "/new-directory/file"]
    assert files.read("/d/old") == b"replaced"
    assert files.stat("/new-directory/file").mode == 0o600
    assert files.stat("/").links == 4


def test_replace_keeps_owner_and_mode(files: MemoryFilesystem) -> None:
    files.chmod("/d/old", 0o640)
    files.chown("/d/old", 498, 12)
    files.replace("/d/old", b"again")
    found = files.stat("/d/old")
    assert (found.mode, found.uid, found.gid) == (0o640, 498, 12)


def test_replace_leaves_other_names_of_the_old_file_alone(files: MemoryFilesystem) -> None:
    files.link("/d/old", "/d/other")
    files.sync()
    files.replace("/d/old", b"new")
    files.power_cut()
    assert (files.read("/d/other"), files.stat("/d/other").links) == (b"flushed", 1)
    assert (files.read("/d/old"), files.stat("/d/old").links) == (b"new", 1)


def test_a_policy_may_let_more_survive(files: MemoryFilesystem) -> None:
    def everything(volume: Volume) -> Tree:
        return volume.tree

    files.write("/d/new", b"x")
    files.power_cut(everything)
    assert files.read("/d/new") == b"x"


def test_images_are_unmounted_and_keep_what_was_flushed(files: MemoryFilesystem) -> None:
    files.make_image("disk")
    files.mount_image("disk", "/d")
    files.write("/d/flushed", b"1")
    files.sync()
    files.write("/d/lost", b"2")
    files.power_cut()
    assert files.listdir("/d") == ["old"]
    files.mount_image("disk", "/d")
    assert files.listdir("/d") == ["flushed", "lost+found"]


def test_mounting_hides_and_unmounting_flushes(files: MemoryFilesystem) -> None:
    files.make_image("disk")
    files.mount_image("disk", "/d")
    assert files.listdir("/d") == ["lost+found"]
    assert (files.stat("/d").mode, files.stat("/d/lost+found").mode) == (0o755, 0o700)
    files.write("/d/x", b"1")
    files.unmount_image("/d")
    assert files.listdir("/d") == ["old"]
    files.power_cut()
    files.mount_image("disk", "/d")
    assert files.read("/d/x") == b"1"


def test_stacked_mounts_come_off_in_reverse(files: MemoryFilesystem) -> None:
    for name in ("one", "two"):
        files.make_image(name)
        files.mount_image(name, "/d")
        files.write(f"/d/{name}", b"")
    assert files.listdir("/d") == ["lost+found", "two"]
    files.unmount_image("/d")
    assert files.listdir("/d") == ["lost+found", "one"]
    files.unmount_image("/d")
    with pytest.raises(OSError, match="Invalid argument"):
        files.unmount_image("/d")


def test_a_published_image_is_adopted_by_another_machine() -> None:
    published: dict[str, Published] = {}
    one, other = (MemoryFilesystem(published=published) for _ in range(2))
    one.make_image("disk", 50 * 1024**2)
    one.mkdir("/at")
    one.mount_image("disk", "/at")
    one.write("/at/object", b"1")
    one.publish_image("disk", "token")
    one.write("/at/object", b"later")
    other.mkdir("/at")
    other.sync()
    other.adopt_image("disk", "token")
    other.mount_image("disk", "/at")
    assert other.read("/at/object") == b"1"
    assert other.usage("/at").total_bytes == one.usage("/at").total_bytes
    other.unmount_image("/at")
    other.power_cut()
    other.mount_image("disk", "/at")
    assert other.read("/at/object") == b"1"


Attempt = Callable[[MemoryFilesystem], None]


def _make_nine_files(files: MemoryFilesystem) -> None:
    for number in range(9):
        files.write(f"/small/{number}", b"")


CROSSING: dict[int, list[Attempt]] = {
    errno.EXDEV: [
        lambda files: files.rename("/d/old", "/small/old"),
        lambda files: files.link("/d/old", "/small/old"),
        lambda files: files.rename("/d", "/small/d"),
    ],
    errno.EBUSY: [lambda files: files.rmdir("/small"), lambda files: files.rename("/small", "/elsewhere")],
    errno.ENOSPC: [
        lambda files: files.write("/small/x", b"1" * 9 * 4096),
        lambda files: files.write("/small/full", b"1" * 9 * 4096),
        _make_nine_files,
    ],
}


@pytest.mark.parametrize(("number", "attempt"), [(n, a) for n, attempts in CROSSING.items() for a in attempts])
def test_a_volume_of_its_own_has_limits(files: MemoryFilesystem, number: int, attempt: Attempt) -> None:
    files.mkdir("/small")
    files.add_volume("/small", 8 * 4096, inodes=8)
    files.write("/small/full", b"1" * 4096)
    with pytest.raises(OSError, match=r".") as caught:
        attempt(files)
    assert caught.value.errno == number
    assert files.read("/small/full") == b"1" * 4096


def test_room_is_given_back(files: MemoryFilesystem) -> None:
    files.mkdir("/small")
    files.add_volume("/small", 8 * 4096, inodes=8)
    before = files.usage("/small")
    files.write("/small/a", b"1" * 5 * 4096)
    files.link("/small/a", "/small/b")
    assert files.usage("/small").free_bytes == before.free_bytes - 5 * 4096
    files.unlink("/small/a")
    assert files.usage("/small").free_bytes == before.free_bytes - 5 * 4096
    files.unlink("/small/b")
    assert files.usage("/small") == before
    files.mkdir("/small/d")
    files.rmdir("/small/d")
    assert files.usage("/small") == before


def test_a_filled_disk_has_what_was_left(files: MemoryFilesystem) -> None:
    files.fill("/d/old", leave_bytes=2 * 4096)
    assert files.usage("/").free_bytes == 2 * 4096
    with pytest.raises(OSError, match="No space left"):
        files.write("/d/new", b"1" * 3 * 4096)
    files.empty("/d")
    files.write("/d/new", b"1" * 3 * 4096)


def test_a_flipped_byte_keeps_size_and_time_and_survives(files: MemoryFilesystem) -> None:
    files.put_content("/d/blob", Blob("tag", 10_000))
    files.sync()
    before, hashed = files.stat("/d/blob"), files.sha256("/d/blob")
    files.flip_byte("/d/blob")
    files.power_cut()
    assert files.stat("/d/blob") == before
    assert files.sha256("/d/blob") != hashed


def test_an_unreadable_file_is_so_under_every_name(files: MemoryFilesystem) -> None:
    files.make_unreadable("/d/old")
    files.rename("/d/old", "/d/moved")
    with pytest.raises(OSError, match="Input/output error"):
        files.sha256("/d/moved")


def test_a_snapshot_brings_everything_back_and_costs_nothing(files: MemoryFilesystem) -> None:
    materialise(files, "/store", plan_store(500, 5_000_000, 3, True), 498, 498)
    files.make_image("disk")
    files.mount_image("disk", "/d")
    files.write("/d/before", b"unflushed")
    before, kept = truth.walk(files, "/"), files.snapshot()
    assert min(repeat(files.snapshot, number=10, repeat=5)) / 10 < 0.0005
    files.unmount_image("/d")
    files.rename("/store", "/gone")
    files.sync()
    files.restore(kept)
    assert truth.walk(files, "/") == before
    files.power_cut()
    files.mount_image("disk", "/d")
    assert files.listdir("/d") == ["lost+found"], "what was unflushed then is unflushed again"


def test_blobs_are_prefixes_of_each_other_with_hashes_of_their_own(files: MemoryFilesystem) -> None:
    for size in (0, 10_000, 20_000):
        files.put_content(f"/d/{size}", Blob("tag", size))
    assert files.read("/d/20000")[:10_000] == files.read("/d/10000")
    assert len({files.sha256(f"/d/{size}") for size in (0, 10_000, 20_000)}) == 3
    files.write("/d/same", files.read("/d/20000"))
    assert files.sha256("/d/same") == files.sha256("/d/20000")
    files.put_content("/d/huge", Blob("tag", 10**10))
    assert len(files.sha256("/d/huge")) == 64
    with pytest.raises(OSError, match="too large"):
        files.read("/d/huge")
