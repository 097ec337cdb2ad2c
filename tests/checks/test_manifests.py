"""Two stores are equal only when every entry is, in every property; only what Walrus does to the root is excused."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks.finding import Unknown
from harness.checks.manifests import differences, lines, require, require_frozen
from harness.evidence import Manifest

from .builders import HOSTILE, changed, entry, store, with_entry, without

OTHER_HASH = "0" * 64


def test_a_store_equals_itself() -> None:
    assert differences(store(), store()) == []


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        ("photos/a", {"size": 3}, "size 22 -> 3"),
        ("photos/a", {"sha256": OTHER_HASH}, "-> 000000000000"),
        ("photos/a", {"sha256": None}, "-> unread"),
        ("photos/a", {"mode": 0o4644}, "mode 0644 -> 4644"),
        ("photos/a", {"uid": 0}, "owner 498:498 -> 0:498"),
        ("photos/a", {"gid": 0}, "owner 498:498 -> 498:0"),
        ("photos/a", {"mtime_ns": 1_356_998_401_000_000_000}, "time 1356998400123456789 -> 1356998401000000000 ns"),
        ("photos/a", {"mtime_ns": 1_356_998_400_123_456_000}, "time 1356998400123456789 -> 1356998400123456000 ns"),
        ("photos/b", {"same_as": None}, "linked with photos/a -> nothing"),
        ("photos/a", {"xattrs": {"user.etag": "6263"}}, "extended attributes user.etag"),
        ("photos/a", {"xattrs": {}}, "extended attributes user.etag"),
        ("photos/link", {"target": "b"}, "target a -> b"),
        ("photos/link", {"kind": "file"}, "kind symlink -> file"),
        ("photos", {"mode": 0o700}, "mode 0755 -> 0700"),
        ("photos", {"mtime_ns": 0}, "-> 0 ns"),
    ],
)
def test_every_property_of_an_entry_counts(path: str, change: dict[str, Any], said: str) -> None:
    found = differences(store(), changed(store(), path, **change))
    assert len(found) == 1
    assert found[0].startswith(f"changed: {path} (")
    assert said in found[0]


def test_missing_and_extra_entries_are_named() -> None:
    found = with_entry(without(store(), "photos/.hidden"), entry("photos/new"))
    assert differences(store(), found) == ["missing: photos/.hidden", "extra: photos/new"]


def test_a_hostile_name_is_shown_without_moving_the_terminal() -> None:
    assert differences(store(), without(store(), HOSTILE)) == ["missing: photos/\\x1b[2Jn\\nl\\xff"]


def test_the_size_of_a_directory_is_the_file_systems_affair() -> None:
    assert differences(store(), changed(store(), "photos", size=12288)) == []


# What Walrus may do to the root, and what not


def test_walrus_may_take_the_root_for_itself() -> None:
    frozen = changed(store(), ".", uid=0, gid=0, mode=0o755)
    assert differences(frozen, changed(store(), ".", mtime_ns=5)) == []


def test_a_copy_may_keep_whole_seconds_only() -> None:
    """rsync 3.0 carries no fractions of a second, and ext3 of its time holds none."""
    assert differences(store(), changed(store(), "photos/a", mtime_ns=1_356_998_400_000_000_000)) == []


@pytest.mark.parametrize("change", [{"uid": 0, "gid": 0}, {"mode": 0o777}, {"xattrs": {"user.x": "00"}}])
def test_nobody_else_may_change_the_root(change: dict[str, Any]) -> None:
    assert len(differences(store(), changed(store(), ".", **change))) == 1


def test_a_store_that_is_gone_lacks_everything() -> None:
    assert len(differences(store(), Manifest([]))) == len(store().entries)


def test_lost_found_comes_with_the_file_system() -> None:
    made = entry("lost+found", "directory", uid=0, gid=0, mode=0o700)
    assert differences(store(), with_entry(store(), made)) == []
    assert differences(with_entry(store(), made), store()) == []


def test_what_lies_in_lost_found_is_not_excused() -> None:
    made = entry("lost+found", "directory")
    assert differences(store(), with_entry(store(), made, entry("lost+found/#12"))) == ["extra: lost+found/#12"]


def test_lost_found_further_down_is_not_excused() -> None:
    assert differences(store(), with_entry(store(), entry("photos/lost+found", "directory"))) != []


def test_an_object_called_lost_found_is_not_excused() -> None:
    assert differences(store(), with_entry(store(), entry("lost+found"))) == ["extra: lost+found"]


# Saying it


def test_a_finding_sums_up_and_names_the_first_ten() -> None:
    frozen = with_entry(store(), *(entry(f"photos/many-{number:02}") for number in range(25)))
    said = list(lines("the replica", differences(frozen, store())))
    assert said[0] == "the replica is not the frozen store: 25 missing; first missing: photos/many-00"
    assert said[1:11] == [f"the replica: missing: photos/many-{number:02}" for number in range(10)]
    assert said[11:] == ["the replica: 15 more missing"]


def test_ten_are_named_without_a_rest() -> None:
    said = list(lines("the replica", [f"extra: {number}" for number in range(10)]))
    assert said[-1] == "the replica: extra: 9"


def test_equal_stores_leave_nothing_to_say() -> None:
    assert list(lines("the replica", [])) == []


# Manifests that cannot be judged with


def test_a_manifest_that_is_missing_or_was_not_read_is_unknown() -> None:
    with pytest.raises(Unknown, match="no manifest of the replica"):
        require(None, "the replica")
    with pytest.raises(Unknown, match="could not be read: Input/output error"):
        require(Manifest([], error="Input/output error"), "the replica")


def test_a_frozen_manifest_must_hold_its_root_and_every_hash() -> None:
    with pytest.raises(Unknown, match="root"):
        require_frozen(Manifest([]))
    with pytest.raises(Unknown, match="no hash of photos/a"):
        require_frozen(changed(store(), "photos/a", sha256=None))
