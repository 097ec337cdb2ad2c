"""The rendered configuration leaves every choice to a person, and is included once."""

from __future__ import annotations

import pytest

from harness.systems.drbd.config import Peer, Resource, render, with_include
from harness.systems.drbd.dialect import DIALECT_83, DIALECT_84, Dialect

PAIR = (Peer("walrus00", "10.0.0.10", "/dev/sdb"), Peer("walrus01", "10.0.0.11", "/dev/sdb"))
RESOURCE = Resource("r0", "/dev/drbd1", 7789, "40M", PAIR)


@pytest.mark.parametrize("dialect", [DIALECT_83, DIALECT_84], ids=lambda dialect: dialect.name)
def test_no_side_discards_its_data_by_itself(dialect: Dialect) -> None:
    text = render(RESOURCE, dialect)
    assert text.count("disconnect;") == 3
    assert "discard" not in text
    assert "handlers" not in text


def test_the_include_is_there_exactly_once() -> None:
    once = with_include('include "drbd.d/global_common.conf";\n', "/etc/eucalyptus/drbd.conf")
    assert once.count("/etc/eucalyptus/drbd.conf") == 1
    assert with_include(once, "/etc/eucalyptus/drbd.conf") == once
    assert with_include("", "/etc/eucalyptus/drbd.conf") == 'include "/etc/eucalyptus/drbd.conf";\n'
