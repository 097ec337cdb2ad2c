"""Every image that a power cut may leave holds what was flushed, nothing that was never written, and a whole tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import truth
from fakes.content import Blob
from fakes.memory import MemoryFilesystem
from fakes.survival import everything, names_only, torn
from fakes.tree import Tree
from fakes.volume import only_flushed

PATHS = ["/d/a", "/d/b", "/e/a", "/d", "/e"]
CONTENTS = [b"x", b"y" * 5000, b"z" * 9000, b"w" * 20_000]
PATH = st.sampled_from(PATHS)
STEP = st.one_of(
    st.tuples(st.just("write"), PATH, st.sampled_from(CONTENTS)),
    st.tuples(st.just("write"), st.just("/d/a"), st.sampled_from(CONTENTS)),
    st.tuples(st.just("replace"), PATH, st.sampled_from(CONTENTS)),
    st.tuples(st.sampled_from(["rename", "rename", "link"]), PATH, PATH),
    st.tuples(st.sampled_from(["mkdir", "rmdir", "unlink", "sync_file", "sync_file", "sync_filesystem"]), PATH),
    st.tuples(st.just("chmod"), PATH, st.sampled_from([0o600, 0o755])),
    st.tuples(st.just("sync")),
)
Step = tuple[str, ...]


@dataclass
class Promises:
    """What flushing promised, kept apart from the model: contents by path, until somebody changes them."""

    files: MemoryFilesystem
    kept: dict[str, bytes] = field(default_factory=dict)

    def _inode(self, path: str) -> int | None:
        return self.files.stat(path).inode if self.files.exists(path) else None

    def take(self, step: Step) -> None:
        """Make the step, if it can be made, and keep book."""
        name, *arguments = step
        touched = [path for path in arguments if isinstance(path, str)]
        inodes = {self._inode(path) for path in touched} - {None}
        same = [path for path in self.kept if self._inode(path) in inodes]
        try:
            getattr(self.files, name)(*arguments)
        except OSError:
            return
        if name in ("write", "replace", "rename", "unlink"):
            for path in list(self.kept):
                if path in same or any(path == one or path.startswith(one + "/") for one in touched):
                    del self.kept[path]
        if name in ("sync", "sync_filesystem"):
            self.kept = {path: self.files.read(path) for path in self._all_files()}
        elif name in ("sync_file", "replace") and self.files.stat(touched[0]).kind == "file":
            self.kept[touched[0]] = self.files.read(touched[0])

    def _all_files(self) -> list[str]:
        return [path for path in self.files.walk("/") if self.files.stat(path).kind == "file"]


def _images(files: MemoryFilesystem, most: int = 60) -> Iterator[Tree]:
    (volume,) = files._volumes()
    images = files.images(seed=1, most=most)
    return (images[number](volume) for number in range(min(len(images), most)))


def _contents(tree: Tree) -> dict[str, bytes]:
    files = {path: tree.nodes[number] for path, number in tree.paths.items()}
    return {path: bytes(node.content) for path, node in files.items() if isinstance(node.content, bytes)}  # no blobs


def _require_whole(tree: Tree) -> None:
    """Every name has its directory, every link count and the count of blocks are right, no inode is left over."""
    for path in tree.paths:
        parent = tree.node(path.rpartition("/")[0])
        assert parent is not None, path
        assert parent.kind == "directory", path
    again = tree.copy()
    again.recount()
    assert again.nodes == tree.nodes
    assert again.blocks == tree.blocks


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.lists(STEP, min_size=5, max_size=25))
def test_every_image_holds_what_was_flushed_and_is_whole(steps: list[Step]) -> None:
    files = MemoryFilesystem()
    files.mkdir("/d")
    files.sync()
    promises = Promises(files)
    for step in steps:
        promises.take(step)
    for image in _images(files):
        _require_whole(image)
        found = _contents(image)
        for path, content in promises.kept.items():
            assert found.get(path) == content, path
        for content in found.values():
            assert any(written.startswith(content) for written in CONTENTS)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(STEP, max_size=12), st.lists(STEP, max_size=8))
def test_a_snapshot_brings_back_every_image(before: list[Step], after: list[Step]) -> None:
    files = MemoryFilesystem()
    promises = Promises(files)
    for step in before:
        promises.take(step)
    expected, kept = [(one.paths, one.nodes) for one in _images(files, 20)], files.snapshot()
    for step in after:
        promises.take(step)
    files.restore(kept)
    assert [(one.paths, one.nodes) for one in _images(files, 20)] == expected


@pytest.fixture
def files() -> MemoryFilesystem:
    made = MemoryFilesystem()
    made.mkdir("/d")
    made.write("/d/old", b"flushed")
    made.sync()
    return made


def _found(files: MemoryFilesystem) -> set[tuple[tuple[str, int], ...]]:
    """Names and sizes below /d in every image."""
    (volume,) = files._volumes()
    images = files.images()
    assert images.complete
    trees = [images[number](volume) for number in range(len(images))]
    return {tuple((path, tree.nodes[tree.paths[path]].size) for path in sorted(tree.below("/d"))) for tree in trees}


def test_of_a_copy_under_a_temporary_name_these_images_are_all(files: MemoryFilesystem) -> None:
    files.write("/d/.new", b"x" * 9000)
    files.rename("/d/.new", "/d/new")
    old = ("/d/old", 7)
    assert _found(files) == {
        (old,),
        *((("/d/.new", size), old) for size in (0, 4096, 9000)),
        *((("/d/new", size), old) for size in (0, 4096, 9000)),
    }


def test_a_later_change_never_survives_an_earlier_one_that_is_lost(files: MemoryFilesystem) -> None:
    files.mkdir("/d/first")
    files.mkdir("/d/second")
    old = ("/d/old", 7)
    assert _found(files) == {
        (old,),
        (("/d/first", 4096), old),
        (("/d/first", 4096), old, ("/d/second", 4096)),
    }


def test_the_first_images_are_known_by_name(files: MemoryFilesystem) -> None:
    files.write("/d/new", b"x" * 9000)
    files.write("/d/small", b"x")
    assert [files.images()[number] for number in range(4)] == [only_flushed, everything, names_only, torn]
    files.power_cut(torn)
    assert [(name, files.stat(f"/d/{name}").size) for name in files.listdir("/d")] == [
        ("new", 4096),
        ("old", 7),
        ("small", 0),
    ]


def test_a_flushed_machine_has_one_image(files: MemoryFilesystem) -> None:
    files.write("/d/new", b"x")
    files.sync()
    assert files.images().total == 1


def test_many_images_are_a_sample_that_the_seed_decides(files: MemoryFilesystem) -> None:
    for number in range(40):
        files.put_content(f"/d/{number}", Blob(f"{number}", 20_000))
    (volume,) = files._volumes()

    def sample(seed: int) -> list[dict[str, int]]:
        images = files.images(seed, most=50)
        assert (images.complete, len(images)) == (False, 54)
        return [images[number](volume).paths for number in range(len(images))]

    assert sample(1) == sample(1) != sample(2)
    assert len({tuple(paths) for paths in sample(1)}) > 20


def test_images_are_of_the_moment_at_which_they_were_asked_for(files: MemoryFilesystem) -> None:
    files.write("/d/new", b"x")
    images, (volume,) = files.images(), files._volumes()
    files.write("/d/later", b"x")
    files.rename("/d/new", "/d/other")
    trees = [images[number](volume) for number in range(4, len(images))]
    assert {tuple(sorted(tree.below("/d"))) for tree in trees} == {("/d/old",), ("/d/new", "/d/old")}


def test_flushing_a_directory_keeps_names_and_no_contents(files: MemoryFilesystem) -> None:
    files.write("/d/new", b"x" * 9000)
    files.rename("/d/old", "/d/renamed")
    files.sync_file("/d")
    files.power_cut()
    assert [(name, files.stat(f"/d/{name}").size) for name in files.listdir("/d")] == [("new", 0), ("renamed", 7)]


def test_flushing_a_file_keeps_its_last_content_in_every_image(files: MemoryFilesystem) -> None:
    for content in (b"1", b"22", b"333"):
        files.write("/d/new", content)
        files.chmod("/d/old", 0o600 + len(content))
    files.sync_file("/d/new")
    assert {dict(image)["/d/new"] for image in _found(files)} == {3}


def test_flushing_a_file_keeps_the_rename_of_its_directory(files: MemoryFilesystem) -> None:
    files.rename("/d", "/e")
    files.write("/e/new", b"x")
    files.sync_file("/e/new")
    files.power_cut()
    assert list(files.walk("/")) == ["/", "/e", "/e/new", "/e/old"]


def test_a_flush_reaches_only_its_own_file_system(files: MemoryFilesystem) -> None:
    files.mkdir("/small")
    files.add_volume("/small", 1024**2)
    for path in ("/small/x", "/d/x"):
        files.write(path, b"1")
    files.sync_filesystem("/small")
    files.power_cut()
    assert (files.exists("/small/x"), files.exists("/d/x")) == (True, False)


def test_a_failed_flush_is_told_once_and_its_pages_only_seem_clean(files: MemoryFilesystem) -> None:
    files.write("/d/new", b"x" * 9000)
    files.fail_next_flush("/d")
    with pytest.raises(OSError, match="Input/output error"):
        files.sync_file("/d/new")
    files.sync_file("/d/new")
    files.replace("/d/other", b"flushing something else changes nothing about it")
    assert files.read("/d/new") == b"x" * 9000, "the page cache has it"
    with files.laid_bare():
        assert files.read("/d/new") != b"x" * 9000, "the disk has not"
    kept = files.snapshot()
    files.drop_clean_pages()
    dropped = files.read("/d/new")
    files.restore(kept)
    for _ in range(2):
        files.sync()
    files.power_cut(everything)
    assert files.read("/d/new") == dropped != b"x" * 9000
    assert files.stat("/d/new").size == 9000


def test_writing_again_after_a_failed_flush_mends_it(files: MemoryFilesystem) -> None:
    files.write("/d/new", b"x" * 9000)
    files.fail_next_flush("/d")
    files.sync()  # sync(2) tells nobody
    assert files.forgive_flush("/d")
    files.write("/d/new", b"z" * 9000)
    files.sync()
    files.power_cut()
    assert files.read("/d/new") == b"z" * 9000


def test_a_disk_that_had_nothing_to_refuse_has_not_refused(files: MemoryFilesystem) -> None:
    files.fail_next_flush("/d")
    files.chmod("/d/old", 0o600)
    files.sync()
    assert not files.forgive_flush("/d")


def test_laid_bare_shows_what_lies_under_a_bad_block(files: MemoryFilesystem) -> None:
    files.make_unreadable("/d/old")
    with files.laid_bare():
        assert truth.walk(files, "/d")[1]["sha256"]
    with pytest.raises(OSError, match="Input/output error"):
        files.read("/d/old")
    files.make_readable()
    assert files.read("/d/old") == b"flushed"


def test_a_shortened_file_keeps_its_time(files: MemoryFilesystem) -> None:
    before = files.stat("/d/old").mtime_ns
    files.shorten("/d/old")
    files.power_cut()
    assert (files.read("/d/old"), files.stat("/d/old").mtime_ns) == (b"flu", before)
