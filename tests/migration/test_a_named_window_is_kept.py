"""An online move whose window is named by date stops nothing before it opens, and begins soon after."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic_core import PydanticCustomError

from harness.cli import walrus_ha
from harness.cutover_window import CutoverWindow
from harness.labs import catalogue
from harness.trials.scenario_files import load_scenarios
from harness.trials.trial import run_trial

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SITE = "".join(
    f"{role}:\n  hosts:\n    {role}00:\n      ansible_host: 192.0.2.{number}\n"
    for number, role in enumerate(("original", "additional", "clc"), start=1)
)
BEGINS = datetime.fromisoformat("2013-01-12T03:00Z").timestamp()  # of the simulation's calendar
OPENS = datetime.fromisoformat("2013-01-12T04:00Z").timestamp() - BEGINS


def test_nothing_is_stopped_before_the_window_opens(tmp_path: Path) -> None:
    (scenario,) = load_scenarios([SCENARIOS / "online-cut-over-waits-for-its-window.yaml"])
    evidence = run_trial(scenario, catalogue.find("simulated"), tmp_path)
    stops = [one.at for one in evidence.sent if one.step == "stop-services" and one.effect != "read"]
    copies = [one.at for one in evidence.sent if one.step == "copy-ahead" and one.effect != "read"]
    assert copies
    assert max(copies) < OPENS / 2, "the copy is made long before"
    assert OPENS <= min(stops) <= OPENS + 30


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2013-01-12T04:00Z", "no interval"),
        ("2013-01-12T04:00Z/tomorrow", "'tomorrow' is no date"),
        ("2013-01-12T04:00/2013-01-12T05:00", "of which place"),
        ("2013-01-12T05:00+01:00/2013-01-12T04:00Z", "ends before it begins"),
        ("", "no interval"),
    ],
)
def test_what_names_no_window_is_refused(text: str, why: str) -> None:
    with pytest.raises(PydanticCustomError) as raised:
        CutoverWindow.parse(text)
    assert why in raised.value.message()


def test_times_of_any_offset_are_one_time() -> None:
    here, there = "2013-01-12T04:00Z/2013-01-12T05:00Z", "2013-01-12T05:00+01:00/2013-01-12T06:00+01:00"
    assert CutoverWindow.parse(here) == CutoverWindow.parse(there)
    assert str(CutoverWindow.parse(there)) == "2013-01-12T04:00Z to 2013-01-12T05:00Z"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--cutover-window", "tonight"], "'tonight' is no interval"),
        (["--cutover-window", "2013-01-12T04:00Z/2013-01-12T05:00Z"], "only `strategy: online`"),
        (["--postpone-cutover", "--cutover-window", "2013-01-12T04:00Z/2013-01-12T05:00Z"], "give one of them"),
    ],
)
def test_a_wrong_window_on_the_command_line_changes_nothing(tmp_path: Path, words: list[str], why: str) -> None:
    inventory = tmp_path / "site.yaml"
    inventory.write_text(SITE)
    result = CliRunner().invoke(walrus_ha, ["migrate", "-i", str(inventory), *words])
    assert (result.exit_code, why in result.output) == (2, True), result.output
