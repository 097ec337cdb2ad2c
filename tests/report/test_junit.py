"""CI servers read every report, whatever the names in it."""

from __future__ import annotations

from xml.etree import ElementTree

from harness.report import junit
from harness.report.model import RehearsalReport

from .examples import MIXED


def _suite() -> ElementTree.Element:
    suite = ElementTree.fromstring(junit.render(MIXED)).find("testsuite")
    assert suite is not None
    return suite


def test_the_suite_counts() -> None:
    counts = {name: _suite().get(name) for name in ("name", "tests", "failures", "errors", "skipped", "time")}
    assert counts == {
        "name": "walrus-ha",
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
        "time": "13.123",
    }


def test_each_verdict_has_its_element() -> None:
    told = [[child.tag for child in case if child.tag != "properties"] for case in _suite()]
    assert told == [[], ["failure"], ["error"], ["skipped"]]


def test_a_case_carries_lab_name_time_and_where_the_evidence_is() -> None:
    case = _suite()[1]
    assert (case.get("classname"), case.get("name"), case.get("time")) == (
        "walrus-ha.containers",
        "copy-interrupted",
        "12.500",
    )
    properties = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert properties == {"trace_hash": "def456", "evidence": "runs/copy-interrupted/evidence.json"}


def test_a_failure_says_what_each_check_found() -> None:
    failure = _suite().find("testcase/failure")
    assert failure is not None
    assert "\\x1b[2J" in (failure.get("message") or "")
    assert (failure.text or "").splitlines()[1:] == [
        "durability: missing: photos/b",
        "groundwork: cut_link is not proven",
    ]


def test_a_skip_says_why() -> None:
    skipped = _suite().find("testcase/skipped")
    assert skipped is not None
    assert skipped.get("message") == "the machines lab lacks: qemu"


def test_an_empty_report_is_still_a_document() -> None:
    suite = ElementTree.fromstring(junit.render(RehearsalReport([]))).find("testsuite")
    assert suite is not None
    assert suite.get("tests") == "0"
