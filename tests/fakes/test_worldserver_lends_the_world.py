"""The cloud's world over TCP: one client at a time, and who dies, freezes or is cut off changes nothing."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.world import Cloud, WalrusState, World
from fakes.worldfile import WorldFile
from fakes.worldserver import Unreachable, WorldClient, WorldServer

HOLD_S = 0.3


@pytest.fixture
def file(tmp_path: Path) -> WorldFile:
    file = WorldFile(str(tmp_path / "world.json"), durable=True)
    file.create(World())
    return file


@pytest.fixture
def server(file: WorldFile) -> Iterator[WorldServer]:
    server = WorldServer(file, ("127.0.0.1", 0), HOLD_S)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.close()


def client(server: WorldServer) -> WorldClient:
    return WorldClient(server.address, patience_s=2.0)


def test_what_a_client_changes_is_kept(server: WorldServer, file: WorldFile) -> None:
    with client(server).open() as world:
        world.counter = 41
    with client(server).open() as world:
        world.counter += 1
    assert file.read().counter == 42


def test_changes_of_a_block_that_fails_are_kept(server: WorldServer, file: WorldFile) -> None:
    def fail() -> None:
        with client(server).open() as world:
            world.counter = 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert file.read().counter == 1


def test_clients_take_turns_with_each_other_and_with_programs_beside_the_file(
    server: WorldServer, file: WorldFile
) -> None:
    def count(remote: bool) -> None:
        for _ in range(10):
            with client(server).open() if remote else file.open() as world:
                world.counter += 1

    threads = [threading.Thread(target=count, args=(remote,)) for remote in (True, True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read().counter == 30


def test_a_client_that_says_nothing_more_is_dropped_and_nothing_of_it_kept(
    server: WorldServer, file: WorldFile
) -> None:
    with client(server).open() as late:
        late.counter = 99
        begun = time.monotonic()
        with client(server).open() as world:
            world.counter = 1
        assert time.monotonic() - begun < 1.5
    assert file.read().counter == 1


def test_a_client_that_dies_with_half_a_message_said_changes_nothing(server: WorldServer, file: WorldFile) -> None:
    with socket.create_connection(server.address) as connection:
        connection.recv(10)
        connection.sendall(b'500\n{"version":"8.3"')
    with client(server).open() as world:
        assert world.version == "8.4"


def test_nonsense_changes_nothing(server: WorldServer, file: WorldFile) -> None:
    for said in (b"12\n{'no': json}", b"5\n[1,2]", b'14\n{"unknown": 1}', b"x\n"):
        with socket.create_connection(server.address) as connection:
            connection.recv(10)
            connection.sendall(said)
    with client(server).open() as world:
        assert world == World()


def test_without_a_server_the_world_is_unreachable_at_once(server: WorldServer) -> None:
    server.close()
    with pytest.raises(Unreachable), client(server).open():
        pass


def test_a_server_that_stands_still_is_unreachable_after_the_clients_patience() -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        reader = WorldClient(frozen.getsockname()[:2], patience_s=0.2)
        begun = time.monotonic()
        for _ in range(5):
            with pytest.raises(Unreachable), reader.open():
                pass
        assert time.monotonic() - begun < 1.0


def test_what_the_next_tick_would_say_anyway_need_not_survive_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    file = WorldFile(str(tmp_path / "world.json"), durable=True)
    file.create(World(cloud=Cloud(walruses={"a": WalrusState("a", "walrus", "10.0.0.1")})))
    assert flushed
    flushed.clear()
    with file.open() as world:
        world.cloud.walruses["a"].seen_at = 1380000000.25
    assert file.read().cloud.walruses["a"].seen_at == 1380000000.25
    assert not flushed
    with file.open() as world:
        world.cloud.walruses["a"].seen_at, world.cloud.walruses["a"].state = 1380000001.5, "ENABLED"
    assert flushed
