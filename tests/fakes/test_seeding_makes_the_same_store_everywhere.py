"""A seed gives one store: the same on disk and in memory, with what is promised in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes import truth
from fakes.content import size_of
from fakes.seeding import ODD_NAMES, Item, objects, plan_store
from tests.fakes.twins import disk_manifest, make_twins, needs_root


def test_the_same_seed_gives_the_same_store_and_another_another() -> None:
    assert plan_store(60, 10_000, 7, True) == plan_store(60, 10_000, 7, True)
    assert plan_store(60, 10_000, 7, True) != plan_store(60, 10_000, 8, True)


@pytest.mark.parametrize(("count", "total"), [(0, 0), (1, 5), (60, 2 * 1024**2), (500, 50 * 1024**2), (7, 3)])
def test_sizes_add_up_exactly(count: int, total: int) -> None:
    plain = plan_store(count, total, 3, hostile=False)
    files = [item for item in plain if item.kind == "file"]
    assert (len(files), sum(size_of(item.content) for item in files)) == (count, total)


def test_parents_come_first_and_links_after_what_they_link() -> None:
    seen = {""}
    for item in plan_store(60, 10_000, 7, True):
        assert item.path.rpartition("/")[0] in seen
        assert not item.link_to or item.link_to in seen
        seen.add(item.path)


def _hostile() -> list[Item]:
    return plan_store(60, 100_000, 7, True)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_hostile_store_has_every_odd_name(name: str) -> None:
    assert any(item.path.endswith("/" + name) for item in _hostile())


def test_a_hostile_store_has_every_kind_of_entry() -> None:
    items = _hostile()
    parents = {item.path.rpartition("/")[0] for item in items}
    files = [item for item in items if item.kind == "file"]
    assert any(item.kind == "directory" and item.path not in parents for item in items), "an empty bucket"
    assert any(not item.link_to and not size_of(item.content) for item in files), "an empty file"
    assert sum(bool(item.link_to) for item in files) == 2, "three names of one file"
    assert sum(item.kind == "symlink" for item in items) == 2
    assert any(item.xattrs for item in files)
    assert any(item.xattrs for item in items if item.kind == "directory")
    assert {0o600, 0o4755, 0o0, 0o2644, 0o1666} <= {item.mode for item in files}
    assert any(item.mtime_ns % 1000 for item in files)
    assert any(item.mtime_ns < 10**9 for item in files)
    assert any(item.path.startswith(".") for item in files), "a dotfile beside the buckets"
    assert not any(item.path.startswith(".") for item in plan_store(60, 100_000, 7, False))


@needs_root
def test_memory_and_disk_hold_the_same(tmp_path: Path) -> None:
    twins = make_twins(tmp_path, _hostile())
    assert truth.walk(twins.machine.files, twins.path("store")) == disk_manifest(twins.path("store"))


@needs_root
def test_the_holes_are_holes(tmp_path: Path) -> None:
    twins = make_twins(tmp_path, _hostile())
    found = next(Path(twins.path("store")).glob("*/holes")).stat()
    assert found.st_blocks * 512 < found.st_size / 4


@needs_root
def test_expected_hashes_are_those_on_disk(tmp_path: Path) -> None:
    twins = make_twins(tmp_path, _hostile())
    on_disk = {entry["path"]: entry["sha256"] for entry in disk_manifest(twins.path("store"))}
    expected = objects(_hostile())
    assert len(expected) == 60 + 4
    assert {truth.bytes_as_text(path): digest for path, digest in expected}.items() <= on_disk.items()


def test_a_store_in_memory_survives_a_power_cut(tmp_path: Path) -> None:
    from fakes.memory import MemoryFilesystem
    from fakes.seeding import materialise

    files = MemoryFilesystem()
    materialise(files, "/store", _hostile(), 498, 498)
    before = truth.walk(files, "/store")
    files.power_cut()
    assert truth.walk(files, "/store") == before
    assert (before[0]["path"], before[0]["mode"], before[0]["uid"]) == (".", 0o700, 498)
