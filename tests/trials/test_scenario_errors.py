"""Every mistake in a scenario is said at its place: wrong form, unknown words, and stories that cannot happen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from harness.trials.scenario_files import read_scenario
from tests import mistakes

GOLDEN = Path(__file__).parents[1] / "golden" / "scenarios" / "mistakes.txt"
GOOD = """\
claim: a story in which something happens
labs: [simulated, containers]
start:
  drbd: "8.4"
  store: {objects: 60, bytes: 2MiB}
  device_bytes: 1GiB
faults:
  - do: cut_link
    at: {step: wait-for-sync, moment: during, progress: 0.4}
    for_s: 3
then: [resume]
expect:
  outcome: completed
  checks: [durability]
"""


def said(tmp_path: Path, text: str) -> list[str]:
    return mistakes.said(read_scenario, tmp_path / "story.yaml", text)


def test_the_example_that_all_mistakes_are_made_in_is_good(tmp_path: Path) -> None:
    assert said(tmp_path, GOOD) == []


CUT = """\
  - do: cut_link
    at: {step: wait-for-sync, moment: during, progress: 0.4}
    for_s: 3
"""


@pytest.mark.parametrize("mistake", mistakes.cases(GOLDEN))
def test_a_mistake_is_said_at_its_place(tmp_path: Path, mistake: mistakes.Mistake) -> None:
    assert said(tmp_path, mistake.made_in(GOOD)) == mistake.expected


def test_fakes_are_not_called_where_there_are_none(tmp_path: Path) -> None:
    call = "  - {do: unmodelled_call, at: {step: commit, moment: before}, host: clc}\n"
    assert said(tmp_path, GOOD.replace(CUT, call).replace("containers", "machines")) == [
        "2:19: the lab machines has no fakes to call (take the lab out)"
    ]


@pytest.mark.parametrize(
    ("fault", "said_of_simulated"),
    [
        ("disk_errors, host: original, for_s: 3", "has no disks that could fail"),
        ("slow_disk, host: original, delay_ms: 50, for_s: 3", "has no disks that could fail"),
        ("cut_link, only_from: original, for_s: 3", "cannot cut one direction of a link alone"),
        ("reset_ssh, host: original", "reaches its hosts without ssh"),
    ],
)
def test_what_a_model_cannot_break_needs_a_lab_that_can(tmp_path: Path, fault: str, said_of_simulated: str) -> None:
    text = GOOD.replace(CUT, f"  - {{do: {fault}, at: {{step: wait-for-sync, moment: during}}}}\n")
    assert said(tmp_path, text.replace("containers", "machines")) == [
        f"2:8: the lab simulated {said_of_simulated} (take the lab out)"
    ]
    assert said(tmp_path, text.replace("[simulated, containers]", "[machines]")) == []


def test_a_store_that_does_not_fit_may_be_refused(tmp_path: Path) -> None:
    text = GOOD.replace("1GiB", "1MiB").replace("faults:\n" + CUT + "then: [resume]\n", "")
    assert said(tmp_path, text.replace("outcome: completed", "outcome: refused\n  findings: [device-too-small]")) == []


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("containers", "contaners").replace("2MiB", "2MB").replace("for_s: 3", "for_s: x")
    text = text.replace("  outcome: completed", "  outcome: done\n  outcome: done")
    assert [line.split(": ")[0] for line in said(tmp_path, text)] == ["2:19", "5:31", "10:12", "13:12", "14:3"]


@settings(suppress_health_check=[HealthCheck.too_slow])  # how busy the machine is says nothing of the parser
@given(text=mistakes.jumbles(GOOD, "  - x", "faults: [3]", "then: [{}]", "expect: {outcome: refused}", "x: &a {b: *a}"))
def test_any_file_gives_a_scenario_or_invalid_input(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    said(tmp_path_factory.getbasetemp(), text)


@given(text=mistakes.small_changes(GOOD))
def test_any_small_change_gives_a_scenario_or_invalid_input(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    said(tmp_path_factory.getbasetemp(), text)
