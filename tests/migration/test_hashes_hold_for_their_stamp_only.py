"""A hash is believed for a file that has the stamp it was taken under, and only if nothing could hide behind that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.hosts.command import Command, Effect, Fence
from harness.hosts.host import Host
from harness.labs import catalogue
from harness.labs.lab import Start
from harness.migration import hashing, ledger
from harness.migration.attention import AttentiveClock
from harness.migration.control import Control
from harness.migration.hashing import Tree
from harness.migration.journal import Journal
from harness.migration.ledger import Hashed
from harness.migration.memory import Memory
from harness.migration.site import Site
from harness.systems import store
from harness.systems.store import Stamp

STAMP = Stamp(5, "10.0", "20.0", "2049:12")


def test_what_was_appended_is_known_again(tmp_path: Path) -> None:
    path = tmp_path / "store.hashes"
    names = {b"bucket/a": Hashed(STAMP, "aa"), b"bucket/\xff\n": Hashed(STAMP._replace(size=6), "bb")}
    ledger.append(path, names.items())
    ledger.append(path, [(b"bucket/a", Hashed(STAMP, "cc"))])
    assert dict(ledger.load(path)) == names | {b"bucket/a": Hashed(STAMP, "cc")}


@pytest.mark.parametrize(
    "damage", [b'["YQ==",[5', b"\x00\xff\n", b'["!",[1,"2","3","4"],"x"]\n', b'["YQ==",[1],"x"]\n']
)
def test_a_damaged_line_is_not_known(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "store.hashes"
    ledger.append(path, [(b"b", Hashed(STAMP, "aa"))])
    path.write_bytes(path.read_bytes() + damage)
    assert dict(ledger.load(path)) == {b"b": Hashed(STAMP, "aa")}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site[Host]]:
    with catalogue.find("simulated").open(Start()) as opened, Journal.open(tmp_path) as journal:
        inventory, control = opened.inventory, Control(tmp_path)
        clock = AttentiveClock(opened.clock, control)
        original, additional, clc = (
            Host(node.name, node.connection.open(node.name), clock) for node in inventory.nodes()
        )
        memory = Memory(journal, tmp_path, clock)
        memory.note("begun", run_id="run")
        found = Site(original, additional, clc, inventory, memory, clock, lambda progress: None, control)
        original.claim(Fence(1, "run"))
        memory.note("epoch", epoch=1)
        yield found


def _unknown(site: Site[Host]) -> list[bytes]:
    tree = Tree("store", site.settings.store, live=True)
    listed = store.look(site.original, tree.root, live=True)
    return [one.path for one in hashing.known(site, tree, listed) if one.kind == "file" and not one.sha256]


def test_everything_old_is_known_once_it_was_read(site: Site[Host]) -> None:
    assert _unknown(site)
    hashing.read_changed(site, "catch-up", Tree("store", site.settings.store, live=True))
    assert _unknown(site) == []


def test_what_changed_a_moment_before_it_was_read_is_read_again(site: Site[Host], tmp_path: Path) -> None:
    tree = Tree("store", site.settings.store, live=True)
    hashing.read_changed(site, "catch-up", tree)
    victim = next(one.path for one in store.listing(site.original, tree.root) if one.kind == "file")
    name = f"{tree.root}/{victim.decode('utf-8', 'surrogateescape')}"
    site.original.run(Command(("chmod", "0600", "--", name), Effect.WRITE))
    assert victim in _unknown(site)
    hashing.read_changed(site, "catch-up", tree)
    assert victim in _unknown(site), "its change time is too young: a second change could hide behind it"
    site.clock.sleep(5.0)
    hashing.read_changed(site, "catch-up", tree)
    assert victim not in _unknown(site)
