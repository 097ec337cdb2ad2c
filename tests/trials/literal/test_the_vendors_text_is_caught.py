"""The vendor's text, typed literally, is caught on each of its hazards; our engine passes from the same start."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks.ending import Ending, ending
from harness.checks.exclusivity import exclusivity
from harness.checks.verdict import Verdict, judge
from harness.evidence import Evidence
from harness.labs import catalogue
from harness.trials.literal.operator import LAST_WORDS
from harness.trials.scenario import Scenario
from harness.trials.scenario_files import load_scenarios, read_scenario
from harness.trials.trial import run_trial

FOLDER = catalogue.scenario_folder() / "vendor"
SCENARIOS = {scenario.name: scenario for scenario in load_scenarios([FOLDER])}
VENDORS = sorted(name for name, scenario in SCENARIOS.items() if scenario.driver == "vendor")

# What the operator is left with: DRBD's words, entries whole where they are served, entries whole on the peer.
ENDINGS = {
    "configuring-again-after-an-interruption-wipes-the-store": ("UpToDate/UpToDate", 0, 0),
    "copying-the-directory-serves-nothing-where-it-was": ("UpToDate/UpToDate", 0, 0),
    "copying-to-a-new-place-loses-names-links-and-attributes": ("UpToDate/UpToDate", 65, 65),
    "copying-with-a-star-loses-names-links-and-attributes": ("UpToDate/UpToDate", 65, 65),
    "discarding-policies-throw-writes-away-after-a-split-brain": ("UpToDate/UpToDate", 63, 63),
    "making-ext4-with-the-line-for-ext3-leaves-nobody-serving": ("UpToDate/UpToDate", 0, 0),
    "skipping-the-sync-after-the-copy-leaves-an-empty-peer": ("UpToDate/UpToDate", 63, 0),
    "skipping-the-sync-as-written-makes-the-filesystem-anew": ("UpToDate/UpToDate", 0, 0),
    "stopping-before-the-copy-serves-an-empty-store": ("UpToDate/UpToDate", 0, 0),
    "taking-drbd10-for-drbd1-leaves-the-device-unmounted": ("UpToDate/UpToDate", 63, 0),
    "watching-with-a-program-that-is-gone-starts-on-an-unfinished-pair": ("UpToDate/Inconsistent", 0, 0),
}


def run(scenario: Scenario, folder: Path) -> Evidence:
    return run_trial(scenario, catalogue.find("simulated"), folder)


def figures(evidence: Evidence) -> Ending:
    found = ending(evidence)
    assert found is not None
    return found


def test_every_scenario_of_the_vendors_text_has_its_ending_here() -> None:
    assert sorted(ENDINGS) == VENDORS


@pytest.mark.parametrize("name", VENDORS)
def test_the_text_ends_content_and_the_checks_are_not(name: str, tmp_path: Path) -> None:
    evidence = run(SCENARIOS[name], tmp_path)
    last = evidence.attempts[-1]
    assert (last.outcome, last.exit_status, last.last_words) == ("completed", 0, LAST_WORDS)
    judgement = judge(evidence)
    assert judgement.verdict is Verdict.PASS, judgement.reason
    assert judgement.reason.startswith("caught by ")
    found = figures(evidence)
    assert (found.disks, found.served, found.replica) == ENDINGS[name]


@pytest.mark.parametrize("name", VENDORS)
def test_our_engine_passes_from_the_same_start(name: str, tmp_path: Path) -> None:
    beside = SCENARIOS[f"{name}.engine"]
    assert beside.start == SCENARIOS[name].start
    evidence = run(beside, tmp_path)
    judgement = judge(evidence)
    assert judgement.verdict is Verdict.PASS, judgement.reason
    assert figures(evidence).served == figures(evidence).entries


def test_what_the_policies_threw_away_our_engine_keeps_for_a_person_to_choose(tmp_path: Path) -> None:
    name = "discarding-policies-throw-writes-away-after-a-split-brain"
    vendor, engine = (run(SCENARIOS[one], tmp_path / one) for one in (name, f"{name}.engine"))
    assert figures(vendor).replica == 63, "the client's object is what it was before"
    assert figures(engine).replica == 62, "the client's object is still there, on the side that took it"


def test_a_line_that_fails_is_followed_by_the_next(tmp_path: Path) -> None:
    evidence = run(SCENARIOS["watching-with-a-program-that-is-gone-starts-on-an-unfinished-pair"], tmp_path)
    failed = {sent.what: sent.outcome for sent in evidence.sent if sent.outcome not in ("status 0", "done")}
    assert failed.pop("cat /etc/eucalyptus/drbd.conf") == "status 1", "the file is new"
    assert failed == {"drbdsetup /dev/drbd1 syncer -r 110M": "status 20", "drbd-overview": "status 127"}


def test_where_drbd_overview_is_there_the_operator_waits_for_the_sync(tmp_path: Path) -> None:
    newer = FOLDER / "watching-with-a-program-that-is-gone-starts-on-an-unfinished-pair.yaml"
    older = tmp_path / "watching-on-drbd-8.3.yaml"
    older.write_text(newer.read_text().replace('drbd: "8.4"', 'drbd: "8.3"'))
    evidence = run(read_scenario(older), tmp_path / "run")
    assert evidence.attempts[-1].outcome == "completed"
    assert not [said for said in exclusivity(evidence).detail if "Inconsistent" in said]
    assert judge(evidence).verdict is Verdict.FAIL, "a control that is not caught for its own reason fails"


README = FOLDER.parents[1] / "README.md"
ROWS = [line for line in README.read_text().splitlines() if "](scenarios/vendor/" in line]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.partition(":")[0][3:])
def test_the_figures_of_the_readme_are_those_of_the_trials(row: str, tmp_path: Path) -> None:
    hazard, disks, served, replica, caught_by, ours = (cell.strip() for cell in row.strip("|").split("|"))
    name = Path(hazard.partition("](")[2].partition(")")[0]).stem
    vendor, engine = (figures(run(SCENARIOS[one], tmp_path / one)) for one in (name, f"{name}.engine"))
    assert (disks, served, replica) == (vendor.disks, f"{vendor.served} of {vendor.entries}", str(vendor.replica))
    assert caught_by.split(", ") == SCENARIOS[name].expect.caught_by
    peer = str(engine.replica) if engine.outcome == "completed" else engine.outcome
    assert ours.removesuffix(" ²") == f"{engine.served}, {peer}"


def test_the_readme_leads_with_each_hazard() -> None:
    assert sorted({row.partition(":")[0][3:] for row in ROWS}) == [f"H{number}" for number in range(1, 8)]


def test_the_same_seed_gives_the_same_trace(tmp_path: Path) -> None:
    scenario = SCENARIOS["configuring-again-after-an-interruption-wipes-the-store"]
    one, other = (run(scenario, tmp_path / name) for name in ("one", "other"))
    assert one.trace_hash == other.trace_hash
