"""What two hosts keep of one journal: the longer one counts, a contradiction is for a person, damage is no evidence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import OperatorNeeded
from harness.labs import catalogue
from harness.labs.lab import Opened, Start, StoreSpec
from harness.labs.simulated_state import WorldState
from harness.migration.adoption import Kept, chosen
from harness.migration.engine import Event
from harness.migration.journal import Journal, parse
from harness.migration.mirror import JOURNAL
from harness.migration.outcome import Outcome
from harness.migration.run import Listeners, Migration

SMALL = Start(store=StoreSpec(objects=8, bytes=65536))


class Killed(BaseException):
    """The engine dies here and now."""


def entries(folder: Path, *kinds: str) -> tuple[bytes, Kept]:
    with Journal.open(folder) as journal:
        for kind in kinds:
            journal.append("begun" if kind == "begun" else kind, date="now", run_id=kind)
    content = (folder / "journal.jsonl").read_bytes()
    return content, Kept(folder.name, tuple(parse(content, folder.name)[0]))


def test_of_two_the_longer_one_counts(tmp_path: Path) -> None:
    _, short = entries(tmp_path / "walrus00", "begun")
    _, long = entries(tmp_path / "walrus01", "begun", "intent")
    for order in ([short, long], [long, short]):
        found, said = chosen(order)
        assert found == long.entries
        assert "walrus00 keeps 1 records, 1 behind" in said


def test_a_contradiction_is_for_a_person(tmp_path: Path) -> None:
    _, one = entries(tmp_path / "walrus00", "begun", "intent")
    _, other = entries(tmp_path / "walrus01", "begun", "done", "intent")
    with pytest.raises(OperatorNeeded, match="neither is the beginning"):
        chosen([one, other])


def test_what_is_damaged_does_not_count_and_alone_decides_nothing(tmp_path: Path) -> None:
    _, whole = entries(tmp_path / "walrus00", "begun", "intent")
    damaged = Kept("walrus01", (), "walrus01: record 1 was changed")
    assert chosen([whole, damaged])[0] == whole.entries
    for other in (damaged, Kept("walrus00", ())):
        with pytest.raises(OperatorNeeded, match="record 1 was changed"):
            chosen([other, damaged])


# With the engine


@pytest.fixture
def opened() -> Iterator[Opened]:
    with catalogue.find("simulated").open(SMALL) as opened:
        yield opened


def killed_at(opened: Opened, folder: Path, step: str) -> None:
    def heard(event: Event) -> None:
        if (event.kind, event.step) == ("acted", step):
            raise Killed

    migration = Migration(opened.inventory, folder, opened.clock, Listeners(heard), lambda: "first")
    with pytest.raises(Killed):
        migration.migrate()


def second(opened: Opened, folder: Path) -> Migration:
    return Migration(opened.inventory, folder, opened.clock, name_run=lambda: "second")


def records(opened: Opened, role: str) -> dict[str, bytes]:
    assert isinstance(opened.state, WorldState)
    return opened.state.machine(role).records.kept


def completes(opened: Opened, folder: Path) -> Outcome:
    adopted = second(opened, folder).adopt()
    assert (adopted.outcome, adopted.exit_status) == ("adopted", 0), adopted.message
    done = second(opened, folder).migrate()
    assert done.outcome == "completed", done.message
    return adopted


def test_both_hosts_hold_every_record_that_was_followed_by_a_change(opened: Opened, tmp_path: Path) -> None:
    killed_at(opened, tmp_path / "first", "make-filesystem")
    own = (tmp_path / "first" / "journal.jsonl").read_bytes()
    for role in ("original", "additional"):
        kept = records(opened, role)[JOURNAL]
        assert own.startswith(kept)
        assert b'"intent","seq"' in kept.splitlines()[-2] or b'"fact"' in kept.splitlines()[-1]
        assert sum(map(len, records(opened, role).values())) < 64 * 1024


@pytest.mark.parametrize("behind", ["original", "additional"])
def test_a_host_that_is_behind_is_given_the_rest(opened: Opened, tmp_path: Path, behind: str) -> None:
    killed_at(opened, tmp_path / "first", "connect-peers")
    kept = records(opened, behind)
    lines = kept[JOURNAL].splitlines(keepends=True)
    kept[JOURNAL] = b"".join(lines[:-3]) + lines[-3][:20]  # with a torn end
    assert "3 behind" in completes(opened, tmp_path / "second").message
    assert records(opened, "original")[JOURNAL] == records(opened, "additional")[JOURNAL]


@pytest.mark.parametrize("role", ["original", "additional"])
def test_a_damaged_mirror_is_passed_over_and_replaced(opened: Opened, tmp_path: Path, role: str) -> None:
    killed_at(opened, tmp_path / "first", "restore-store")
    kept = records(opened, role)
    kept[JOURNAL] = kept[JOURNAL].replace(b'"step":"stop-services"', b'"step":"stop-servicez"', 1)
    kept["manifest.1"] = kept["manifest.1"][:-7]
    assert "does not match the chain" in completes(opened, tmp_path / "second").message
    assert records(opened, "original")[JOURNAL] == records(opened, "additional")[JOURNAL]


def test_a_damaged_mirror_does_not_lock_its_own_engine_out(opened: Opened, tmp_path: Path) -> None:
    killed_at(opened, tmp_path / "first", "restore-store")
    kept = records(opened, "original")
    kept[JOURNAL] = kept[JOURNAL].replace(b'"step":"stop-services"', b'"step":"stop-servicez"', 1)
    assert Migration(opened.inventory, tmp_path / "first", opened.clock).migrate().outcome == "completed"


def test_a_manifest_that_is_whole_nowhere_is_for_a_person(opened: Opened, tmp_path: Path) -> None:
    killed_at(opened, tmp_path / "first", "restore-store")
    for role in ("original", "additional"):
        del records(opened, role)["manifest.1"]
    ended = second(opened, tmp_path / "second").adopt()
    assert (ended.outcome, ended.exit_status) == ("operator_needed", 5), ended.message
    assert not (tmp_path / "second").exists()


def test_a_run_that_only_claimed_is_adopted_with_nothing_to_take_over(opened: Opened, tmp_path: Path) -> None:
    def heard(event: Event) -> None:
        if event.kind == "acting":
            raise Killed

    with pytest.raises(Killed):
        Migration(opened.inventory, tmp_path / "first", opened.clock, Listeners(heard), lambda: "first").migrate()
    assert records(opened, "original") == {}
    assert "had claimed the hosts and changed nothing" in completes(opened, tmp_path / "second").message


def test_another_inventory_is_refused(opened: Opened, tmp_path: Path) -> None:
    killed_at(opened, tmp_path / "first", "connect-peers")
    before = {role: dict(records(opened, role)) for role in ("original", "additional")}
    settings = opened.inventory.settings.model_copy(update={"staging": "/elsewhere"})
    other = Migration(
        type(opened.inventory)(**{**vars(opened.inventory), "settings": settings}), tmp_path / "second", opened.clock
    )
    ended = other.adopt()
    assert (ended.outcome, ended.exit_status) == ("refused", 3)
    assert [finding.id for finding in ended.findings] == ["inventory-changed"]
    assert before == {role: records(opened, role) for role in before}


def test_a_controller_that_knows_the_run_does_not_adopt_it(opened: Opened, tmp_path: Path) -> None:
    killed_at(opened, tmp_path / "first", "connect-peers")
    ended = Migration(opened.inventory, tmp_path / "first", opened.clock).adopt()
    assert (ended.outcome, ended.exit_status) == ("refused", 3)
    assert "walrus-ha migrate -i" in ended.message


def test_no_secret_and_no_more_than_a_resume_needs_is_mirrored(opened: Opened, tmp_path: Path) -> None:
    killed_at(opened, tmp_path / "first", "restore-store")
    assert set(records(opened, "original")) == {JOURNAL, "manifest.1"}
    assert records(opened, "clc") == {}
