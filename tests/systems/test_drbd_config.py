"""The rendered configuration is what drbd-utils' own parsers accept, in each generation."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.systems.drbd.config import Peer, Resource, render, with_include
from harness.systems.drbd.dialect import DIALECT_83, DIALECT_84, Dialect

PARSERS = {DIALECT_83: Path("/lib/drbd/drbdadm-83"), DIALECT_84: Path("/lib/drbd/drbdadm-84")}
PAIR = (Peer("walrus00", "10.0.0.10", "/dev/sdb"), Peer("walrus01", "10.0.0.11", "/dev/sdb"))
RESOURCE = Resource("r0", "/dev/drbd1", 7789, "40M", PAIR)


@pytest.mark.parametrize("dialect", [DIALECT_83, DIALECT_84], ids=lambda dialect: dialect.name)
def test_drbd_utils_accept_the_configuration(dialect: Dialect, tmp_path: Path) -> None:
    parser = PARSERS[dialect]
    if not parser.exists():
        pytest.skip(f"{parser} is not installed (Debian's drbd-utils)")
    path = tmp_path / "r0.conf"
    path.write_text(render(RESOURCE, dialect))
    checked = subprocess.run([parser, "-c", path, "sh-nop"], capture_output=True, text=True, timeout=20, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


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
