"""However many entries there are, they come in order, as often as wanted, and two readers do not disturb each other."""

from __future__ import annotations

import itertools
import random

import pytest

from harness.errors import UnexpectedOutput
from harness.systems import comparing, store
from harness.systems.keeping import _HELD, _RUN, in_order


def entry(number: int) -> store.Entry:
    return store.Entry(b"%08d" % number, "file", number, 0o644, 1, 1, f"{number}.5", b"", b"", "a" * 64, (("k", "v"),))


@pytest.mark.parametrize("number", [0, 1, _RUN - 1, _RUN, _RUN + 1, 3 * _RUN + 7])
def test_they_are_sorted(number: int) -> None:
    shuffled = [(b"%d" % value, value, "text") for value in range(number)]
    random.Random(7).shuffle(shuffled)
    assert list(in_order(iter(shuffled))) == sorted(shuffled)


@pytest.mark.parametrize("number", [0, _HELD, _HELD + 1, 3 * _HELD])
def test_they_come_as_often_as_wanted(number: int) -> None:
    made = [entry(one) for one in range(number)]
    kept = store.manifest(iter(made))
    assert len(kept) == number
    assert list(kept) == made == list(kept)
    assert all(one == other for one, other in zip(kept, itertools.islice(kept, number), strict=True))


def test_equal_means_entry_by_entry() -> None:
    made = [entry(one) for one in range(_HELD + 5)]
    assert store.manifest(made) == store.manifest(made)
    assert store.manifest(made) != store.manifest([*made[:-1], made[-1]._replace(sha256="b" * 64)])
    assert store.manifest(made) != store.manifest(made[:-1])


def test_a_single_difference_among_many_is_found() -> None:
    made = [entry(one) for one in range(2 * _HELD)]
    other = [*made[:5000], made[5000]._replace(mode=0o600), *made[5002:], entry(99_999_999)]
    said = comparing.differences(store.manifest(made), store.manifest(other))
    assert [line.split()[0].rstrip(":") for line in said] == ["00005000", "00005001", "99999999"]


def test_a_file_without_hash_is_refused_wherever_it_stands() -> None:
    made = [entry(one) for one in range(10)]
    hashes = [(one.path, "c" * 64) for one in made if one.path != b"00000007"]
    with pytest.raises(UnexpectedOutput, match="no hash for 00000007"):
        list(store.complete(made, hashes, ()))


def test_large_items_are_read_back() -> None:
    """Attributes may be longer than what is read at a time."""
    made = [entry(number) for number in range(_HELD + 3)]
    made[7] = made[7]._replace(xattrs=(("note", "x" * 300_000),))
    assert list(store.manifest(made)) == made
