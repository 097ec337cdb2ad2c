"""A plan is carried out only where everything that matters is as it was, only once, and only as it was made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from harness.errors import InvalidInput
from harness.evidence import Sent
from harness.inventory import Inventory
from harness.labs import catalogue
from harness.labs.lab import ORIGINAL, Opened, Start, StoreSpec
from harness.labs.premises import CLOUD_SECRET
from harness.migration import copies, run, survey
from harness.migration.engine import Engine
from harness.migration.outcome import Outcome
from harness.migration.planned import Plan, read_plan
from harness.migration.run import Migration
from harness.migration.standing import standing
from harness.trials.foretelling import make_plan
from harness.trials.looking import Bystander
from harness.trials.tap import TappedConnection
from tests.migration.mutations import MUTATIONS, Site

START = Start(store=StoreSpec(objects=20, bytes=100_000))
SEEDS = 200


@pytest.fixture
def opened() -> Iterator[Opened]:
    with catalogue.find("simulated").open(START) as opened:
        yield opened


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of the site as it is in every new world."""
    with catalogue.find("simulated").open(START) as opened:
        return make_plan(Migration(opened.inventory, tmp_path_factory.mktemp("run"), opened.clock))


def migrated(opened: Opened, folder: Path, plan: Plan) -> Outcome:
    return Migration(opened.inventory, folder, opened.clock).migrate(plan)


def listened_to(inventory: Inventory, sent: list[Sent], opened: Opened) -> Inventory:
    """The same hosts, with all that is sent to them noted."""
    watcher = Bystander(sent, 1)
    original, additional, clc = (
        replace(node, connection=TappedConnection(node.connection, node.role, watcher, opened.clock))
        for node in inventory.nodes()
    )
    return replace(inventory, original=original, additional=additional, clc=clc)


def test_an_unchanged_site_is_moved(opened: Opened, plan: Plan, tmp_path: Path) -> None:
    outcome = migrated(opened, tmp_path, plan)
    assert outcome.outcome == "completed", outcome.message
    assert standing(tmp_path).run == plan.run


def test_a_store_that_clients_wrote_to_is_moved(opened: Opened, plan: Plan, tmp_path: Path) -> None:
    assert opened.faults.write_object(ORIGINAL, served=True).proven
    assert migrated(opened, tmp_path, plan).outcome == "completed"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_mutated_site_is_refused(opened: Opened, plan: Plan, tmp_path: Path, seed: int) -> None:
    site = Site(opened, Random(seed), opened.inventory)
    MUTATIONS[seed % len(MUTATIONS)](site)
    sent: list[Sent] = []
    outcome = Migration(listened_to(site.inventory, sent, opened), tmp_path, opened.clock).migrate(plan)
    assert (outcome.outcome, outcome.exit_status) == ("refused", 3), outcome.message
    assert all("expected" in one.message and "found" in one.message for one in outcome.findings)
    assert {one.id for one in outcome.findings} <= {"plan-differs", "plan-store-shrank"}
    assert outcome.findings
    assert {one.effect for one in sent} == {"read"}
    assert "begun" not in (tmp_path / "journal.jsonl").read_text()


def test_every_way_is_tried() -> None:
    tried = Counter(MUTATIONS[seed % len(MUTATIONS)].__name__ for seed in range(SEEDS))
    assert len(tried) == len(MUTATIONS)
    assert min(tried.values()) >= 3


def test_without_the_comparison_another_machine_would_be_moved(
    opened: Opened, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Preflight has nothing against a machine of the same name: what refuses it above is the plan alone."""
    monkeypatch.setattr(run, "differences", lambda *arguments: ())
    MUTATIONS[0](Site(opened, Random(0), opened.inventory))
    assert migrated(opened, tmp_path, plan).outcome == "completed"


def test_another_engine_is_refused(opened: Opened, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "engine_identity", lambda: "0.2.0 0123456789abcdef")
    outcome = migrated(opened, tmp_path, plan)
    assert outcome.exit_status == 3
    assert "engine: expected 0.1.0" in outcome.message


def test_a_pair_with_a_network_of_its_own_has_a_plan(opened: Opened, tmp_path: Path) -> None:
    """Where DRBD listens is in the configuration that is written, and asked of the peer before."""
    original, additional = opened.inventory.pair
    site = replace(
        opened.inventory,
        original=replace(original, replication_address="10.98.0.10"),
        additional=replace(additional, replication_address="10.98.0.11"),
    )
    made = make_plan(Migration(site, tmp_path, opened.clock))
    assert made.commands
    assert made.sha256 != make_plan(Migration(opened.inventory, tmp_path, opened.clock)).sha256


# Once


def test_a_plan_is_applied_once(opened: Opened, plan: Plan, tmp_path: Path) -> None:
    assert migrated(opened, tmp_path, plan).outcome == "completed"
    again = migrated(opened, tmp_path, plan)
    assert again.exit_status == 3
    assert "applied already" in again.message


def test_an_interrupted_move_goes_on_by_its_plan(opened: Opened, plan: Plan, tmp_path: Path) -> None:
    waits = opened.inventory.settings.waits.model_copy(update={"host_return": 1.0})
    hasty = replace(opened.inventory, settings=opened.inventory.settings.model_copy(update={"waits": waits}))
    planned = make_plan(Migration(hasty, tmp_path / "look", opened.clock))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "_act", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            Migration(opened.inventory, tmp_path / "run", opened.clock).migrate(plan)
    assert planned.facts != plan.facts
    assert migrated(opened, tmp_path / "run", planned).exit_status == 3
    assert migrated(opened, tmp_path / "run", plan).outcome == "completed"


def _interrupted(self: Engine, step: object, state: object) -> None:
    raise KeyboardInterrupt


def test_a_plan_that_was_taken_back_was_applied_all_the_same(opened: Opened, plan: Plan, tmp_path: Path) -> None:
    migration = Migration(opened.inventory, tmp_path, opened.clock)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "_ROUNDS", 0)  # no copy is ever proven
        assert migration.migrate(plan).outcome == "rolled_back"
    again = migration.migrate(plan)
    assert again.exit_status == 3
    assert "applied already" in again.message


def test_the_hosts_remember_it_where_the_journal_is_lost(opened: Opened, plan: Plan, tmp_path: Path) -> None:
    assert migrated(opened, tmp_path / "one", plan).outcome == "completed"
    again = migrated(opened, tmp_path / "other", plan)
    assert again.exit_status == 3
    assert "last run: expected nobody, epoch 0, found nobody, epoch 1" in again.message


def test_a_run_that_another_plan_began_is_not_gone_on_with(opened: Opened, plan: Plan, tmp_path: Path) -> None:
    assert Migration(opened.inventory, tmp_path, opened.clock).migrate().outcome == "completed"
    refused = migrated(opened, tmp_path, plan)
    assert refused.exit_status == 3
    assert "not begun by this plan" in refused.message


# As it was made


def test_a_saved_plan_is_read_as_it_was(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    plan.save(path)
    assert read_plan(path) == plan
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_plan(path).sha256 == json.loads(path.read_text())["sha256"]


def damaged(text: str) -> Iterator[tuple[str, str]]:
    """Ways to damage the file, each with the place that the message must name."""
    document = json.loads(text)
    yield "", ":1:1: "
    yield text[: len(text) // 2], ":"
    yield "not a plan\n", ":1:1: "
    yield '{"format": 1}\n', ": the key "
    yield text.replace("8.4", "8.3"), "does not match"
    yield text.replace("primary --force", "primary --forcE"), "does not match"
    yield json.dumps({**document, "extra": 1}, indent=1), "unknown key"
    yield json.dumps({**document, "format": 2}, indent=1), ":2:"
    yield json.dumps({**document, "sha256": "0" * 64}, indent=1), "does not match"
    yield json.dumps({**document, "commands": document["commands"][1:]}, indent=1), "does not match"
    yield json.dumps({**document, "run": "../../x"}, indent=1), ":3:"


def test_a_damaged_foreign_or_edited_file_is_refused_with_its_place(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    plan.save(path)
    for text, says in damaged(path.read_text()):
        path.write_text(text)
        with pytest.raises(InvalidInput) as refused:
            read_plan(path)
        assert f"{path}:" in str(refused.value)
        assert says in str(refused.value), str(refused.value)
        assert refused.value.exit_status == 2


def test_no_secret_stands_in_a_plan(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    plan.save(path)
    assert "CLOUD_OPTS" not in path.read_text()
    assert CLOUD_SECRET.decode() not in path.read_text()
