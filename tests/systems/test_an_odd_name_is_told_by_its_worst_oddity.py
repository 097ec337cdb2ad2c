"""Most names are plain, and told so at one look; that look never overlooks what is odd."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.systems import layout

NAMES = st.binary(min_size=1, max_size=12) | st.text("ab.-_ é\\*\n", min_size=1, max_size=8).map(str.encode)


@given(NAMES, st.booleans())
def test_a_plain_name_is_none_of_the_odd_ones(name: bytes, at_top: bool) -> None:
    kinds = [kind for kind, so in layout._ODD.items() if so(name, at_top)]
    assert layout.odd_name(name, at_top) == next(iter(kinds), None)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (b"a" * 200, None),
        (b"a" * 201, "long"),
        (b".a", "dot-at-top"),
        (b"a\n", "control"),
        (b"-a\\", "dash"),
        (b"\xff-", "not-utf8"),
        (b"a b", None),
        (b" a$", "blank"),
        (b"a~", "shell"),
        ("é".encode(), "beyond-ascii"),
    ],
)
def test_the_worst_oddity_counts(name: bytes, kind: str | None) -> None:
    assert layout.odd_name(name, at_top=True) == kind
