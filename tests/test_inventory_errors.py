"""Every mistake in an inventory is said at once, with file, line, column and what to write instead."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from harness.errors import InvalidInput
from harness.inventory import Settings, load
from harness.inventory_groups import HostMigrate, HostVariables

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
    """The problems of an inventory, each as line:column: message (suggestion)."""
    path = tmp_path / "site.yml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load(path)
    except InvalidInput as invalid:
        return [str(problem).removeprefix(f"{path}:") for problem in invalid.problems]
    return []


def test_the_example_that_all_mistakes_are_made_in_is_good(tmp_path: Path) -> None:
    assert said(tmp_path, GOOD) == []


MISTAKES: dict[str, tuple[str, str, list[str]]] = {
    "unknown variable": (
        "    ansible_user: root",
        "    ansible_usr: root",
        ["3:5: unknown variable 'ansible_usr' (did you mean 'ansible_user'?)"],
    ),
    "ours outside of migrate": (
        "    ansible_user: root",
        "    staging: /x",
        ["3:5: unknown variable 'staging' (it belongs under migrate:)"],
    ),
    "unknown setting": (
        "{staging: /newlocation}",
        "{stagin: /x}",
        ["4:15: unknown key 'stagin' (did you mean 'staging'?)"],
    ),
    "unknown setting inside": (
        "{staging: /newlocation}",
        "{waits: {stal: 3}}",
        ["4:23: unknown key 'stal' (did you mean 'stall'?)"],
    ),
    "unknown key of a group": (
        "additional:\n  hosts:",
        "additional:\n  host:",
        [
            "9:1: no host in the group 'additional' (add  additional: {hosts: {NAME: {ansible_host: ADDRESS}}})",
            "10:3: unknown key 'host' in a group (did you mean 'hosts'?)",
        ],
    ),
    "duplicate key": (
        "    ansible_user: root",
        "    ansible_user: root\n    ansible_user: root",
        ["4:5: key 'ansible_user' stands here a second time; the first is in line 3 (keep one of the two)"],
    ),
    "same host twice in a group": (
        "    walrus01:\n      ansible_host: 10.0.0.2",
        "    walrus01: {ansible_host: 10.0.0.2}\n    walrus01: {ansible_host: 10.0.0.1}",
        ["12:5: key 'walrus01' stands here a second time; the first is in line 11 (keep one of the two)"],
    ),
    "same host in both walrus groups": (
        "    walrus01:\n      ansible_host: 10.0.0.2",
        "    walrus00:",
        ["11:5: walrus00 stands in 'original' and in 'additional' (name two hosts)"],
    ),
    "cloud controller on a walrus": (
        "    clc00:\n      ansible_host: 10.0.0.3",
        "    walrus00:",
        [
            "15:5: walrus00 is a Walrus and the cloud controller: that is not supported yet "
            "(the cloud controller has to be a host of its own)"
        ],
    ),
    "two hosts in one role": (
        "    walrus01:\n",
        "    spare: {ansible_host: 10.0.0.9}\n    walrus01:\n",
        ["12:5: a second host in the group 'additional', which takes exactly one (keep spare or walrus01)"],
    ),
    "host without a role": (
        "clc:\n",
        "nodes: {hosts: {node00: }}\nclc:\n",
        ["13:17: node00 has no part in the move (put it into original, additional or clc, or leave it out)"],
    ),
    "group misspelt": (
        "original:",
        "orignal:",
        [
            "1:1: no host in the group 'original' (did you mean 'orignal'?)",
            "7:5: walrus00 has no part in the move (put it into original, additional or clc, or leave it out)",
        ],
    ),
    "same address under two names": (
        "10.0.0.2",
        "10.0.0.1",
        [
            f"12:21: walrus01 and walrus00 have the same {what} (two names must be two machines)"
            for what in ("address and port for ssh, 10.0.0.1:22", "address for DRBD, 10.0.0.1", "address, 10.0.0.1")
        ],
    ),
    "same uname under two names": (
        "ansible_host: 10.0.0.2",
        "ansible_host: 10.0.0.2\n      migrate: {uname: walrus00}",
        ["13:24: walrus01 and walrus00 have the same uname, walrus00 (two names must be two machines)"],
    ),
    "wrong type": (
        "ansible_user: root",
        'ansible_port: "22"',
        ["3:19: expected a whole number, found the text '22' (write 22 without quotes)"],
    ),
    "yaml 1.1": (
        "ansible_user: root",
        "ansible_become: yes",
        ['3:21: yes is true or false in YAML 1.1 and text in 1.2 (write true or false, or "yes" in quotes for text)'],
    ),
    "port out of range": (
        "ansible_user: root",
        "ansible_port: 65536",
        ["3:19: expected at most 65535, found the number 65536"],
    ),
    "hosts as a list": (
        "    clc00:\n      ansible_host: 10.0.0.3",
        "    - clc00",
        [
            "13:1: no host in the group 'clc' (add  clc: {hosts: {NAME: {ansible_host: ADDRESS}}})",
            "15:5: expected a map of hosts, each name followed by a colon, found a list",
        ],
    ),
    "range": (
        "    clc00:\n",
        "    clc[00:01]:\n",
        ["15:5: ranges such as 'clc[00:01]' are not expanded (name each host)"],
    ),
    "host name that is an address": (
        "    clc00:\n",
        "    10.0.0.3:\n",
        [
            "15:5: '10.0.0.3' looks like an address, not like a host name "
            "(name it as uname -n prints it, and put its address into ansible_host)"
        ],
    ),
    "template": (
        "ansible_host: 10.0.0.3",
        "ansible_host: '{{ clc }}'",
        ["16:21: templates are not evaluated here (write the value itself)"],
    ),
    "vault": (
        "ansible_host: 10.0.0.3",
        "ansible_host: !vault |\n        6162",
        [
            "16:21: encrypted values (!vault) are not read "
            "(secrets do not belong here: use an ssh key or agent, and passwordless sudo)"
        ],
    ),
    "password": (
        "ansible_user: root",
        "ansible_become_password: secret",
        [
            "3:5: ansible_become_password: passwords do not belong in a file "
            "(use an ssh key or agent, and sudo without a password)"
        ],
    ),
    "docker": (
        "ansible_host: 10.0.0.3",
        "ansible_host: 10.0.0.3\n      ansible_connection: docker",
        [
            "17:27: the docker connection is not supported (run sshd in the container and reach it by ssh)",
        ],
    ),
    "become method": (
        "ansible_user: root",
        "ansible_become_method: su",
        ["3:28: expected sudo, found the text 'su'"],
    ),
    "no address": (
        "ansible_host: 10.0.0.3",
        "ansible_host: clc.example.com",
        [
            "15:5: no IP address of clc00: other hosts and the cloud controller need one "
            "(add  migrate: {address: 10.0.0.5})"
        ],
    ),
    "missing key file": (
        "ansible_user: root",
        "ansible_ssh_private_key_file: /nowhere/key",
        ["3:35: /nowhere/key is no file on this machine (look for a typing error)"],
    ),
    "missing known_hosts": (
        "{staging: /newlocation}",
        "{known_hosts: /nowhere/known_hosts}",
        ["4:28: /nowhere/known_hosts is no file on this machine (look for a typing error)"],
    ),
    "setting at a host": (
        "ansible_host: 10.0.0.3",
        "ansible_host: 10.0.0.3\n      migrate: {port: 1}",
        ["17:17: port is a setting of the whole move, not of one host (move it to vars: of the group all)"],
    ),
    "setting that differs between groups": (
        "clc:\n",
        "clc:\n  vars: {migrate: {staging: /elsewhere}}\n",
        ["14:20: staging has another value in line 4, and neither place outweighs the other (say it once)"],
    ),
    "two groups of the same depth": (
        "clc:\n",
        "one: {hosts: {walrus01: }, vars: {ansible_port: 22}}\n"
        "two: {hosts: {walrus01: }, vars: {ansible_port: 23}}\nclc:\n",
        ["14:35: ansible_port has another value in line 13, and neither place outweighs the other (say it once)"],
    ),
    "group in itself": (
        "clc:\n",
        "clc:\n  children: {clc: }\n",
        ["13:1: the group 'clc' contains itself (break the circle)"],
    ),
    "staging inside the store": (
        "/newlocation",
        "/var/lib/eucalyptus/bukkits/new",
        [
            "4:24: /var/lib/eucalyptus/bukkits/new is inside /var/lib/eucalyptus/bukkits "
            "(keep the staging area apart from the store)"
        ],
    ),
    "staging where the old store goes": (
        "/newlocation",
        "/var/lib/eucalyptus/bukkits.before-ha",
        [
            "4:24: /var/lib/eucalyptus/bukkits.before-ha is the same as /var/lib/eucalyptus/bukkits.before-ha "
            "(keep the staging area apart from the store)"
        ],
    ),
    "store that belongs to the system": (
        "{staging: /newlocation}",
        "{store: /var/lib}",
        ["4:22: /var/lib belongs to the system (name a directory of its own, such as /newlocation)"],
    ),
    "path not in its shortest form": (
        "/newlocation",
        "/new/../location/",
        ["4:24: '/new/../location/' is not in its shortest form (write /location)"],
    ),
    "relative path": (
        "/newlocation",
        "newlocation",
        ["4:24: 'newlocation' is not an absolute path (begin with /, such as /newlocation)"],
    ),
    "device that is none of DRBD": (
        "{staging: /newlocation}",
        "{device: /dev/drbd/by-res/r0}",
        ["4:23: '/dev/drbd/by-res/r0' is no DRBD device (write /dev/drbd and its minor number, such as /dev/drbd1)"],
    ),
    "DRBD under DRBD": (
        "{staging: /newlocation}",
        "{backing_device: /dev/drbd1}",
        ["4:31: /dev/drbd1 is a DRBD device (name the disk or partition under it, such as /dev/sdb)"],
    ),
    "all resources": (
        "{staging: /newlocation}",
        "{resource: all}",
        ["4:25: 'all' means every resource to drbdadm (choose a name such as r0)"],
    ),
    "choice": (
        "{staging: /newlocation}",
        "{filesystem: ext5}",
        ["4:27: 'ext5' is not known here (did you mean 'ext4'?)"],
    ),
    "probe that reads nothing": (
        "{staging: /newlocation}",
        "{service_probe: {command: [curl, -f]}}",
        ["4:40: the command does not say which object to read (put {url} where the address belongs)"],
    ),
    "rate": (
        "{staging: /newlocation}",
        "{sync_rate: 40MiB}",
        ["4:26: '40MiB' is no rate in DRBD's notation (bytes a second with K, M or G, such as 40M)"],
    ),
    "ssh argument that is no option": (
        "ansible_user: root",
        "ansible_ssh_common_args: evil.example.com",
        ["3:30: 'evil.example.com' is not an option (ssh would take it for a host or a command)"],
    ),
    "ssh option that stops checking keys": (
        "ansible_user: root",
        "ansible_ssh_extra_args: -o StrictHostKeyChecking=no",
        [
            "3:29: StrictHostKeyChecking cannot be set here "
            "(host keys are always checked; use known_hosts under migrate)"
        ],
    ),
    "open quote in ssh arguments": (
        "ansible_user: root",
        'ansible_ssh_extra_args: -o "ProxyCommand=x',
        ["3:29: this cannot be split into arguments: No closing quotation (close every quote)"],
    ),
    "not a map": (GOOD, "just text\n", ["1:1: expected a map of groups of hosts, found the text 'just text'"]),
    "ini": (
        GOOD,
        "# hosts\n[original]\nwalrus00 ansible_host=10.0.0.1\n",
        ["2:1: an inventory in INI form; only YAML is read (convert it with ansible-inventory --list --yaml)"],
    ),
    "script": (
        GOOD,
        "#!/usr/bin/env python3\nprint('{}')\n",
        ["1:1: inventory scripts are not run (give its output as a YAML file)"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_said_at_its_place(tmp_path: Path, name: str) -> None:
    before, after, expected = MISTAKES[name]
    assert before in GOOD
    assert said(tmp_path, GOOD.replace(before, after, 1)) == expected


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


_LINES = GOOD.splitlines()
_PIECES = st.sampled_from(
    [*_LINES, "  - x", "    migrate: [1]", "  vars: 3", "all: {children: {all: }}", "x: &a {b: *a}"]
)


@given(st.lists(_PIECES | st.text(max_size=30), max_size=20))
def test_any_file_gives_an_inventory_or_invalid_input(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    said(tmp_path_factory.getbasetemp(), "\n".join(lines))


@given(st.data())
def test_any_small_change_gives_an_inventory_or_invalid_input(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(GOOD)))
    gone = data.draw(st.integers(0, 12))
    new = data.draw(st.text(alphabet=":-{}[]&*!|>'\"#,\n abc019.", max_size=6))
    said(tmp_path_factory.getbasetemp(), GOOD[:at] + new + GOOD[at + gone :])
