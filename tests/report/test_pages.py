"""The pages: the verdict first, the time without service as the events tell it, a cell for each scenario and lab."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.checks.verdict import judge
from harness.cli import walrus_ha
from harness.evidence import Event, Evidence, Expectation
from harness.report import html, markdown
from harness.report.model import RehearsalReport
from harness.report.timeline import LEFT, WIDTH, timeline
from tests.checks.builders import ADDITIONAL, ORIGINAL, completed

from .examples import ATTACK, DOUBTED, FAILED, MIXED, PASSED, SKIPPED


def served(*spans: tuple[str, float, float]) -> Evidence:
    """A move of 100 s during which the hosts' Walruses served in these spans; the original did at its beginning."""
    evidence = completed()
    attempt = replace(evidence.attempts[0], started_at=0.0, ended_at=100.0)
    events = [
        Event(at, host, "walrus", word)
        for host, begin, end in spans
        for at, word in ((begin, "ENABLED"), (end, "STOPPED"))
        if at
    ]
    return replace(evidence, attempts=[attempt], events=sorted(events, key=lambda one: one.at))


def test_the_time_without_service_is_what_the_events_say() -> None:
    picture = timeline(served((ORIGINAL, 0, 10), (ADDITIONAL, 60, 70), (ORIGINAL, 65, 101)))
    assert picture is not None
    assert picture.down_s == 50.0
    assert [bar.title for bar in picture.down] == ["no Walrus serves for 50.0 s"]


def test_whoever_loses_power_serves_no_longer() -> None:
    evidence = served((ORIGINAL, 0, 100))
    evidence.events.insert(0, Event(40.0, ORIGINAL, "power", "off"))
    picture = timeline(evidence)
    assert picture is not None
    assert picture.down_s == 60.0
    assert "no power" in [bar.title for row in picture.rows for bar in row.bars]


def test_without_a_client_that_read_before_nobody_knows() -> None:
    evidence = served((ORIGINAL, 0, 10))
    evidence.reads = []
    picture = timeline(evidence)
    assert picture is not None
    assert (picture.down_s, picture.down) == (None, ())


def test_everything_lies_within_the_picture() -> None:
    picture = timeline(completed())
    assert picture is not None
    assert [row.name for row in picture.rows][:3] == ["controller", ORIGINAL, ADDITIONAL]
    for row in picture.rows:
        assert all(LEFT <= bar.x <= bar.x + bar.width <= WIDTH for bar in row.bars)
        assert all(LEFT <= mark.x <= WIDTH for mark in row.marks)
    assert 2 <= len(picture.ticks) <= 11


def test_no_attempt_no_picture() -> None:
    evidence = replace(completed(), attempts=[])
    assert timeline(evidence) is None
    assert "No attempt was made." in html.render_trial(evidence, judge(evidence))


def test_the_verdict_comes_first_and_the_last_words_next() -> None:
    evidence = completed()
    page = html.render_trial(evidence, judge(evidence))
    body = page[page.index("<body>") :]
    assert re.match(r'<body>\s*<h1><span class="verdict PASS">PASS</span>', body)
    assert body.index(evidence.attempts[-1].last_words.split("\n")[0]) < body.index("Timeline")


def test_a_failure_says_what_was_found_first() -> None:
    evidence = replace(completed(), expectation=Expectation("rolled_back", []))
    page = html.render_trial(evidence, judge(evidence))
    assert page.index("FAIL") < page.index(judge(evidence).reason)


def test_nothing_on_the_page_may_be_run_or_fetched() -> None:
    page = html.render_rehearsal(MIXED, {})
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "<script" not in page
    assert "\u202e" not in page
    assert ATTACK not in page


def test_the_matrix_has_the_trouble_on_top_and_a_cell_for_each() -> None:
    page = html.render_rehearsal(MIXED, {(FAILED.scenario, FAILED.lab): "containers/copy-interrupted/report.html"})
    names = re.findall(r"<tr><td>([\w-]+)</td>", page)
    assert set(names[:2]) == {FAILED.scenario, DOUBTED.scenario}
    assert names[2:] == [PASSED.scenario]
    assert '<a href="containers/copy-interrupted/report.html">' in page
    assert page.count('"verdict SKIPPED"') == 1
    assert SKIPPED.reason in page


@pytest.mark.parametrize(
    ("trials", "word"),
    [([], "INCONCLUSIVE"), ([SKIPPED], "INCONCLUSIVE"), ([PASSED], "PASS"), ([PASSED, FAILED], "FAIL")],
)
def test_skips_alone_have_shown_nothing(trials: list[object], word: str) -> None:
    assert html.overall(RehearsalReport(trials).summary).value == word  # type: ignore[arg-type]  # trials of any verdict


def test_a_job_summary_is_text_whatever_the_names() -> None:
    said = markdown.render(MIXED)
    assert said.startswith("## Rehearsal: FAIL\n")
    assert "\\<script\\>" in said
    assert not re.search(r"(?<!\\)[<>\[]", said)


def test_a_job_summary_that_grows_too_long_is_cut_and_says_so() -> None:
    said = markdown.render(RehearsalReport([FAILED] * 5000))
    assert len(said.encode()) <= markdown.MAX_BYTES + 100
    assert said.rstrip().endswith("Cut here: the report's folder holds all.")


def test_a_rehearsal_leaves_pages_and_they_can_be_made_again(tmp_path: Path) -> None:
    scenario = Path(__file__).resolve().parents[2] / "scenarios/core/success-with-full-sync.yaml"
    summary = tmp_path / "summary.md"
    done = CliRunner().invoke(
        walrus_ha, ["rehearse", str(scenario), "--report", str(tmp_path / "kept"), "--markdown", str(summary)]
    )
    assert done.exit_code == 0
    index = tmp_path / "kept/index.html"
    (link,) = re.findall(r'<a href="([^"]+)"', index.read_text())
    page = (index.parent / link).read_text()
    assert "success-with-full-sync" in page
    assert summary.read_text().startswith("## Rehearsal: PASS")
    index.unlink()
    again = CliRunner().invoke(walrus_ha, ["report", str(tmp_path / "kept")])
    assert (again.exit_code, again.output.strip()) == (0, str(index))
    assert (index.parent / link).read_text() == page


def test_a_folder_without_evidence_is_said_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(walrus_ha, ["report", str(tmp_path)])
    assert done.exit_code == 1
    assert "no evidence.json below it" in str(done.exception)


def test_a_file_that_is_no_evidence_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "evidence.json").write_text("{}")
    done = CliRunner().invoke(walrus_ha, ["report", str(tmp_path / "evidence.json")])
    assert "not evidence" in str(done.exception)
    assert not (tmp_path / "report.html").exists()
