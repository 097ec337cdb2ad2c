"""Pages with hostile names in every place, opened in a real browser: no script runs, the network is not asked."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checks.verdict import judge
from harness.evidence import Event, Evidence, Receipt, Sent
from harness.report import html as pages
from harness.report.model import RehearsalReport, TrialReport
from tests.checks.builders import completed

from .browser import Trap, look, needs_chromium, trap

NAMES = 500
_ATTACKS = (
    "<script>document.title='broken'; fetch('{url}')</script>",
    '"><img src={url} onerror="document.title=\'broken\'">',
    "'><svg onload=\"document.title='broken'\"><image href={url} /></svg>",
    "</style><style>@import '{url}';</style>",
    "</title></table><iframe src={url}></iframe>",
    "{{{{ 7*7 }}}}{{% include '/etc/passwd' %}}",
    "<link rel=stylesheet href={url}><meta http-equiv=refresh content='0;url={url}'>",
    "<form action={url}><button autofocus onfocus=\"document.title='broken'\">",
    "\u202egnp.exe \x1b[2J \u2028 javascript:fetch('{url}')",
    "<!-- <object data={url}></object> -->]]><a href=javascript:alert(1)>",
)


def attacks(laid: Trap) -> list[str]:
    return [f"{number} {_ATTACKS[number % len(_ATTACKS)].format(url=laid.url)}" for number in range(NAMES)]


def hostile(laid: Trap) -> Evidence:
    """A trial that failed, with an attack in every text that comes from outside."""
    names = attacks(laid)
    evidence = completed()
    begin = evidence.attempts[0].started_at
    first = replace(evidence.attempts[0], last_words="\n".join(names[:50]), acted=names[50:60], outcome="killed")
    return replace(
        evidence,
        claim=names[0],
        scenario=names[1],
        lab="machines",
        original=names[2],
        attempts=[first, *evidence.attempts[1:]],
        sent=[Sent(begin, 1, name, name, name, "write", name) for name in names],
        events=[*evidence.events, *(Event(begin + 1, name, "destroy", name) for name in names[:20])],
        receipts=[Receipt(begin + 1, name, True, name) for name in names[:20]],
        notes=names[:20],
        censuses=[replace(one, moment=names[3], complete=names[:5]) for one in evidence.censuses],
    )


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "report.html"


@needs_chromium
def test_a_failed_trial_with_hostile_names(page: Path, tmp_path: Path) -> None:
    with trap() as laid:
        evidence = hostile(laid)
        judgement = judge(evidence)
        page.write_text(pages.render_trial(evidence, judgement), encoding="utf-8")
        seen = look(page, tmp_path / "profile", laid)
    assert seen.console == []
    assert seen.asked == 0
    assert "<title>FAIL" in seen.dom
    assert not any(f"<{tag}" in seen.dom for tag in ("script", "img", "iframe", "object", "form", "link", "image"))
    shown = html.unescape(seen.dom)
    assert sum(f">{number} " in shown for number in range(NAMES)) == NAMES, "every name is still to be read"


@needs_chromium
def test_a_rehearsal_with_hostile_names(page: Path, tmp_path: Path) -> None:
    with trap() as laid:
        evidence = hostile(laid)
        trials = [
            replace(TrialReport.judged(evidence, judge(evidence)), scenario=name, reason=name) for name in attacks(laid)
        ]
        links = {(trial.scenario, trial.lab): "simulated/x/report.html" for trial in trials}
        page.write_text(pages.render_rehearsal(RehearsalReport(trials), links), encoding="utf-8")
        seen = look(page, tmp_path / "profile", laid)
    assert (seen.console, seen.asked) == ([], 0)
    assert "<script" not in seen.dom


@needs_chromium
def test_a_page_that_obeyed_would_be_seen(page: Path, tmp_path: Path) -> None:
    with trap() as laid:
        staying = [attack for attack in attacks(laid) if "refresh" not in attack]  # the others lead to another page
        page.write_text("".join(staying), encoding="utf-8")
        seen = look(page, tmp_path / "profile", laid)
    assert seen.asked > 0
    assert "<title>broken" in seen.dom


@needs_chromium
def test_the_policy_alone_would_stop_a_name_that_got_through(page: Path, tmp_path: Path) -> None:
    with trap() as laid:
        evidence = completed()
        through = pages.render_trial(evidence, judge(evidence)).replace("<h1>", "".join(attacks(laid)[:3]) + "<h1>")
        page.write_text(through, encoding="utf-8")
        seen = look(page, tmp_path / "profile", laid)
    assert seen.asked == 0
    assert "<title>broken" not in seen.dom
    assert any("Content Security Policy" in line for line in seen.console)
