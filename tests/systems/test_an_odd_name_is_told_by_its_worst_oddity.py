"""Most names are plain, and told so at one look; that look never overlooks what is odd."""

from __future__ import annotations

import pytest

from harness.systems import layout

BYTES = [bytes([number]) for number in range(256)]


@pytest.mark.parametrize("at_top", [False, True])
def test_a_plain_name_is_none_of_the_odd_ones(at_top: bool) -> None:
    for name in (one for byte in BYTES for one in (byte, b"a" + byte, b"a" + byte + b"b")):
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
