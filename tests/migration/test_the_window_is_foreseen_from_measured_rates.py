"""Before anything stops, the window is foreseen from rates that were measured; nine of ten moves keep the interval."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from click.testing import CliRunner

from harness import duration
from harness.cli import walrus_ha
from harness.labs import catalogue
from harness.labs.lab import Opened, Rates, Start, StoreSpec
from harness.labs.simulated import SimulatedLab
from harness.labs.simulated_state import WorldState
from harness.migration.run import Migration
from tests.migration.foreseen import Case, forecast, given, measured_s

MIB = 1024**2
SITES = 30


@dataclass(frozen=True)
class Site:
    """One site as it is when it is measured, and as it is in the night of the move."""

    name: str
    noon: Start
    night: Start
    settings: dict[str, Any]


def site(number: int) -> Site:
    """Of another size, count and speed each; disks, link and answers drift until the night."""
    rng = random.Random(f"site {number}")
    objects, size = rng.randint(5, 600), int(MIB * 10 ** rng.uniform(0.3, 5.3))
    read, promised = 10 ** rng.uniform(7.4, 8.7), rng.choice((10, 20, 40, 80, 110))
    copy = read * rng.uniform(0.38, 0.9)
    settings: dict[str, Any] = {"sync_rate": f"{promised}M"}
    if number % 2:  # its operator has measured a copy, to a tenth
        settings["disk_rate"] = f"{max(1, round(copy * rng.uniform(0.9, 1.1) / MIB))}M"
    if number % 7 == 3:
        settings["first_sync"] = "skip"
    rates = Rates(read, copy, 10 ** rng.uniform(-2.7, -1.2))
    noon = Start(
        store=StoreSpec(objects, size, number, True),
        device_bytes=max(128 * MIB, int(size * rng.uniform(1.5, 4)) // MIB * MIB),
        sync_bytes_per_s=int(min(promised * MIB, read) * rng.uniform(0.8, 1.0)),
        rates=rates,
        settings=settings,
    )
    drift = rng.uniform(0.78, 1.22)
    night = Rates(read * drift, copy * drift, rates.command_s * rng.uniform(0.8, 1.2))
    name = f"{objects} objects, {size / MIB:.0f} MiB, {read / 1e6:.0f} MB/s"
    return Site(name, noon, replace(noon, rates=night), settings)


def case(number: int, folder: Path) -> Case:
    one = site(number)
    with SimulatedLab().open(one.noon) as opened:
        told = forecast(given(opened, one.settings), folder)
    with SimulatedLab().open(one.night) as opened:
        return Case(one.name, told, measured_s(given(opened, one.settings), folder))


def test_the_interval_holds_for_27_of_30_sites_and_is_worth_something(tmp_path: Path) -> None:
    cases = [case(number, tmp_path / str(number)) for number in range(SITES)]
    shown = "\n".join(map(str, cases))
    print(shown)
    assert sum(one.holds for one in cases) >= 27, shown
    long = [one for one in cases if one.took_s >= 1200]
    assert len(long) >= 8, "sites whose windows are all short show nothing"
    assert median(one.told.most_s / one.told.least_s for one in long) <= 2.5, shown
    assert median(abs(one.told.likely_s / one.took_s - 1) for one in long) <= 0.25, shown


def test_an_online_move_is_foreseen_too(tmp_path: Path) -> None:
    start = Start(settings={"strategy": "online"})
    with SimulatedLab().open(start) as opened:
        told = forecast(opened, tmp_path)
        assert told.least_s <= measured_s(opened, tmp_path) <= told.most_s


# Go or no-go


@pytest.mark.parametrize(
    ("spoken", "expected"), [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("7200", 7200)]
)
def test_lengths_of_time_are_read_as_people_type_them(spoken: str, expected: int) -> None:
    assert duration.seconds(spoken) == expected


@pytest.mark.parametrize("text", ["", "h", "0", "2 hours", "-3m", "1.5h", "9999h"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no length of time"):
        duration.seconds(text)


@pytest.mark.parametrize("verb", ["check", "migrate"])
def test_a_window_that_nobody_can_read_is_a_usage_error(verb: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(walrus_ha, [verb, "-i", str(tmp_path / "site.yaml"), "--window", "two hours"])
    assert result.exit_code == 2
    assert "such as 2h, 90m" in result.output


def large(opened: Opened, window_s: float | None) -> Opened:
    return given(opened, {"sync_rate": "20M", "window_s": window_s})


LARGE = Start(store=StoreSpec(200, 20 * 1024 * MIB, 7, True), device_bytes=40 * 1024 * MIB, sync_bytes_per_s=20 * MIB)


def test_a_move_that_exceeds_its_window_is_not_begun_and_nothing_is_changed(tmp_path: Path) -> None:
    with SimulatedLab().open(LARGE) as opened:
        world = opened.state
        assert isinstance(world, WorldState)
        before = world.observed()
        told = forecast(large(opened, None), tmp_path)
        outcome = Migration(large(opened, told.most_s - 60).inventory, tmp_path / "run", opened.clock).migrate()
        assert world.observed() == before
    assert (outcome.outcome, outcome.exit_status) == ("refused", 3)
    assert [one.id for one in outcome.findings] == ["window-too-short"]
    assert "Nothing was changed" in outcome.message
    assert "90 %: " in outcome.message


def test_a_move_that_fits_its_window_is_begun(tmp_path: Path) -> None:
    with SimulatedLab().open(LARGE) as opened:
        told = forecast(large(opened, None), tmp_path)
        took_s = measured_s(large(opened, told.most_s + 60), tmp_path)
    assert took_s < told.most_s


def test_a_window_is_no_part_of_what_a_plan_is_bound_to(tmp_path: Path) -> None:
    with SimulatedLab().open(Start()) as opened:
        one, other = (Migration(large(opened, window).inventory, tmp_path, opened.clock) for window in (None, 7200.0))
        assert one.survey().facts == other.survey().facts


def test_figures_follow_the_disk(tmp_path: Path) -> None:
    """The same site on a slower disk takes longer: a forecast that measures nothing would not know."""
    told = []
    for read in (400e6, 50e6):
        with SimulatedLab().open(replace(LARGE, rates=Rates(read, read / 2, 0.005))) as opened:
            told.append(forecast(given(opened, {"first_sync": "skip"}), tmp_path))
    assert told[1].least_s > told[0].most_s


# Where kernels are real


@pytest.mark.timeout(1500)  # a busy machine takes minutes for what takes a minute on an idle one
@pytest.mark.parametrize(
    "store", [StoreSpec(60, 2 * MIB, 7, True), StoreSpec(200, 12 * MIB, 8, True), StoreSpec(40, 32 * MIB, 9, False)]
)
def test_the_interval_holds_in_the_machines_lab(
    store: StoreSpec, demanded_lab: Callable[[str], None], tmp_path: Path
) -> None:
    demanded_lab("machines")
    settings = {"sync_rate": "20M"}
    with catalogue.find("machines").open(Start(store=store, device_bytes=256 * MIB, settings=settings)) as opened:
        one = Case(f"{store.objects} objects, {store.bytes / MIB:.0f} MiB in machines", *both(opened, tmp_path))
    print(one)
    assert one.holds, f"{one}\n{one.told.parts}"


def both(opened: Opened, folder: Path) -> tuple[Any, float]:
    told = forecast(opened, folder)
    return told, measured_s(opened, folder)
