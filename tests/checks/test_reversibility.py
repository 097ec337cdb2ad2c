"""After a rollback or a refusal, nothing is left of the move."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest

from harness.checks.reversibility import reversibility
from harness.evidence import Attempt, Event, Evidence

from . import builders
from .asking import cannot_tell, fails, passes
from .builders import STAGED, changed, store


def _after(evidence: Evidence, **changes: Any) -> Evidence:
    evidence.after[0] = replace(evidence.after[0], **changes)
    return evidence


@pytest.mark.parametrize("build", [builders.rolled_back, builders.refused])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"files": {"/etc/fstab": "changed"}}, "walrus00: /etc/fstab is not as it was"),
        ({"files": {}}, "walrus00: /etc/fstab is gone"),
        ({"services": {}}, "walrus00: service eucalyptus-cloud was"),
        ({"services": {"eucalyptus-cloud": {"running": True, "starts at boot": False}}}, '"starts at boot": false'),
        ({"disks": {"/dev/sdb": "drbd"}}, "walrus00: /dev/sdb was blank, is drbd"),
        ({"disks": {}}, "walrus00: /dev/sdb was blank, is absent"),
        ({"mounts": []}, "walrus00: mounts were /dev/sda1 on /, are none"),
        ({"leftovers": [STAGED]}, f"walrus00: left over: {STAGED}"),
    ],
    ids=["file changed", "file gone", "service gone", "boot", "disk", "disk gone", "mounts", "leftover"],
)
def test_whatever_is_not_as_before_is_named(build: object, change: dict[str, Any], said: str) -> None:
    assert callable(build)
    fails(reversibility, _after(build(), **change), said)


def test_a_file_left_behind() -> None:
    evidence = builders.rolled_back()
    files = evidence.after[1].files | {"/etc/eucalyptus/drbd.conf": "resource r0 {}\n"}
    evidence.after[1] = replace(evidence.after[1], files=files)
    fails(reversibility, evidence, "walrus01: /etc/eucalyptus/drbd.conf did not exist and was left behind")


def test_what_lay_there_before_is_no_leftover() -> None:
    evidence = _after(builders.rolled_back(), leftovers=[STAGED])
    evidence.before[0] = replace(evidence.before[0], leftovers=[STAGED])
    passes(reversibility, evidence)


def test_the_order_of_mounts_is_of_no_interest() -> None:
    evidence = builders.rolled_back()
    mounts = [["/dev/sda1", "/"], ["/dev/sdc", "/newlocation"]]
    evidence.before[0] = replace(evidence.before[0], mounts=mounts)
    passes(reversibility, _after(evidence, mounts=mounts[::-1]))


def test_a_store_that_is_not_the_frozen_one() -> None:
    evidence = builders.rolled_back()
    evidence.served = changed(store(), "photos/a", mode=0o600)
    fails(reversibility, evidence, "the original's store", "photos/a")


def test_a_peer_that_is_gone_for_good_cannot_be_compared() -> None:
    evidence = builders.rolled_back()
    evidence.after[1] = replace(evidence.after[1], reachable=False, files={}, disks={})
    passes(reversibility, evidence)


def test_the_original_must_answer() -> None:
    cannot_tell(reversibility, _after(builders.rolled_back(), reachable=False), "walrus00 does not answer")


def test_a_host_that_was_never_looked_at() -> None:
    evidence = builders.rolled_back()
    evidence.after = evidence.after[:1]
    cannot_tell(reversibility, evidence, "no snapshot of walrus01 after")


def test_a_host_that_was_not_seen_before() -> None:
    evidence = builders.rolled_back()
    evidence.before[1] = replace(evidence.before[1], reachable=False)
    cannot_tell(reversibility, evidence, "walrus01 was not seen before")


def test_no_look_before_the_trial() -> None:
    evidence = builders.rolled_back()
    evidence.before = []
    cannot_tell(reversibility, evidence, "before the trial")


@pytest.mark.parametrize("effect", ["write", "destroy"])
def test_a_refused_run_must_not_even_have_tried(effect: Literal["write", "destroy"]) -> None:
    evidence = builders.refused()
    evidence.sent[0] = replace(evidence.sent[0], what="claim epoch 1 for trial", effect=effect)
    fails(reversibility, evidence, f"attempt 1 was refused, and had sent a {effect} to walrus00: claim epoch 1")


def test_a_refused_run_after_a_completed_one_must_not_have_tried_either() -> None:
    evidence = builders.run_again()
    evidence.attempts[1] = Attempt("rollback", 99.0, 99.0, "refused", 3, "too late")
    passes(reversibility, evidence)
    evidence.sent[-1] = replace(evidence.sent[-1], effect="write")
    fails(reversibility, evidence, "attempt 2 was refused")


def test_a_completed_move_is_not_compared_with_before() -> None:
    evidence = _after(builders.completed(), disks={"/dev/sdb": "drbd"})
    passes(reversibility, evidence)
    assert reversibility(evidence).reason == "not asked: nothing was taken back or refused"


@pytest.mark.parametrize(
    ("deed", "named"),
    [
        ("euca_conf --register-walrus --host 10.0.0.11", "`euca_conf --register-walrus --host 10.0.0.11` on clc00"),
        ("modprobe drbd", "`modprobe drbd` on clc00"),
        ("claim epoch 2 for trial", "`claim epoch 2 for trial` on clc00"),
    ],
)
def test_what_no_snapshot_shows_is_taken_back_too(deed: str, named: str) -> None:
    evidence = builders.rolled_back()
    evidence.sent.append(replace(evidence.sent[-1], host=builders.CLC, what=deed))
    fails(reversibility, evidence, f"{named} was never taken back")


def test_a_module_is_gone_with_the_power() -> None:
    evidence = builders.rolled_back()
    evidence.sent.append(replace(evidence.sent[-1], what="modprobe drbd"))
    evidence.events.append(Event(evidence.sent[-1].at + 1, evidence.sent[-1].host, "power", "on"))
    passes(reversibility, evidence)


def test_words_that_say_what_remains_are_not_held_to_it() -> None:
    evidence = builders.rolled_back()
    evidence.sent.append(replace(evidence.sent[-1], what="claim epoch 2 for trial"))
    words = evidence.attempts[-1].last_words + " Not taken back yet: walrus01: take the resource down."
    evidence.attempts[-1] = replace(evidence.attempts[-1], last_words=words)
    passes(reversibility, evidence)
