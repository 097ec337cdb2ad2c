"""``python -m tests.report.pictures`` makes docs/pictures anew, which show what reports look like: look at them."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from harness.checks.verdict import judge
from harness.labs import catalogue
from harness.labs.lab import Start, StoreSpec
from harness.logbook import Logbook
from harness.migration.run import Migration
from harness.report import html
from harness.run_report import report_of
from harness.trials.scenario_files import load_scenarios
from harness.trials.trial import run_trial

from .browser import screenshot
from .test_a_real_run_is_told_on_one_page import failing

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
WIDTHS = (1280, 400)
MADE = "2013-01-12T04:00:00+00:00"
RUN = "site-3f1c9a20"
SITE = Start(store=StoreSpec(objects=4000, bytes=300 * 1024**2, hostile_names=True), device_bytes=1024**3)
TRIALS = {
    "report-passed": "core/failed-sync-link-lost-at-40-percent-heals.yaml",
    "report-failed": "vendor/stopping-before-the-copy-serves-an-empty-store.yaml",
}


def of_a_run(fails: bool, folder: Path) -> str:
    """The page of a move of a store of some size, completed or taken back."""
    with catalogue.find("simulated").open(SITE) as lab:
        opened = failing(lab, "mkfs", b"mkfs.ext4: /dev/drbd1: Input/output error") if fails else lab
        move = Migration(opened.inventory, folder, opened.clock, name_run=lambda: "3f1c9a20")
        why = {"without": "the room of the lab is being rewired"}
        Logbook(folder, opened.clock).attempt("migrate", move, lambda: move.migrate(rehearsal=why))
    return html.render_run(replace(report_of(folder), folder=f"/root/.local/state/walrus-ha/runs/{RUN}"), MADE)


def of_a_trial(scenario: str, folder: Path) -> str:
    one, *_ = load_scenarios((ROOT / "scenarios" / scenario,))  # the vendor's way; what ours makes of it comes behind
    told = run_trial(one, catalogue.find("simulated"), folder)
    # Judged as any move is, not by whether the checks catch it.
    evidence = replace(told, expectation=replace(told.expectation, caught_by=[]))
    return html.render_trial(evidence, judge(evidence))


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        pages = {name: of_a_trial(scenario, place / name) for name, scenario in TRIALS.items()}
        pages |= {f"run-{word}": of_a_run(word == "failed", place / word / RUN) for word in ("completed", "failed")}
        for name, page in pages.items():
            (place / f"{name}.html").write_text(page, encoding="utf-8")
            for width in WIDTHS:
                picture = PICTURES / f"{name}-{width}.png"
                screenshot(place / f"{name}.html", place / "profile", width, picture)
                print(picture)


if __name__ == "__main__":
    main()
