"""What the operator is told of the window before it opens, and what of the inventory may not change under a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.inventory import Settings, bytes_per_s
from harness.labs.lab import Start, StoreSpec
from harness.labs.simulated import SimulatedLab
from harness.migration.outcome import Outcome
from harness.migration.promise import broken, promised
from harness.migration.run import Migration

MIB = 1024**2


def start(device_bytes: int = 8192 * MIB, **settings: Any) -> Start:
    return Start(store=StoreSpec(), device_bytes=device_bytes, settings=settings)


def migration(opened: Any, folder: Path, changes: Mapping[str, Any] | None = None) -> Migration:
    from dataclasses import replace

    settings = opened.inventory.settings.model_copy(update=dict(changes or {}))
    return Migration(replace(opened.inventory, settings=settings), folder, opened.clock, name_run=lambda: "run")


@pytest.mark.parametrize(("rate", "expected"), [("1M", MIB), ("512K", 512 * 1024), ("3", 3 * 1024), ("1G", 1024 * MIB)])
def test_rates_are_read_in_drbds_notation(rate: str, expected: int) -> None:
    assert bytes_per_s(rate) == expected


def test_the_first_sync_of_a_large_device_sets_the_least_time(tmp_path: Path) -> None:
    with SimulatedLab().open(start(sync_rate="1M")) as opened:
        told = migration(opened, tmp_path).estimate()
    assert 0.85 * 8192 <= told.least_s <= 8192 < told.most_s


def test_a_skipped_sync_takes_no_time(tmp_path: Path) -> None:
    with SimulatedLab().open(start(sync_rate="1M", first_sync="skip")) as opened:
        assert migration(opened, tmp_path).estimate().least_s < 60


@pytest.mark.parametrize(
    ("window_s", "expected"),
    [(3600, "cannot be kept"), (9000, "may not be kept"), (40_000, None)],
)
def test_a_window_that_cannot_or_may_not_be_kept_is_refused_with_figures(
    tmp_path: Path, window_s: int, expected: str | None
) -> None:
    with SimulatedLab().open(start(sync_rate="1M", window_s=window_s)) as opened:
        found = [one for one in migration(opened, tmp_path).check() if "window" in one.id]
    assert [(one.severity, one.id) for one in found] == ([("error", "window-too-short")] if expected else [])
    assert not expected or (expected in found[0].message and "90 %: 2 h " in found[0].message)


def resumed(tmp_path: Path, changes: Mapping[str, Any]) -> Outcome:
    """A run that began and was left lying, run again with other settings."""
    with SimulatedLab().open(start(256 * MIB)) as opened:
        first = migration(opened, tmp_path)
        with first._opened() as engine:
            engine.site.memory.note("begun", run_id="run", promised=promised(first.inventory))
        return migration(opened, tmp_path, changes).migrate()


@pytest.mark.parametrize("changes", [{"device": "/dev/drbd2"}, {"staging": "/elsewhere"}, {"filesystem": "ext3"}])
def test_a_run_is_not_resumed_with_another_place_or_device(tmp_path: Path, changes: dict[str, Any]) -> None:
    outcome = resumed(tmp_path, changes)
    assert (outcome.outcome, outcome.exit_status) == ("refused", 3)
    assert [finding.id for finding in outcome.findings] == ["inventory-changed"]


def test_bounds_and_speeds_may_change_under_a_run(tmp_path: Path) -> None:
    assert resumed(tmp_path, {"copy_limit_kib_s": 65536, "sync_rate": "80M"}).outcome == "completed"


def test_a_promise_from_before_there_were_any_binds_nobody(tmp_path: Path) -> None:
    with SimulatedLab().open(start()) as opened:
        assert list(broken(opened.inventory, {})) == []
    assert Settings().window_s is None
