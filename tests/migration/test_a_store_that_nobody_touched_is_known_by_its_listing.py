"""An engine that comes back to a store as it was frozen need not read the manifest; any touch, and it compares."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.errors import JournalDamaged
from harness.hosts.host import Host
from harness.migration.journal import Journal
from harness.migration.site import Site, readable
from harness.migration.step import Blocked, Satisfied
from harness.migration.steps.freeze import FreezeManifest
from tests.bench import here

Again = Callable[[], Site[Host]]


@pytest.fixture
def again(tmp_path: Path) -> Iterator[Again]:
    """A store that was frozen, and an engine that comes back to it."""
    (tmp_path / "store" / "bucket").mkdir(parents=True)
    (tmp_path / "store" / "bucket" / "object").write_bytes(b"content")
    with Journal.open(tmp_path / "run") as journal:
        FreezeManifest().apply(here.site_in(tmp_path, journal))
    with Journal.open(tmp_path / "run") as journal:
        yield lambda: here.site_in(tmp_path, journal, 2)


def test_what_was_not_touched_is_satisfied_without_the_manifest(again: Again) -> None:
    site = again()
    assert isinstance(FreezeManifest().inspect(readable(site)), Satisfied)
    assert site.memory._loaded is None


def test_a_touch_that_changes_nothing_is_compared_and_forgiven(again: Again, tmp_path: Path) -> None:
    touched = tmp_path / "store" / "bucket" / "object"
    before = touched.stat()
    os.utime(touched, ns=(before.st_atime_ns, before.st_mtime_ns))  # the change time alone moves
    site = again()
    assert isinstance(FreezeManifest().inspect(readable(site)), Satisfied)
    assert site.memory._loaded is not None


def test_a_change_is_blocked_and_named(again: Again, tmp_path: Path) -> None:
    (tmp_path / "store" / "bucket" / "object").write_bytes(b"longer content")
    state = FreezeManifest().inspect(readable(again()))
    assert isinstance(state, Blocked)
    assert "bucket/object: size is 14, expected 7" in str(state)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"[]\n")], ids=["gone", "another"])
def test_a_manifest_that_is_not_whole_is_no_reason_to_be_satisfied(
    again: Again, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    damage(tmp_path / "run" / "frozen.manifest")
    with pytest.raises(JournalDamaged, match=r"frozen\.manifest"):
        FreezeManifest().inspect(readable(again()))
