"""Extended attributes are read once, and again of the entries that changed since, whatever it was that changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fakes.memory import MemoryFilesystem
from fakes.simulated import SimulatedWorld
from harness.hosts.command import Answer, Command, Fence, Request
from harness.hosts.function import FunctionTransport
from harness.hosts.host import Host
from harness.labs import catalogue
from harness.labs.lab import Start
from harness.labs.simulated_state import WorldState
from harness.migration import attributes
from harness.migration.attention import AttentiveClock
from harness.migration.control import Control
from harness.migration.journal import Journal
from harness.migration.memory import Memory
from harness.migration.site import Site
from harness.systems import store


@dataclass
class _Place:
    site: Site[Host]
    files: MemoryFilesystem
    asked: list[Command] = field(default_factory=list)

    @property
    def root(self) -> str:
        return self.site.settings.store

    def read(self) -> dict[bytes, store.Attributes]:
        listed = store.look(self.site.original, self.root)
        self.asked.clear()
        return dict(attributes.of_tree(self.site, "store", self.root, listed))

    def names_asked_for(self) -> list[bytes]:
        prefix = os.fsencode(self.root) + b"/"
        asked = [command.stdin for command in self.asked if command.argv[0] == "xargs"]
        return [name.removeprefix(prefix) for name in b"".join(asked).split(b"\0") if name]

    def all_asked_for(self) -> bool:
        return any(command.argv[:2] == ("getfattr", "-R") for command in self.asked)

    def victim(self) -> str:
        listed = store.listing(self.site.original, self.root)
        return next(f"{self.root}/{os.fsdecode(one.path)}" for one in listed if one.kind == "file" and not one.same_as)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[_Place]:
    with catalogue.find("simulated").open(Start()) as opened, Journal.open(tmp_path) as journal:
        state, control = opened.state, Control(tmp_path)
        assert isinstance(state, WorldState)
        clock = AttentiveClock(opened.clock, control)
        original, additional, clc = (
            Host(node.name, node.connection.open(node.name), clock) for node in opened.inventory.nodes()
        )
        memory = Memory(journal, tmp_path, clock)
        site = Site(original, additional, clc, opened.inventory, memory, clock, lambda progress: None, control)
        found = _Place(site, _files(opened.faults, original.name))
        original.transport = _watched(original, found.asked)
        clock.sleep(10.0)
        yield found


def _files(faults: object, name: str) -> MemoryFilesystem:
    world = next(value for value in vars(faults).values() if isinstance(value, SimulatedWorld))
    files = world.machines[name].files
    assert isinstance(files, MemoryFilesystem)
    return files


def _watched(host: Host, asked: list[Command]) -> FunctionTransport:
    inner = host.transport

    def send(name: str, request: Request, fence: Fence | None = None) -> Answer:
        if isinstance(request, Command):
            asked.append(request)
        return inner.send(request, fence)

    return FunctionTransport(host.name, send)


def test_what_nobody_touched_is_not_asked_for_again(place: _Place) -> None:
    before = place.read()
    assert place.all_asked_for()
    assert before
    assert place.read() == before
    assert not place.asked


def _set(place: _Place) -> None:
    place.files.set_xattr(place.victim(), "user.late", b"1")


def _give_away(place: _Place) -> None:
    victim = place.victim()
    place.files.chmod(victim, 0o604)


@pytest.mark.parametrize("change", [_set, _give_away])
def test_what_changed_is_asked_for_by_its_name(place: _Place, change: Callable[[_Place], None]) -> None:
    place.read()
    victim = os.fsencode(place.victim()[len(place.root) + 1 :])
    place.site.clock.sleep(10.0)
    change(place)
    found = place.read()
    assert place.names_asked_for() == [victim]
    assert not place.all_asked_for()
    assert (("user.late", "0x31") in found.get(victim, ())) == (change is _set)


def test_what_changed_a_moment_before_it_was_read_is_read_again(place: _Place) -> None:
    place.read()
    _set(place)
    place.read()
    assert place.read()
    assert len(place.names_asked_for()) == 1, "a second change within the grain of the clock could hide"
    place.site.clock.sleep(10.0)
    place.read()
    place.read()
    assert not place.asked


def test_another_tree_is_another_memory(place: _Place) -> None:
    place.read()
    listed = store.look(place.site.original, place.root)
    place.asked.clear()
    dict(attributes.of_tree(place.site, "device", place.root, listed))
    assert place.all_asked_for()
