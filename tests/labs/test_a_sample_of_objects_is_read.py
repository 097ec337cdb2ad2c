"""A lab reads objects from all over the store, and sets down what came beside what should have come."""

from __future__ import annotations

from harness.evidence import Entry, Manifest, ObjectRead
from harness.labs.reading import SAMPLE, read_sample


def _object(path: str, size: int = 7) -> Entry:
    return Entry(path, "file", size, 0o644, 498, 498, 0, sha256=f"digest of {path}")


def _directory(path: str) -> Entry:
    return Entry(path, "directory", 4096, 0o755, 498, 498, 0)


def _keys(manifest: Manifest) -> list[str]:
    reads = read_sample("before", manifest, lambda: 0.0, lambda keys: [(200, None)] * len(keys))
    return [read.key for read in reads]


def test_only_what_a_client_can_ask_for() -> None:
    entries = [_directory("."), _object("stray"), _directory("b"), _object("b/empty", 0), _object("b/dir/deep")]
    assert _keys(Manifest([*entries, _object("b/object")])) == ["b/object"]


def test_from_all_over_the_store() -> None:
    assert SAMPLE == 5
    many = Manifest([_object(f"b/{number:02}") for number in range(52)])
    assert _keys(many) == ["b/00", "b/10", "b/20", "b/30", "b/40"]
    assert _keys(Manifest([_object("b/1"), _object("b/2")])) == ["b/1", "b/2"]
    assert _keys(Manifest([])) == []


def test_a_name_is_bytes() -> None:
    assert _keys(Manifest([_object("b/caf\xe9 \n?")])) == ["b/caf%E9%20%0A%3F"]


def test_each_answer_stands_beside_what_was_expected() -> None:
    manifest = Manifest([_object("b/1"), _object("b/2")])
    answers = {"b/1": (200, "digest of another"), "b/2": (0, None)}
    reads = read_sample("after", manifest, lambda: 3.0, lambda keys: [answers[key] for key in keys])
    assert reads == [
        ObjectRead(3.0, "after", "b/1", 200, "digest of another", "digest of b/1"),
        ObjectRead(3.0, "after", "b/2", 0, None, "digest of b/2"),
    ]
