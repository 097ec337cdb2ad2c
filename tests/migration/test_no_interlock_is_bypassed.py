"""Whatever others do to the hosts, and wherever a move fails, what destroys goes out only where it harms nobody."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.errors import WalrusHaError
from harness.labs import catalogue
from harness.labs.lab import Start, StoreSpec
from harness.labs.premises import NAMES
from harness.migration.run import Migration
from harness.systems import volumes
from tests.migration.tampering import (
    TAMPERINGS,
    Deed,
    Ground,
    Witness,
    edit_the_configuration,
    occupy_the_staging_area,
    plant_swap,
    watched,
)

WALRUS_HOSTS = (NAMES["original"], NAMES["additional"])
CHANGES_OF_A_MOVE = 75
EXAMPLES = int(os.environ.get("WALRUS_HA_STATES", "100"))
_WAITS = {"waits": {"stall": 5, "host_return": 5, "connect": 5, "service_stop": 20, "service_start": 60}}


def move(deeds: list[Deed], fails_at: int = 0, first_sync: str = "full") -> Witness:
    """A move in a world where others act, and a rollback asked for when it ended before the commit point."""
    start = Start(store=StoreSpec(objects=4, bytes=4000), settings={**_WAITS, "first_sync": first_sync})
    with catalogue.find("simulated").open(start) as opened, TemporaryDirectory() as folder:
        witness = Witness(Ground(opened), deeds, fails_at)
        inventory = watched(opened.inventory, witness)
        for _ in range(2):
            migration = Migration(inventory, Path(folder), opened.clock, name_run=lambda: "run")
            try:
                migration.migrate()
                migration.rollback()
            except WalrusHaError:
                continue
    return witness


deeds = st.lists(
    st.builds(Deed, st.integers(1, CHANGES_OF_A_MOVE), st.sampled_from(TAMPERINGS), st.sampled_from(WALRUS_HOSTS)),
    max_size=3,
)


@given(deeds, st.integers(0, CHANGES_OF_A_MOVE), st.sampled_from(["full", "skip"]))
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, phases=[Phase.generate], database=None)
def test_nothing_foreign_is_destroyed(deeds: list[Deed], fails_at: int, first_sync: str) -> None:
    witness = move(deeds, fails_at, first_sync)
    assert witness.bypasses == []


def test_the_witness_sees_every_kind_of_destroying_command() -> None:
    """Otherwise the test above would say nothing of them."""
    seen = Counter[str]()
    for fails_at in (0, 20, 45, 60):
        for first_sync in ("full", "skip"):
            witness = move([], fails_at, first_sync)
            seen.update(said.split(": ", 1)[1].split(" ")[0] for said in witness.destroyed)
            assert witness.bypasses == []
    assert seen.keys() >= {"drbdadm", "mkfs.ext4", "mount", "rm", "wipefs", "dd"}, seen


@pytest.mark.parametrize("change", range(1, 15))
def test_what_others_put_into_the_staging_area_stays(change: int) -> None:
    witness = move([Deed(change, occupy_the_staging_area, WALRUS_HOSTS[0])])
    path = f"{witness.ground.settings.staging}/bukkits/theirs"
    if (
        witness.ground.files(WALRUS_HOSTS[0]).exists(f"{witness.ground.settings.staging}/bukkits")
        and not witness.staged
    ):
        assert witness.ground.files(WALRUS_HOSTS[0]).read(path) == b"somebody's only copy"
    assert witness.bypasses == []


def test_a_file_that_was_changed_by_hand_is_not_removed() -> None:
    changed = [Deed(change, edit_the_configuration, WALRUS_HOSTS[0]) for change in range(40, 60)]
    witness = move(changed, fails_at=60)
    assert witness.ground.files(WALRUS_HOSTS[0]).read(witness.ground.settings.drbd_conf) == b"# by hand\n"


def test_a_claim_that_always_holds_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The witness is no ornament: with the interlock's look taken out it sees swap space overwritten."""

    def blind(host: object, device: str) -> None:
        volumes.signature(host, device)  # type: ignore[arg-type]  # a witness that is only asked and read

    monkeypatch.setattr(volumes, "occupied_by", blind)
    found = [move([Deed(at, plant_swap, WALRUS_HOSTS[0])]).bypasses for at in range(1, CHANGES_OF_A_MOVE, 4)]
    assert any(found)
