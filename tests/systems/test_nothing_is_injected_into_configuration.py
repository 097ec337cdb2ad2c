"""Whatever an inventory may hold, drbd.conf has the sections that we wrote and fstab the one line, and no more."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.inventory import Settings
from harness.inventory_groups import HostMigrate
from harness.systems.drbd.config import Peer, Resource, render
from harness.systems.drbd.dialect import DIALECTS, Dialect
from harness.systems.mounts import fstab_with, parse_fstab

SECTIONS = {"8.4": ["resource", "disk", "net", "on", "on"], "8.3": ["resource", "syncer", "net", "on", "on"]}
_PARTS = [*"r0/{};\"#\\\n\t '$`|&<>*-_.:", "include", "handlers {", "on"]
hostile = st.lists(st.sampled_from(_PARTS), max_size=12).map("".join)


def sections(text: str) -> list[str]:
    """The words in front of braces, as DRBD's grammar has them: quotes and comments looked through."""
    bare = re.sub(r'"[^"\n]*"|#[^\n]*', "", text)
    return re.findall(r"(\w+)[^{};]*\{", bare)


@settings(max_examples=300, deadline=None)
@given(resource=hostile, uname=hostile, disk=hostile, device=hostile)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda one: one.name)
def test_what_the_inventory_takes_stays_a_word(
    dialect: Dialect, resource: str, uname: str, disk: str, device: str
) -> None:
    try:
        taken = Settings(resource=resource or "r0", device=f"/dev/drbd{device}" if device.isdigit() else "/dev/drbd1")
        host = HostMigrate(uname=uname or "walrus00", backing_device=f"/dev/{disk}")
    except ValidationError:
        return
    assert host.uname is not None
    peers = (Peer(host.uname, "10.0.0.1", host.backing_device), Peer("walrus01", "10.0.0.2", "/dev/sdb"))
    text = render(Resource(taken.resource, taken.device, taken.port, taken.sync_rate, peers), dialect)
    assert sections(text) == SECTIONS[dialect.name]
    assert "handlers" not in sections(text)
    assert not re.search(r"^\s*include", text, re.MULTILINE)


@settings(max_examples=300, deadline=None)
@given(store=hostile)
def test_fstab_gets_one_line(store: str) -> None:
    try:
        taken = Settings(store=f"/{store}")
    except ValidationError:
        return
    before = "/dev/sda1 / ext4 defaults 1 1\n"
    found = parse_fstab(fstab_with(before, taken.device, taken.store, taken.filesystem))
    assert [(line.device, line.at) for line in found] == [("/dev/sda1", "/"), (taken.device, taken.store)]


def test_an_unquoted_word_would_be_found_out() -> None:
    """The test above is no ornament: a resource name that is not kept from being a section is counted as one."""
    peers = (Peer("a", "10.0.0.1", "/dev/sdb"), Peer("b", "10.0.0.2", "/dev/sdb"))
    text = render(Resource("r0 { } resource", "/dev/drbd1; } handlers {", 7789, "40M", peers), DIALECTS["8.4"])
    assert "handlers" in sections(text)
