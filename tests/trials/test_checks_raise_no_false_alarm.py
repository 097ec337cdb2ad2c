"""The checks that catch the vendor's text say nothing of our engine, whatever the store; `make seeds` asks more."""

from __future__ import annotations

from tests import false_alarms


def test_a_sound_engine_passes_whatever_the_store() -> None:
    found = [alarm for said in false_alarms.over(false_alarms.asked_for()) for alarm in said]
    assert not found, "\n".join(f"seed {alarm.seed}: {alarm.verdict}: {alarm.reason}" for alarm in found)


def test_seeds_draw_different_starts() -> None:
    starts = [false_alarms.scenario(seed).start for seed in range(false_alarms.FEW)]
    assert {start.drbd for start in starts} == {"8.3", "8.4"}
    assert {start.store.hostile_names for start in starts} == {True, False}
    assert {start.settings.first_sync for start in starts} == {"full", "skip"}
    assert len({start.store.objects for start in starts}) > 5
