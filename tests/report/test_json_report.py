"""The JSON that others rely on has exactly these keys."""

from __future__ import annotations

import json
from collections.abc import Iterator

from harness.checks.verdict import Judgement, Verdict
from harness.report import json_report

from .examples import FINDINGS, FINE, LOST, MIXED


def test_a_rehearsal() -> None:
    said = json.loads(json_report.render(MIXED))
    assert set(said) == {"trials", "summary"}
    assert said["summary"] == {"pass": 1, "fail": 1, "inconclusive": 1, "skipped": 1}
    assert [trial["verdict"] for trial in said["trials"]] == ["PASS", "FAIL", "INCONCLUSIVE", "SKIPPED"]
    assert said["trials"][0] == {
        "scenario": "success-full-sync",
        "lab": "simulated",
        "verdict": "PASS",
        "seconds": 0.123,
        "reason": "",
        "trace_hash": "abc123",
    }
    assert said["trials"][3]["reason"] == "the machines lab lacks: qemu"


def test_findings() -> None:
    said = json.loads(json_report.render_findings(FINDINGS))
    assert set(said) == {"findings"}
    assert said["findings"][0] == {
        "id": "services-state",
        "host": "walrus01",
        "severity": "warning",
        "message": "eucalyptus-cloud is stopped",
        "remedy": "",
    }


def test_no_findings() -> None:
    assert json.loads(json_report.render_findings([])) == {"findings": []}


def test_a_judgement() -> None:
    said = json.loads(json_report.render_judgement(Judgement(Verdict.FAIL, (LOST, FINE), "durability: lost")))
    assert (said["verdict"], said["reason"]) == ("FAIL", "durability: lost")
    assert [finding["check"] for finding in said["findings"]] == ["durability", "service"]
    assert said["findings"][0]["detail"][1] == "missing: photos/b"


def test_the_text_is_ascii_and_every_string_in_it_harmless() -> None:
    for rendered in (
        json_report.render(MIXED),
        json_report.render_findings(FINDINGS),
        json_report.render_judgement(Judgement(Verdict.FAIL, (LOST,), LOST.reason)),
    ):
        assert rendered.isascii()
        said = list(_strings(json.loads(rendered)))
        assert all(text.isprintable() for text in said)
        assert any("\\x1b[2J" in text for text in said)  # the attack is there, spelled out


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for one in value.values() for text in _strings(one))
    elif isinstance(value, list):
        yield from (text for one in value for text in _strings(one))
