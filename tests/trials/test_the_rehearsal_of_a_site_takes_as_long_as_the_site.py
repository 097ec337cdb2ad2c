"""Where a lab can be as fast as a site, its twin is down for as long; the report says what to expect at full size."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from harness.cli import walrus_ha
from harness.evidence import Evidence, OfSite
from harness.labs.lab import Rates, Start, StoreSpec
from harness.labs.simulated import SimulatedLab
from harness.migration.facts.file import as_values, read_facts, save
from harness.migration.run import Migration
from harness.report.site import window_of
from harness.trials.site.twin import twin_of
from harness.trials.start import Before
from tests.migration.foreseen import forecast, given, measured_s

MIB, GIB = 1024**2, 1024**3
SMALL = Start(
    store=StoreSpec(60, 8 * MIB, 7, True), device_bytes=256 * MIB, rates=Rates(60e6, 36e6, 0.02, 2e-4, 39 * MIB)
)
MANY = Start(
    store=StoreSpec(800, 3 * GIB, 8, True), device_bytes=12 * GIB, rates=Rates(120e6, 72e6, 0.01, 1e-3, 38 * MIB)
)
LARGE = Start(
    store=StoreSpec(70, 300 * GIB, 9, False), device_bytes=400 * GIB, rates=Rates(90e6, 54e6, 0.05, 0.0, 40 * MIB)
)
SITES = {"small": SMALL, "many objects": MANY, "large": LARGE}


def facts_of(site: Start, folder: Path, settings: dict[str, Any] | None = None) -> Path:
    path = folder / "facts.json"
    with SimulatedLab().open(site) as opened:
        save(Migration(given(opened, settings or {}).inventory, folder / "look", opened.clock).facts().facts, path)
    return path


def rehearsed(path: Path, *more: str) -> Result:
    report = str(path.parent / "report")
    return CliRunner().invoke(walrus_ha, ["rehearse", "--facts", str(path), "--report", report, *more])


def told(result: Result) -> dict[str, Any]:
    """What the last trial's JSON says of the site."""
    assert result.exit_code == 0, result.output
    site: dict[str, Any] = json.loads(result.stdout)["trials"][-1]["site"]
    return site


@pytest.mark.parametrize("name", SITES)
def test_the_twin_is_down_for_as_long_as_the_site_and_within_what_was_foreseen(name: str, tmp_path: Path) -> None:
    site = SITES[name]
    path = facts_of(site, tmp_path)
    with SimulatedLab().open(site) as opened:
        before = forecast(given(opened, {}), tmp_path)
    with SimulatedLab().open(site) as opened:
        took_s = measured_s(given(opened, {}), tmp_path)
    said = told(rehearsed(path, "--json"))
    assert said["took_s"] == pytest.approx(took_s, rel=0.05, abs=3)
    assert said["window_s"] == pytest.approx([before.least_s, before.likely_s, before.most_s], rel=0.01, abs=0.2)
    assert (said["rates"], said["holds"]) == ("site", True)


def test_a_slower_disk_of_the_site_is_a_longer_rehearsal(tmp_path: Path) -> None:
    windows = []
    for read in (200e6, 50e6):
        folder = tmp_path / f"{read:.0f}"
        folder.mkdir()
        slow = replace(SITES["small"], rates=Rates(read, read * 0.6, 0.01), store=StoreSpec(60, 20 * GIB, 7, True))
        windows.append(told(rehearsed(facts_of(replace(slow, device_bytes=30 * GIB), folder), "--json")))
    assert windows[1]["took_s"] > 1.5 * windows[0]["took_s"]
    assert windows[1]["window_s"][0] > windows[0]["window_s"][0]


def test_an_answer_that_takes_long_is_a_longer_rehearsal(tmp_path: Path) -> None:
    windows = []
    for answer_s in (0.002, 0.2):
        folder = tmp_path / str(answer_s)
        folder.mkdir()
        site = replace(SITES["small"], rates=Rates(200e6, 120e6, answer_s))
        windows.append(told(rehearsed(facts_of(site, folder), "--json"))["took_s"])
    assert windows[1] > windows[0] + 300 * 0.19


def test_what_the_inventory_says_of_copies_is_known_from_the_facts(tmp_path: Path) -> None:
    """Given or left open makes another forecast, also where what is given is what is usual."""
    (tmp_path / "given").mkdir()
    paths = facts_of(LARGE, tmp_path), facts_of(LARGE, tmp_path / "given", {"disk_rate": "100M"})
    found = [twin_of(path, None, ["simulated"]).pace for path in paths]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].window() != found[1].window()
    for window, path in zip((found[0].window(), found[1].window()), paths, strict=True):
        seen = read_facts(path).window
        assert seen is not None
        assert window.likely_s == pytest.approx(seen.likely_s, rel=0.01)
    assert as_values(read_facts(paths[0]))["settings"].keys().isdisjoint({"disk_rate"})


# What is said of it


def test_every_form_of_the_report_says_what_to_expect(tmp_path: Path) -> None:
    path = facts_of(SMALL, tmp_path)
    result = rehearsed(path, "--markdown", str(tmp_path / "summary.md"))
    assert result.exit_code == 0, result.output
    assert "window of the site at full size, foreseen: " in result.stderr
    page = (tmp_path / "report/simulated/site-as-it-is/report.html").read_text()
    for text in (result.stdout, page, (tmp_path / "report/index.html").read_text()):
        assert "Expect on the site, at full size: services down for" in text
        assert "at the site&#39;s rates" in text or "at the site's rates" in text
        assert "within what is foreseen" in text
    assert "Expect on the site" in (tmp_path / "summary.md").read_text()
    again = CliRunner().invoke(walrus_ha, ["report", str(tmp_path / "report"), "--json"])
    assert told(again)["holds"] is True


def with_site(path: Path, of: OfSite) -> list[str]:
    """What is said of a trial whose evidence tells this of its site."""
    evidence = Evidence.load(path.parent / "report/simulated/site-as-it-is/evidence.json")
    evidence.of_site = of
    found = window_of(evidence)
    assert found is not None
    return found.sentences()


def test_a_lab_with_rates_of_its_own_says_nothing_of_the_sites_window(tmp_path: Path) -> None:
    path = facts_of(SMALL, tmp_path)
    rehearsed(path)
    said = with_site(path, OfSite("scaled", [10, 20, 30], as_fast=False))
    assert (
        said[0] == "Expect on the site, at full size: services down for 20.0 s (in nine moves of ten 10.0 s to 30.0 s)."
    )
    assert said[1].endswith("at the simulated lab's own rates and sizes, which say nothing of the site's window.")
    assert "NOT within what is foreseen" in with_site(path, OfSite("all", [1, 2, 3], True, True))[1]


def test_a_trial_has_the_sites_rates_only_where_its_lab_takes_them(tmp_path: Path) -> None:
    """Of all labs only one has hosts that are as fast as they are told to be."""
    with SimulatedLab().open(Start(rates=Rates(1e6, 1e6, 0.1))) as opened:
        assert opened.as_fast_as_told
    with SimulatedLab().open(Start()) as opened:
        assert not opened.as_fast_as_told
    twin = twin_of(facts_of(SMALL, tmp_path), None, ["simulated", "containers"])
    assert [one.labs for one in twin.sizes] == [("simulated",), ("containers", "privileged", "machines")]
    assert [one.whole for one in twin.sizes] == [True, False]
    assert any("other labs have their own, which say nothing of the site" in line for line in twin.told())


def test_facts_without_rates_foresee_nothing_and_say_so(tmp_path: Path) -> None:
    path = facts_of(SMALL, tmp_path)
    save(read_facts(path).model_copy(update={"rates": None, "window": None}), path)
    result = rehearsed(path)
    assert result.exit_code == 0, result.output
    assert "the facts tell no rates of the site" in result.stderr
    assert "No window is foreseen for the site" in result.stdout
    assert "the simulated lab's own rates" in result.stdout


def test_a_scale_of_ones_own_is_told_and_not_compared(tmp_path: Path) -> None:
    path = facts_of(MANY, tmp_path)
    said = told(rehearsed(path, "--scale", "0.02", "--json"))
    assert (said["rates"], said["holds"]) == ("site", None)
    assert said["took_s"] < said["window_s"][0]
    assert "at the site's rates with less to move" in rehearsed(path, "--scale", "0.02").stdout


def test_a_site_that_is_refused_has_no_window_until_it_is_mended(tmp_path: Path) -> None:
    path = facts_of(replace(SMALL, differs={"uid_differs": True}), tmp_path)
    trials: Sequence[dict[str, Any]] = json.loads(rehearsed(path, "--json").stdout)["trials"]
    assert [one["scenario"] for one in trials] == ["site-as-it-is", "site-once-mended"]
    assert [one["site"]["took_s"] is None for one in trials] == [True, False]


def test_rates_of_a_scenario_are_those_of_its_hosts() -> None:
    told = {
        "rates": {"read_rate": "30MiB", "copy_rate": "20MiB", "sync_rate": "10MiB", "answer_s": 0.1, "entry_s": 0.01}
    }
    start = Before.model_validate(told).to_lab()
    assert start.rates == Rates(30 * MIB, 20 * MIB, 0.1, 0.01, 10 * MIB)
    with SimulatedLab().open(start) as opened:
        began = opened.clock.now()
        Migration(opened.inventory, Path("/nowhere"), opened.clock).forecast()
        assert opened.clock.now() - began > 60 * 0.01
