"""What the move kept is deleted only when the pair gives all of it back, by its own path, also after interruptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fakes.memory import MemoryFilesystem
from fakes.world import Mount
from harness.evidence import Sent
from harness.hosts.command import Request
from harness.inventory import Inventory
from harness.labs import catalogue
from harness.labs.lab import ORIGINAL, Opened, Start, StoreSpec
from harness.labs.premises import NAMES
from harness.labs.simulated_state import WorldState
from harness.migration.holding import Holding, compare
from harness.migration.run import Migration
from harness.systems.store import Entry
from harness.trials.looking import Bystander
from harness.trials.strikes import EngineKilled
from harness.trials.tap import TappedConnection
from tests.migration.tampering import is_change

OLD, STAGED = "/var/lib/eucalyptus/bukkits.before-ha", "/newlocation/bukkits"


@dataclass
class Moved:
    """A pair that serves after its move."""

    opened: Opened
    folder: Path

    def migration(self, inventory: Inventory | None = None) -> Migration:
        return Migration(inventory or self.opened.inventory, self.folder, self.opened.clock, name_run=lambda: "run")

    @property
    def files(self) -> MemoryFilesystem:
        return self.state.world.machines[NAMES["original"]].files

    @property
    def state(self) -> WorldState:
        assert isinstance(self.opened.state, WorldState)
        return self.opened.state

    def kept(self) -> list[str]:
        return [path for path in (STAGED, OLD) if self.files.exists(path)]


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[Moved]:
    with catalogue.find("simulated").open(Start(store=StoreSpec(objects=12, bytes=50_000))) as opened:
        pair = Moved(opened, tmp_path)
        assert pair.migration().migrate().outcome == "completed"
        yield pair


def test_both_copies_go_and_the_store_is_served(moved: Moved) -> None:
    assert moved.kept() == [STAGED, OLD]
    outcome = moved.migration().retire()
    assert (outcome.outcome, outcome.exit_status) == ("completed", 0), outcome.message
    assert moved.kept() == []
    assert moved.migration().verify() == []
    assert moved.state.enabled()


def test_looking_what_would_go_changes_nothing(moved: Moved) -> None:
    journal = (moved.folder / "journal.jsonl").read_bytes()
    assert [target.path for target in moved.migration().to_retire()] == [STAGED, OLD]
    assert moved.kept() == [STAGED, OLD]
    assert (moved.folder / "journal.jsonl").read_bytes() == journal


def test_a_rollback_afterwards_brings_the_whole_store_back(moved: Moved) -> None:
    moved.migration().retire()
    assert not moved.files.exists(OLD)
    outcome = moved.migration().rollback()
    assert (outcome.outcome, outcome.exit_status) == ("reversed", 0)
    assert moved.files.listdir("/var/lib/eucalyptus/bukkits")


# Not what the move left


def _a_link_to_it(moved: Moved) -> None:
    moved.files.rename(OLD, f"{OLD}.real")
    moved.files.symlink(f"{OLD}.real", OLD)


def _a_link_above_it(moved: Moved) -> None:
    moved.files.rename("/newlocation", "/elsewhere")
    moved.files.symlink("/elsewhere", "/newlocation")


def _something_mounted_in_it(moved: Moved) -> None:
    moved.state.world.state.hosts[NAMES["original"]].mounts.append(Mount("/dev/sdc1", f"{OLD}/inside", "ext4"))


def _another_object_in_it(moved: Moved) -> None:
    moved.files.write(f"{STAGED}/mine", b"somebody put this here")


def _another_store_in_its_place(moved: Moved) -> None:
    moved.files.rename(OLD, f"{OLD}.real")
    moved.files.mkdir(OLD)
    moved.files.write(f"{OLD}/other", b"another store")


@pytest.mark.parametrize(
    "tamper",
    [
        _a_link_to_it,
        _a_link_above_it,
        _something_mounted_in_it,
        _another_object_in_it,
        _another_store_in_its_place,
    ],
    ids=lambda tamper: tamper.__name__.strip("_"),
)
def test_what_the_move_did_not_leave_is_not_deleted(moved: Moved, tamper: Callable[[Moved], None]) -> None:
    tamper(moved)
    before = sorted(moved.files.walk("/"))
    outcome = moved.migration().retire()
    assert (outcome.outcome, outcome.exit_status) == ("refused", 3), outcome.message
    assert [finding.id for finding in outcome.findings] == ["copy-not-ours"]
    assert sorted(moved.files.walk("/")) == before


# Interrupted


@dataclass
class _Killer(Bystander):
    """Kills the engine before or after its nth change."""

    dies_at: int = 0
    dies_after: bool = False
    changes: int = 0

    def before_send(self, role: str, request: Request) -> None:
        self.changes += is_change(request)
        if self.changes == self.dies_at and not self.dies_after:
            raise EngineKilled

    def after_send(self, role: str, request: Request) -> None:
        if self.changes == self.dies_at and self.dies_after:
            raise EngineKilled


def _watched(moved: Moved, watcher: Bystander) -> Inventory:
    inventory, clock = moved.opened.inventory, moved.opened.clock
    original, additional, clc = (
        replace(node, connection=TappedConnection(node.connection, node.role, watcher, clock))
        for node in inventory.nodes()
    )
    return replace(inventory, original=original, additional=additional, clc=clc)


@pytest.mark.parametrize("dies_after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 7))
def test_an_interrupted_one_is_finished_by_the_next(moved: Moved, dies_at: int, dies_after: bool) -> None:
    killer = _Killer([], 1, dies_at=dies_at, dies_after=dies_after)
    try:
        moved.migration(_watched(moved, killer)).retire()
        assert killer.changes < dies_at or dies_after
    except EngineKilled:
        pass
    sent: list[Sent] = []
    outcome = moved.migration(_watched(moved, Bystander(sent, 1))).retire()
    assert outcome.outcome == "completed", outcome.message
    assert moved.kept() == []
    assert moved.migration().verify() == []
    assert moved.opened.truth.manifest(ORIGINAL, "store").error is None or moved.state.enabled() == ["additional"]


def test_half_a_deletion_is_still_ours(moved: Moved) -> None:
    """A host that lost power in the middle: what is left is part of what was frozen."""
    killer = _Killer([], 1, dies_at=3)  # a flush, a dropped cache; then the first deletion
    with pytest.raises(EngineKilled):
        moved.migration(_watched(moved, killer)).retire()
    assert '"kind":"retiring"' in (moved.folder / "journal.jsonl").read_text()
    for name in [one for one in moved.files.walk(STAGED) if moved.files.stat(one).kind == "file"][:3]:
        moved.files.unlink(name)
    assert moved.migration().retire().outcome == "completed"
    assert moved.kept() == []


def test_half_a_copy_that_nobody_began_to_delete_is_not(moved: Moved) -> None:
    for name in [one for one in moved.files.walk(STAGED) if moved.files.stat(one).kind == "file"][:3]:
        moved.files.unlink(name)
    assert moved.migration().retire().outcome == "refused"


# What the pair must hold


def entry(name: bytes, **other: object) -> Entry:
    plain = Entry(name, "file", 3, 0o644, 1, 1, "100.0", b"", b"", "a" * 64)
    return plain._replace(**other)  # type: ignore[arg-type]  # fields by name, as the table gives them


FROZEN = {one.path: one for one in (entry(b"", kind="directory"), entry(b"a"), entry(b"b"))}


def held(frozen: dict[bytes, Entry], found: dict[bytes, Entry], may_be_gone: int = 0) -> Holding:
    """In the order of their paths, as the engine reads them."""
    one, other = (dict(sorted(entries.items())).values() for entries in (frozen, found))
    return compare(one, other, may_be_gone)


def test_a_store_as_frozen_holds_everything() -> None:
    assert held(FROZEN, FROZEN).fault() is None


def test_what_a_client_wrote_later_is_no_fault() -> None:
    later = FROZEN | {b"a": entry(b"a", size=9, mtime="200.0", sha256="b" * 64), b"c": entry(b"c")}
    assert held(FROZEN, later).fault() is None
    assert held(FROZEN, later).changed == 1


@pytest.mark.parametrize("other", [{"sha256": "b" * 64}, {"size": 9}, {"mode": 0o600}, {"uid": 7}, {"kind": "symlink"}])
def test_another_content_with_the_old_time_is_damage(other: dict[str, object]) -> None:
    assert "the time that it was frozen with" in (held(FROZEN, FROZEN | {b"a": entry(b"a", **other)}).fault() or "")


def test_a_time_that_lost_its_fraction_is_the_old_time() -> None:
    """An old rsync cuts it off: content that differs is damage all the same, and content that does not is none."""
    frozen = {b"a": entry(b"a", mtime="100.75")}
    assert held(frozen, {b"a": entry(b"a", mtime="100")}).same == 1
    assert held(frozen, {b"a": entry(b"a", mtime="100", sha256="b" * 64)}).fault() is not None


def test_what_is_gone_must_be_accounted_for() -> None:
    found = {path: one for path, one in FROZEN.items() if path != b"b"}
    assert "say --deleted 1" in (held(FROZEN, found).fault() or "")
    assert held(FROZEN, found, may_be_gone=1).fault() is None


def test_the_root_is_left_aside() -> None:
    assert held(FROZEN, FROZEN | {b"": entry(b"", kind="directory", mode=0o700, uid=9)}).fault() is None
