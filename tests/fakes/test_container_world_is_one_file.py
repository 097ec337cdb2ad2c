"""The world that containers share: nothing gets lost between dataclasses and JSON, nor between two processes."""

from __future__ import annotations

import json
import multiprocessing
from contextlib import suppress
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from fakes.world import Cloud, Disk, HostRow, Metadata, Mount, Resource, Service, Side, WalrusState, World
from fakes.worldfile import WorldFile, merged, to_plain, world_from_plain


def _full_world() -> World:
    row = HostRow("walrus00", "10.0.0.10", "boot", "original", modules=["drbd"])
    row.disks["/dev/sdb"] = Disk("/dev/sdb", 1024, metadata=Metadata("uuid", history=[1, 2]), holders=["dm-0"])
    row.disks["/dev/sdc"] = Disk("/dev/sdc", 1024)
    row.sides["r0"] = Side(opened_by=["/store"], counters={"ns": 3})
    row.mounts.append(Mount("/dev/drbd1", "/store", "ext4", user="eucalyptus"))
    row.services["eucalyptus-cloud"] = Service(True, 2000)
    world = World(hosts={"walrus00": row}, resources={"r0": Resource("r0", 1, "/dev/drbd1")}, cut_links=[["a", "b"]])
    world.cloud = Cloud({"w": WalrusState("w", "walrus", "10.0.0.10")}, {"walrus.resource": "r0"})
    world.record(1.5, "walrus00", "role", "Primary")
    return world


def test_a_world_survives_json() -> None:
    world = _full_world()
    assert world_from_plain(json.loads(json.dumps(to_plain(world)))) == world


def test_missing_fields_have_their_defaults() -> None:
    plain = {"hosts": {"w": {"name": "w", "address": "10.0.0.1", "boot_id": "b", "role": "clc"}}}
    assert world_from_plain(plain) == World(hosts={"w": HostRow("w", "10.0.0.1", "b", "clc")})


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(TypeError, match="a HostRow has no colour"):
        world_from_plain({"hosts": {"w": {"name": "w", "colour": "green"}}})


def test_a_merge_patch_changes_adds_and_removes() -> None:
    before = {"a": {"b": 1, "c": [1, 2]}, "d": 4}
    assert merged(before, {"a": {"b": None, "c": [3], "e": {"f": 1}}}) == {"a": {"c": [3], "e": {"f": 1}}, "d": 4}
    assert before == {"a": {"b": 1, "c": [1, 2]}, "d": 4}


def test_changes_are_kept_also_when_the_block_fails(tmp_path: Path) -> None:
    file = WorldFile(str(tmp_path / "world.json"))
    file.create(World())
    with suppress(ValueError), file.open() as world:
        world.counter = 7
        raise ValueError("on purpose")
    assert file.read().counter == 7


def test_blocks_do_not_nest(tmp_path: Path) -> None:
    file = WorldFile(str(tmp_path / "world.json"))
    file.create(World())
    with file.open(), pytest.raises(RuntimeError, match="do not nest"), file.open():
        pass
    assert file.read().counter == 0


def test_looking_leaves_the_file_alone(tmp_path: Path) -> None:
    file = WorldFile(str(tmp_path / "world.json"))
    file.create(World())
    before = (tmp_path / "world.json").stat().st_ino
    with file.open():
        pass
    assert (tmp_path / "world.json").stat().st_ino == before


def _count(path: str, ready: Barrier) -> None:
    ready.wait(60)
    for _ in range(100):
        with WorldFile(path).open() as world:
            world.counter += 1


def test_two_processes_lose_no_change(tmp_path: Path) -> None:
    path = str(tmp_path / "world.json")
    WorldFile(path).create(World())
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(2)
    processes = [context.Process(target=_count, args=(path, ready)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert WorldFile(path).read().counter == 200
