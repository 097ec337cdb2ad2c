"""Faults of disks and of lying programs do what they say, with proof, and prove nothing where they did nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import FaultNotProven
from harness.evidence import Evidence, Receipt
from harness.labs import catalogue
from harness.labs.lab import ORIGINAL, Start
from harness.trials.scenario_files import read_scenario
from harness.trials.trial import run_trial

STORY = """claim: a story that is told to see what a fault does
labs: [simulated]
start: {{settings: {{copy_limit_kib_s: 512}}}}
faults:
  - {fault}
expect: {{outcome: {outcome}, checks: [durability]}}
"""


def _told(tmp_path: Path, fault: str, outcome: str = "completed") -> Evidence:
    path = tmp_path / "story.yaml"
    path.write_text(STORY.format(fault=fault, outcome=outcome))
    return run_trial(read_scenario(path), catalogue.find("simulated"), tmp_path / "work")


def _receipts(evidence: Evidence, fault: str) -> list[Receipt]:
    return [receipt for receipt in evidence.receipts if receipt.fault == fault]


@pytest.mark.parametrize(
    ("step", "place"),
    [("stage-store", "store"), ("configure-drbd", "staging"), ("hand-over", "device"), ("commit", "old-store")],
)
def test_a_byte_rots_in_each_place_after_it_was_verified(tmp_path: Path, step: str, place: str) -> None:
    fault = f"{{do: corrupt, at: {{step: {step}, moment: before}}, host: original, place: {place}}}"
    (receipt,) = _receipts(_told(tmp_path, fault), "corrupt")
    assert receipt.proven, receipt


@pytest.mark.parametrize(("survives", "image"), [("flushed", 0), ("all", 1), ("torn", 3)])
def test_words_for_what_survives_are_images_by_number(tmp_path: Path, survives: str, image: int) -> None:
    story = "{{do: power_off, at: {{step: stage-store, moment: during, progress: 0.6}}, host: original, for_s: 3, {}}}"
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    by_word, by_number = (
        _told(folder, story.format(words))
        for folder, words in (
            (tmp_path / "a", f"survives: {survives}"),
            (tmp_path / "b", f"survives: {{image: {image}}}"),
        )
    )
    assert by_word.trace_hash == by_number.trace_hash
    assert all(receipt.proven for receipt in (*by_word.receipts, *by_number.receipts))


def test_images_differ(tmp_path: Path) -> None:
    hashes = set()
    for image in (0, 1, 3, 40):
        folder = tmp_path / str(image)
        folder.mkdir()
        moment = "at: {step: restore-store, moment: during, progress: 0.6}"
        fault = f"{{do: power_off, {moment}, host: original, for_s: 3, survives: {{image: {image}}}}}"
        hashes.add(_told(folder, fault).trace_hash)
    assert len(hashes) > 2


def test_an_image_that_does_not_exist_is_no_fault(tmp_path: Path) -> None:
    fault = "{do: power_off, at: {step: commit, moment: after}, host: original, for_s: 3, survives: {image: 99999}}"
    (receipt,) = _receipts(_told(tmp_path, fault), "power_off")
    assert (receipt.proven, "none has the number" in receipt.detail) == (False, True)


def test_a_flush_that_nobody_made_was_not_refused(tmp_path: Path) -> None:
    fault = "{do: fsync_fails, at: {step: confirm-service, moment: after}, host: original, place: old-store}"
    (receipt,) = _receipts(_told(tmp_path, fault), "fsync_fails")
    assert not receipt.proven


def test_a_refused_flush_costs_a_second_copy(tmp_path: Path) -> None:
    fault = "{do: fsync_fails, at: {step: stage-store, moment: during, progress: 0.6}, host: original, place: staging}"
    told = _told(tmp_path, fault)
    (receipt,) = _receipts(told, "fsync_fails")
    assert receipt.proven
    copies = [sent for sent in told.sent if "rsync" in sent.what and "start job" in sent.what]
    assert ["--checksum" in sent.what for sent in copies] == [False, True, False]


def test_a_program_that_lies_did_nothing_and_said_nothing(tmp_path: Path) -> None:
    fault = "{do: lying_exit, host: original, program: mkfs.ext4}"
    told = _told(tmp_path, fault, "rolled_back")
    assert [receipt.proven for receipt in _receipts(told, "lying_exit")] == [True]
    assert not [event for event in told.events if event.kind == "destroy" and "mkfs" in event.detail]
    assert "mkfs said that it was done" in told.attempts[-1].last_words


def test_an_object_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    fault = "{do: read_error, at: {step: freeze-manifest, moment: before}, host: original, place: store}"
    told = _told(tmp_path, fault, "rolled_back")
    (receipt,) = _receipts(told, "read_error")
    name = receipt.detail.rsplit("/", 1)[1].rstrip("'\"")
    assert name in told.attempts[-1].last_words
    assert "Input/output error" in told.attempts[-1].last_words


def test_labs_with_whole_disks_say_that_they_cannot() -> None:
    from harness.labs.whole_disks import WholeDisks, require_no_choice

    for door in (WholeDisks().break_object, WholeDisks().fail_flush, WholeDisks().flush_failed):
        with pytest.raises(FaultNotProven, match="staging on original"):
            door(ORIGINAL, "staging")
    with pytest.raises(FaultNotProven, match="torn was asked for"):
        require_no_choice(ORIGINAL, "torn")


def test_an_object_is_cut_in_half_and_nobody_is_told() -> None:
    with catalogue.find("simulated").open(Start()) as opened:
        before = opened.truth.manifest(ORIGINAL, "store")
        assert opened.faults.truncate(ORIGINAL, "store").proven
        after = opened.truth.manifest(ORIGINAL, "store").by_path()
    changed = [entry for entry in before.entries if after[entry.path] != entry]
    assert len({entry.same_as or entry.path for entry in changed}) == 1
    for entry in changed:
        assert (after[entry.path].size, after[entry.path].mtime_ns) == (entry.size // 2, entry.mtime_ns)
