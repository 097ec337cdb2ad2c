"""Every mistake in an inventory is said at once, with file, line, column and what to write instead."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from pydantic import BaseModel, ValidationError

from harness.errors import InvalidInput
from harness.inventory import Settings, load
from harness.inventory_groups import HostMigrate, HostVariables
from tests import mistakes

GOLDEN = Path(__file__).parent / "golden" / "inventory" / "mistakes.txt"
GOOD = """\
all:
  vars:
    ansible_user: root
    migrate: {staging: /newlocation}
original:
  hosts:
    walrus00:
      ansible_host: 10.0.0.1
additional:
  hosts:
    walrus01:
      ansible_host: 10.0.0.2
clc:
  hosts:
    clc00:
      ansible_host: 10.0.0.3
"""


def said(tmp_path: Path, text: str) -> list[str]:
    return mistakes.said(load, tmp_path / "site.yml", text)


def test_the_example_that_all_mistakes_are_made_in_is_good(tmp_path: Path) -> None:
    assert said(tmp_path, GOOD) == []


@pytest.mark.parametrize("mistake", mistakes.cases(GOLDEN))
def test_a_mistake_is_said_at_its_place(tmp_path: Path, mistake: mistakes.Mistake) -> None:
    assert said(tmp_path, mistake.made_in(GOOD)) == mistake.expected


def test_two_names_for_this_machine_are_found(tmp_path: Path) -> None:
    local = "      ansible_connection: local\n      migrate: {{address: 10.0.0.{}}}\n"
    text = GOOD.replace("      ansible_host: 10.0.0.1\n", local.format(1))
    text = text.replace("      ansible_host: 10.0.0.2\n", local.format(2))
    assert said(tmp_path, text) == [
        "13:27: walrus01 and walrus00 have the same connection, local (two names must be two machines)"
    ]


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("ansible_user: root", "ansible_user: ro ot").replace("/newlocation", "new location")
    text = text.replace("10.0.0.3", "10.0.0.300").replace("    walrus01:\n", "    walrus_01:\n")
    assert [line.split(": ")[0] for line in said(tmp_path, text)] == ["3:19", "4:24", "11:5", "16:21"]


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"none.yml:1:1: no such file"):
        load(tmp_path / "none.yml")


HOSTILE = [
    *(
        "; touch /tmp/x",
        "$(id)",
        "`id`",
        "a b",
        "a'b",
        'a"b',
        "a\\b",
        "a\nb",
        "a\tb",
        "a;b",
        "a&b",
        "a|b",
        "a>b",
        "a<b",
    ),
    *("a*b", "a?b", "a#b", "a!b", "a%b", "a{b", "a}b", "a(b", "a)b", "a[b", "a]b", "a$b", "a^b", "a~b", "é", "a\x07b"),
    *("a\x00b", "a\x1b[31mb", "a\u202eb", "a\u00a0b", "-oProxyCommand=id", "--", "-", "", " ", ".", "..", "/", "../x"),
    *("r0 { } resource x {", '};{"#', 'include "/etc/shadow"', "handlers {", "x\n/dev/sda / ext4", "/dev/sdb /x ext4"),
    *("fe80::1%eth0", "fe80::1%x;y", "10.0.0.1/8", "a" * 300, "/" * 300, "/a//b", "/a/./b", "/a/../b", "/a/", "/a/-rf"),
    *("/a b", "/a'b", '/a"b', "/a\\b", "/a\nb", "/a$b", "/a`b", "/a;b", "/a{b", "/a}b", "/a#b", "/a%b", "/a,b", "/a*b"),
    *("/dev/../etc", "/dev/", "/dev/drbd1 ", "/dev/drbd01", "/dev/drbd99999999", "/dev/drbd1;", "/dev/drbd-1", "all "),
]
FIELDS: list[tuple[type[BaseModel], str]] = [
    *((Settings, name) for name in ("store", "staging", "device", "sync_rate", "service", "partition", "component")),
    *((Settings, name) for name in ("resource", "filesystem", "first_sync", "strategy")),
    *((HostMigrate, name) for name in ("backing_device", "address", "replication_address", "uname")),
    *((HostVariables, name) for name in ("ansible_host", "ansible_user", "ansible_become_user", "ansible_connection")),
]


def taken(model: type[BaseModel], field: str, payloads: list[str]) -> list[str]:
    """Those of the payloads that the field accepts."""
    found = []
    for payload in payloads:
        with contextlib.suppress(ValidationError):
            model.model_validate({field: payload})
            found.append(payload)
    return found


@pytest.mark.parametrize(("model", "field"), FIELDS, ids=[field for _, field in FIELDS])
def test_no_hostile_value_passes_any_field(model: type[BaseModel], field: str) -> None:
    assert taken(model, field, HOSTILE) == []


def test_no_hostile_path_of_a_file_passes() -> None:
    harmless = ["/dev/drbd01", "/dev/drbd99999999", "/dev/drbd-1"]  # odd as devices, plain as files
    assert taken(Settings, "drbd_conf", HOSTILE) == harmless
    assert taken(Settings, "eucarc", HOSTILE) == harmless
    assert taken(HostMigrate, "known_hosts", HOSTILE) == ["/a,b", *harmless]


@pytest.mark.parametrize("payload", ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "10.0.0.256", "1", "localhost"])
def test_what_is_not_the_address_of_one_host_is_refused(payload: str) -> None:
    with pytest.raises(ValidationError):
        HostMigrate.model_validate({"address": payload})


@pytest.mark.parametrize(
    "text",
    [
        *(
            "evil",
            "-o ProxyJump=a evil",
            "-- evil",
            "-l root",
            "-p 22",
            "-v",
            "-N",
            "-f",
            "-t",
            "-w 0:0",
            "-L 1:a:2",
            "-R 1",
        ),
        *(
            "-D 1",
            "-W a:1",
            "-S /tmp/s",
            "-M",
            "-O exit",
            "-E /tmp/log",
            "-i",
            "-o",
            "-o ''",
            "-o =",
            "-oUserKnownHostsFile=x",
        ),
        *(
            "-o stricthostkeychecking=accept-new",
            "-o 'StrictHostKeyChecking no'",
            "-oControlPath=/tmp/x",
            "-o HostName=b",
        ),
        *("-o RemoteCommand=id", "-o BatchMode=no", "-4v", "-o 'A B\nHostName x'", "'-o", "-o LogLevel=QUIET", "-"),
    ],
)
def test_ssh_options_that_would_change_the_connection_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        HostVariables.model_validate({"ansible_ssh_common_args": text})


def test_no_hostile_host_name_passes(tmp_path: Path) -> None:
    for payload in HOSTILE:
        quoted = "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in payload)
        assert said(tmp_path, GOOD.replace("    walrus00:\n", f'    "{quoted}":\n')), payload


@given(
    text=mistakes.jumbles(GOOD, "  - x", "    migrate: [1]", "  vars: 3", "all: {children: {all: }}", "x: &a {b: *a}")
)
def test_any_file_gives_an_inventory_or_invalid_input(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    said(tmp_path_factory.getbasetemp(), text)


@given(text=mistakes.small_changes(GOOD))
def test_any_small_change_gives_an_inventory_or_invalid_input(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    said(tmp_path_factory.getbasetemp(), text)
