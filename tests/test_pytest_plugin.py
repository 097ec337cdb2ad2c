"""A scenario file is a test: an item for each lab, a short reason when it fails, a skip with its reason otherwise."""

from __future__ import annotations

import re
import tempfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import harness.labs.simulated
import harness.trials.trial
from harness.checks.verdict import Verdict, judge_file
from harness.labs import doctor

# A pytester run forgets the modules that were first imported in it, and the next run would have their classes twice.
FIRST_IMPORTED_HERE = (harness.labs.simulated, harness.trials.trial)

pytest_plugins = ["pytester"]

# An environment that was set up before the entry point was declared does not load the plugin by itself.
LOADED = [] if list(entry_points(group="pytest11", name="walrus-ha")) else ["-p", "harness.pytest_plugin"]
SOUND = """
claim: a move without a fault completes
labs: [simulated]
start: {store: {objects: 5, bytes: 64KiB}}
expect: {outcome: completed}
"""
WRONG = SOUND.replace("outcome: completed", "outcome: stopped")
DOUBTFUL = SOUND.replace(
    "expect:", "faults: [{do: unmodelled_call, at: {step: stage-store, moment: before}, host: original}]\nexpect:"
)
ELSEWHERE = SOUND.replace("[simulated]", "[simulated, machines]")
NOT_IN = SOUND.replace("[simulated]", "[simulated]\nnot_in: {containers: the kernel there has no such device}")


@pytest.fixture(autouse=True)
def _evidence_stays_in_the_test(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(pytester.path))


def _scenario(pytester: pytest.Pytester, text: str, name: str = "some-claim", folder: str = "scenarios") -> None:
    place = pytester.path / folder
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{name}.yaml").write_text(text)


def _run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(*LOADED, "-p", "no:cacheprovider", "-rs", *args)


def _collected(pytester: pytest.Pytester, *args: str) -> list[str]:
    lines = _run(pytester, "--collect-only", "-q", *args).outlines
    return [line for line in lines if "::" in line]


# Which files, which items


def test_a_scenario_becomes_one_item_for_each_lab(pytester: pytest.Pytester) -> None:
    _scenario(pytester, ELSEWHERE)
    assert _collected(pytester) == [
        "scenarios/some-claim.yaml::some-claim[simulated]",
        "scenarios/some-claim.yaml::some-claim[machines]",
    ]


def test_scenarios_are_found_further_down_as_well(pytester: pytest.Pytester) -> None:
    _scenario(pytester, SOUND, folder="scenarios/core")
    assert _collected(pytester) == ["scenarios/core/some-claim.yaml::some-claim[simulated]"]


def test_other_yaml_files_are_left_alone(pytester: pytest.Pytester) -> None:
    _scenario(pytester, "- hosts: all\n", folder="playbooks")
    assert _collected(pytester) == []


def test_a_file_named_on_the_command_line_is_taken_wherever_it_is(pytester: pytest.Pytester) -> None:
    _scenario(pytester, SOUND, folder="mine")
    assert _collected(pytester, "mine/some-claim.yaml") == ["mine/some-claim.yaml::some-claim[simulated]"]


def test_the_labs_can_be_restricted(pytester: pytest.Pytester) -> None:
    _scenario(pytester, ELSEWHERE)
    assert _collected(pytester, "--walrus-lab", "machines") == ["scenarios/some-claim.yaml::some-claim[machines]"]
    both = _collected(pytester, "--walrus-lab", "machines", "--walrus-lab", "simulated")
    assert len(both) == 2


def test_a_broken_file_is_an_error_with_its_place_and_no_traceback(pytester: pytest.Pytester) -> None:
    _scenario(pytester, SOUND.replace("outcome", "outcom"))
    result = _run(pytester)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.re_match_lines([r".*some-claim\.yaml:\d+:\d+: .*outcom"])
    assert "Traceback" not in result.stdout.str()
    assert "pytest_plugin.py" not in result.stdout.str()


# What cannot run


@pytest.fixture
def _without_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "missing", lambda name: f"the {name} lab lacks: all")


@pytest.mark.usefixtures("_without_machines")
def test_a_lab_that_is_not_here_is_a_skip_with_its_reason(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WALRUS_HA_REQUIRE_LABS", raising=False)
    _scenario(pytester, ELSEWHERE)
    result = _run(pytester, "--walrus-lab", "machines")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * the machines lab lacks: *"])


@pytest.mark.usefixtures("_without_machines")
def test_a_lab_that_is_demanded_must_not_be_skipped(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WALRUS_HA_REQUIRE_LABS", "containers,machines")
    _scenario(pytester, ELSEWHERE)
    result = _run(pytester, "--walrus-lab", "machines")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the machines lab lacks: *WALRUS_HA_REQUIRE_LABS demands it*"])


def test_a_scenario_that_does_not_suit_a_lab_says_why(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WALRUS_HA_REQUIRE_LABS", "containers")
    _scenario(pytester, NOT_IN)
    result = _run(pytester, "--walrus-lab", "containers")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * the kernel there has no such device"])


# What does run


def test_a_trial_that_passes_is_a_test_that_passes(pytester: pytest.Pytester) -> None:
    _scenario(pytester, SOUND)
    result = _run(pytester, "--junitxml=report.xml")
    result.assert_outcomes(passed=1)
    report = (pytester.path / "report.xml").read_text()
    assert '<property name="verdict" value="PASS"' in report
    assert '<property name="lab" value="simulated"' in report
    assert re.search(r'<property name="trace_hash" value="[0-9a-f]{64}"', report)


def test_a_trial_that_fails_says_why_in_a_few_lines(pytester: pytest.Pytester) -> None:
    _scenario(pytester, WRONG)
    result = _run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "FAIL: a move without a fault completes",
            "FAIL * outcome: the last attempt ended completed, expected stopped*",
            "look again: walrus-ha judge */evidence.json",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert "pytest_plugin.py" not in result.stdout.str()


def test_a_trial_that_proves_nothing_is_no_pass(pytester: pytest.Pytester) -> None:
    _scenario(pytester, DOUBTFUL)
    result = _run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["INCONCLUSIVE: a move without a fault completes", "*groundwork: a fake was called*"])


def test_the_kept_evidence_can_be_judged_again(pytester: pytest.Pytester) -> None:
    _scenario(pytester, WRONG)
    said = _run(pytester).stdout.str()
    kept = re.search(r"walrus-ha judge (\S+)", said)
    assert kept is not None
    assert judge_file(Path(kept[1])).verdict is Verdict.FAIL


# Beside other plugins


def test_trials_of_one_lab_with_real_hosts_share_a_worker(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist", reason="workers that share tests are those of pytest-xdist")
    _scenario(pytester, ELSEWHERE)
    pytester.makeconftest(
        """
        def pytest_collection_modifyitems(items):
            for item in items:
                groups = [mark.args[0] for mark in item.iter_markers("xdist_group")]
                print("GROUP", item.name, groups)
        """
    )
    result = _run(pytester, "--collect-only", "-s")
    result.stdout.fnmatch_lines(
        ["*GROUP some-claim?simulated? ?]", "*GROUP some-claim?machines? ?'walrus-ha-machines'?"]
    )
