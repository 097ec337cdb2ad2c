"""No object lost or changed, and a complete copy at every moment."""

from __future__ import annotations

from dataclasses import replace

from harness.checks.durability import durability
from harness.evidence import Event, Manifest

from . import builders
from .asking import cannot_tell, fails, passes
from .builders import census, changed, store, without


def test_an_object_missing_after_the_move() -> None:
    evidence = builders.completed()
    evidence.served = without(store(), "snapset-1/snap-1")
    fails(durability, evidence, "the served store", "missing: snapset-1/snap-1")


def test_an_object_changed_by_a_move_that_was_rolled_back() -> None:
    evidence = builders.rolled_back()
    evidence.served = changed(store(), "photos/a", sha256="0" * 64)
    fails(durability, evidence, "changed: photos/a")


def test_an_object_changed_by_a_move_that_was_refused() -> None:
    evidence = builders.refused()
    evidence.served = changed(store(), "photos/a", mtime_ns=1)
    fails(durability, evidence, "changed: photos/a")


def test_an_empty_store_served_after_the_move() -> None:
    evidence = builders.completed()
    evidence.served = Manifest([builders.entry(".", "directory", mode=0o700)])
    fails(durability, evidence, "8 missing")


def test_a_stopped_run_may_leave_the_place_half_filled() -> None:
    passes(durability, builders.stopped())


def test_a_half_filled_place_must_not_be_served() -> None:
    evidence = builders.stopped()
    evidence.events.append(Event(998.0, builders.ADDITIONAL, "power", "on"))
    evidence.events.append(Event(999.0, builders.ADDITIONAL, "walrus", "ENABLED"))
    fails(durability, evidence, "the served store is not the frozen store")


def test_a_moment_without_a_complete_copy() -> None:
    evidence = builders.completed()
    evidence.censuses.insert(0, census("walrus00 without power"))
    fails(durability, evidence, "no complete copy existed walrus00 without power (at 1 s)")


def test_the_old_store_must_outlive_the_move() -> None:
    evidence = builders.completed()
    evidence.censuses[-1] = census("at the end", "walrus00:store", "walrus01:device")
    fails(durability, evidence, "walrus00:old-store", "not complete any more", "walrus01:device")


def test_the_staged_copy_must_outlive_the_move() -> None:
    evidence = builders.completed()
    evidence.censuses[-1].complete.remove("walrus00:staging")
    fails(durability, evidence, "walrus00:staging, the staged copy, is not complete any more")


def test_an_old_store_on_the_wrong_host_does_not_count() -> None:
    evidence = builders.completed()
    evidence.censuses[-1] = census("at the end", "walrus01:old-store")
    fails(durability, evidence, "walrus00:old-store")


def test_no_census() -> None:
    evidence = builders.completed()
    evidence.censuses = []
    cannot_tell(durability, evidence, "no census")


def test_nobody_looked_at_what_is_served() -> None:
    evidence = builders.completed()
    evidence.served = None
    cannot_tell(durability, evidence, "no manifest of the served store")


def test_what_is_served_could_not_be_read() -> None:
    evidence = builders.completed()
    evidence.served = replace(store(), error="Input/output error")
    cannot_tell(durability, evidence, "Input/output error")


def test_no_frozen_manifest() -> None:
    evidence = builders.completed()
    evidence.frozen = None
    cannot_tell(durability, evidence, "the frozen store")
