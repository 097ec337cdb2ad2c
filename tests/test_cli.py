"""The command line: exit statuses, streams, and input that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.__main__ import main
from harness.cli import walrus_ha
from harness.errors import WalrusHaError


def _run(*argv: str) -> Result:
    return CliRunner().invoke(walrus_ha, list(argv))


def _status(result: Result) -> int:
    """As the command ends: errors of ours carry their own status."""
    return result.exception.exit_status if isinstance(result.exception, WalrusHaError) else result.exit_code


def test_rehearsing_prints_what_others_rely_on(tmp_path: Path) -> None:
    result = _run("rehearse", "scenarios/core/success-with-full-sync.yaml", "--json")
    answer = json.loads(result.stdout)
    (trial,) = answer["trials"]
    assert set(trial) >= {"scenario", "lab", "verdict", "seconds", "reason", "trace_hash"}
    assert trial["verdict"] == "PASS", trial["reason"]
    assert answer["summary"] == {"pass": 1, "fail": 0, "inconclusive": 0, "skipped": 0}
    assert result.exit_code == 0


def test_a_plan_that_is_none_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text('{"format": 1,\n "sha256": 7}\n')
    result = _run("migrate", "--plan", str(path))
    assert _status(result) == 2
    assert f"{path}:2:" in str(result.exception)


def test_migrating_wants_an_inventory_or_a_plan() -> None:
    assert _run("migrate").exit_code == 2


def test_an_unknown_lab_is_a_usage_error_with_the_nearest_name() -> None:
    result = _run("rehearse", "--lab", "simulatd")
    assert _status(result) == 2
    assert "simulated" in str(result.exception)


def test_a_missing_scenario_is_a_usage_error() -> None:
    result = _run("rehearse", "no/such/file.yaml")
    assert _status(result) == 2
    assert "no/such/file.yaml" in str(result.exception)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("claim: a claim that is long enough\nlabs: [simulated]\nexpct: {}\n", ":3:1: "),
        ("claim: a claim that is long enough\nclaim: twice\n", ":2:1: "),
        ("claim: 7\nlabs: [simulated]\nexpect: {outcome: completed}\n", ":1:8: "),
    ],
    ids=["unknown key", "duplicate key", "wrong type"],
)
def test_a_bad_scenario_is_named_with_its_place(tmp_path: Path, text: str, where: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    result = _run("rehearse", str(path))
    assert _status(result) == 2
    assert f"{path}{where}" in str(result.exception)


@pytest.mark.parametrize("verb", ["check", "plan", "migrate"])
def test_a_missing_inventory_changes_nothing(verb: str, tmp_path: Path) -> None:
    result = _run(verb, "-i", str(tmp_path / "absent.yaml"))
    assert _status(result) == 2
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_run_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WALRUS_HA_STATE", str(tmp_path))
    for verb in ("status", "verify", "rollback"):
        result = _run(verb, "nobody")
        assert _status(result) == 2
        assert "nobody" in str(result.exception)


def test_judging_no_evidence_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_text("{}")
    assert _status(_run("judge", str(path))) == 2


def test_saved_evidence_can_be_judged_again(tmp_path: Path) -> None:
    _run("rehearse", "scenarios/core/success-with-full-sync.yaml", "--report", str(tmp_path))
    (evidence,) = tmp_path.rglob("evidence.json")
    result = _run("judge", str(evidence), "--json")
    assert result.exit_code == 0, result.output


def test_an_interrupted_command_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.labs.doctor.survey", interrupted)
    monkeypatch.setattr("sys.argv", ["walrus-ha", "doctor", "--json"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert "walrus-ha doctor --json" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["nonsense"], ["check"], []])
def test_usage_errors_end_with_2(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["walrus-ha", *argv])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2


def test_the_doctor_lists_every_lab() -> None:
    answer = json.loads(_run("doctor", "--json").stdout)
    assert [lab["name"] for lab in answer["labs"]] == ["simulated", "containers", "privileged", "machines"]
