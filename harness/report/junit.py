"""The report for CI servers, in the dialect of JUnit XML that they all read."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from xml.etree.ElementTree import Element, SubElement

from harness.checks.verdict import Verdict
from harness.report.model import RehearsalReport, TrialReport, bad_first, printable

# Not knowing is an error of the test, not a failure of what was tested.
_ELEMENTS = {Verdict.FAIL: "failure", Verdict.INCONCLUSIVE: "error", Verdict.SKIPPED: "skipped"}


def render(report: RehearsalReport) -> bytes:
    """The report as an XML document."""
    summary = report.summary
    suite = Element("testsuite")
    suite.set("name", "walrus-ha")
    for name, count in (
        ("tests", len(report.trials)),
        ("failures", summary.failed),
        ("errors", summary.inconclusive),
        ("skipped", summary.skipped),
    ):
        suite.set(name, str(count))
    suite.set("time", f"{sum(trial.seconds for trial in report.trials):.3f}")
    for trial in report.trials:
        suite.append(_case(trial))
    suites = Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    document: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _case(trial: TrialReport) -> Element:
    case = Element("testcase")
    case.set("classname", f"walrus-ha.{printable(trial.lab)}")
    case.set("name", printable(trial.scenario))
    case.set("time", f"{trial.seconds:.3f}")
    properties = {"trace_hash": trial.trace_hash, "evidence": str(trial.evidence_path or "")}
    if trial.caught_by and trial.verdict is Verdict.PASS:
        properties["caught"] = trial.reason
    if any(properties.values()):
        parent = SubElement(case, "properties")
        for name, value in properties.items():
            if value:
                SubElement(parent, "property", {"name": name, "value": printable(value)})
    if trial.verdict in _ELEMENTS:
        told = SubElement(case, _ELEMENTS[trial.verdict])
        told.set("message", printable(trial.reason))
        told.text = _details(trial) or None
    return case


def _details(trial: TrialReport) -> str:
    """Every sentence of every check that did not pass; a text of many lines, each of them safe."""
    return "\n".join(
        f"{finding.check}: {printable(sentence)}"
        for finding in bad_first(trial.findings)
        for sentence in finding.detail or (finding.reason,)
    )
