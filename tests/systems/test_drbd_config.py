"""The rendered configuration is what drbd-utils' own parsers accept, in each generation."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.hosts.command import Command, Effect
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


def _commands(dialect: Dialect) -> list[Command]:
    return [
        dialect.command("create-md", "r0", Effect.DESTROY),
        dialect.force_primary("r0"),
        dialect.skip_first_sync("r0"),
        dialect.wipe_metadata("r0"),
        *(dialect.command(word, "r0", Effect.WRITE) for word in ("primary", "secondary", "connect", "down")),
    ]


@pytest.mark.parametrize("dialect", [DIALECT_83, DIALECT_84], ids=lambda dialect: dialect.name)
def test_drbd_utils_accept_every_call_that_is_made(dialect: Dialect, tmp_path: Path) -> None:
    parser = PARSERS[dialect]
    if not parser.exists():
        pytest.skip(f"{parser} is not installed (Debian's drbd-utils)")
    path = tmp_path / "r0.conf"
    here = Peer(os.uname().nodename, "10.0.0.10", "/dev/sdb")
    path.write_text(render(Resource("r0", "/dev/drbd1", 7789, "40M", (here, PAIR[1])), dialect))
    for command in _commands(dialect):
        argv = [str(parser), "-c", str(path), "-d", *command.argv[1:]]
        said = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
        assert (said.returncode, said.stderr) == (0, ""), command
        # What drbdadm would run carries the option that makes the difference.
        for option in (word for word in command.argv if word.startswith("--") and word != "--"):
            assert option in said.stdout or (option == "--force" and "--overwrite" in said.stdout), said.stdout
