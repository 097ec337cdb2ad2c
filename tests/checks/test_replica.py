"""The other side, promoted and read, holds the frozen store: UpToDate is not enough."""

from __future__ import annotations

from harness.checks.replica import replica

from . import builders
from .asking import cannot_tell, fails, passes
from .builders import changed, entry, store, with_entry


def test_a_replica_with_other_content() -> None:
    evidence = builders.completed()
    evidence.replica = changed(store(), "photos/.hidden", sha256="0" * 64)
    fails(replica, evidence, "the replica is not the frozen store", "changed: photos/.hidden")


def test_a_replica_with_objects_that_nobody_stored() -> None:
    evidence = builders.completed()
    evidence.replica = with_entry(store(), entry("photos/ghost"))
    fails(replica, evidence, "extra: photos/ghost")


def test_a_replica_that_nobody_read() -> None:
    evidence = builders.completed()
    evidence.replica = None
    cannot_tell(replica, evidence, "no manifest of the replica")


def test_nothing_to_compare_the_replica_with() -> None:
    evidence = builders.completed()
    evidence.frozen = None
    cannot_tell(replica, evidence, "frozen")


def test_without_a_move_there_is_no_replica() -> None:
    passes(replica, builders.rolled_back())
