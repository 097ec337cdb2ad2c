"""A good inventory is read as Ansible would read it, and what is written can be read again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import yamlfile
from harness.hosts.local import LocalConnection
from harness.hosts.ssh import SshConnection
from harness.inventory import Inventory, Node, Settings, Waits, load, render
from harness.inventory_file import ROLES
from harness.inventory_groups import Groups, HostMigrate, HostVariables

GOLDEN = Path(__file__).parent / "golden" / "inventory"

SMALLEST = """\
original:
  hosts:
    walrus00: {ansible_host: 10.0.0.1}
additional:
  hosts:
    walrus01: {ansible_host: 10.0.0.2}
clc:
  hosts:
    clc00: {ansible_host: 10.0.0.3}
"""


def read(tmp_path: Path, text: str) -> Inventory:
    path = tmp_path / "site.yml"
    path.write_text(text)
    return load(path)


def test_the_smallest_inventory_has_the_vendors_defaults(tmp_path: Path) -> None:
    inventory = read(tmp_path, SMALLEST)
    reach = SshConnection("10.0.0.1", port=None, user=None)
    assert inventory.original == Node("walrus00", "original", reach, "10.0.0.1", "walrus00", "/dev/sdb")
    assert inventory.clc.backing_device is None
    assert [node.role for node in inventory.nodes()] == ["original", "additional", "clc"]
    assert inventory.settings == Settings()
    assert inventory.settings.store == "/var/lib/eucalyptus/bukkits"
    assert inventory.source == str(tmp_path / "site.yml")


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    known_hosts, key = tmp_path / "known_hosts", tmp_path / "key"
    known_hosts.touch()
    key.touch()
    inventory = read(
        tmp_path,
        f"""\
all:
  vars:
    ansible_user: admin
    ansible_become: true
    ansible_ssh_private_key_file: {key}
    ansible_ssh_common_args: -o HostKeyAlgorithms=+ssh-rsa -J "bastion,second"
    migrate:
      known_hosts: {known_hosts}
      backing_device: /dev/disk/by-id/wwn-0x5000c500
      first_sync: skip
      waits: {{stall: 30}}
  children:
    walruses:
      children:
        original:
          hosts:
            walrus00:
              ansible_host: walrus00.example.com
              ansible_port: 2222
              migrate: {{address: 10.0.0.1, replication_address: "fd00:0::1", uname: w0, backing_device: /dev/sdc}}
        additional:
          hosts:
            walrus01: {{ansible_host: 10.0.0.2, migrate: {{legacy_ssh: true}}, ansible_ssh_extra_args: "-4"}}
    clc:
      vars:
        migrate: {{eucarc: /root/eucarc}}
      hosts:
        clc00:
          ansible_connection: local
          migrate: {{address: 10.0.0.3}}
""",
    )
    arguments = ("-o", "HostKeyAlgorithms=+ssh-rsa", "-J", "bastion,second")
    reach = SshConnection(
        "walrus00.example.com", 2222, "admin", str(key), str(known_hosts), arguments, (), True, "root", "sudo"
    )
    assert inventory.original == Node("walrus00", "original", reach, "10.0.0.1", "w0", "/dev/sdc", "fd00::1")
    assert inventory.additional.backing_device == "/dev/disk/by-id/wwn-0x5000c500"
    other = replace(reach, address="10.0.0.2", port=None, extra_args=("-4",), legacy=True)
    assert inventory.additional.connection == other
    assert inventory.clc.connection == LocalConnection(become=True)
    assert inventory.settings == Settings(first_sync="skip", eucarc="/root/eucarc", waits=Waits(stall=30))


def test_values_hold_for_the_hosts_that_ansible_says(tmp_path: Path) -> None:
    path = GOLDEN / "precedence.yml"
    document = yamlfile.read(path)
    groups = Groups(document)
    found = {
        host.name: {key: document.get(at) for key, at in groups.variables(host).ansible.items()}
        for host in groups.hosts.values()
    }
    assert found == json.loads((GOLDEN / "precedence.json").read_text())
    assert document.problems == []


def test_a_group_may_stand_in_several_places(tmp_path: Path) -> None:
    inventory = read(tmp_path, "all: {children: {original: {}, additional: null, clc: }}\n" + SMALLEST)
    assert inventory.original.name == "walrus00"


def test_the_original_may_be_the_cloud_controller(tmp_path: Path) -> None:
    both = SMALLEST.split("clc:")[0] + "clc: {hosts: {walrus00: {}}}\n"
    inventory = read(tmp_path, both)
    assert (inventory.clc.name, inventory.clc.role) == (inventory.original.name, "clc")
    assert inventory.clc.connection == inventory.original.connection
    assert [node.name for node in inventory.hosts()] == [inventory.original.name, inventory.additional.name]
    assert read(tmp_path, render(inventory)) == inventory


def test_a_home_directory_is_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "known").touch()
    inventory = read(tmp_path, "all: {vars: {migrate: {known_hosts: ~/known}}}\n" + SMALLEST)
    assert isinstance(inventory.original.connection, SshConnection)
    assert inventory.original.connection.known_hosts == str(tmp_path / "known")


_NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
_PATHS = st.from_regex(r"/[a-z0-9_][a-z0-9_.]{0,8}/[a-zA-Z0-9_]{1,8}", fullmatch=True)
_WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "Co", "Cn")), min_size=1
)


@st.composite
def _settings(draw: st.DrawFn) -> Settings:
    values: dict[str, Any] = {
        "store": "/data/" + draw(_NAMES),
        "staging": "/stage/" + draw(_NAMES),
        "resource": draw(st.sampled_from(["r0", "on", "Yes", "null", "e1"])),
        "device": f"/dev/drbd{draw(st.integers(0, 2**20 - 1))}",
        "port": draw(st.integers(1, 65535)),
        "service": draw(_NAMES),
        "component": draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True)),
        "eucarc": draw(st.none() | _PATHS),
        "sync_rate": draw(st.sampled_from(["1", "110M", "4G", "077K".lstrip("0")])),
        "waits": {"stall": draw(st.floats(0.001, 1e6)), "command": draw(st.integers(1, 1000))},
        "service_probe": {"objects": draw(st.lists(st.builds("{}/{}".format, _NAMES, _WORDS), max_size=2))},
    }
    values = draw(st.sets(st.sampled_from(sorted(values))).map(lambda keys: {key: values[key] for key in keys}))
    return Settings.model_validate(values)


@st.composite
def _ssh(draw: st.DrawFn) -> SshConnection:
    value = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="{"), min_size=1, max_size=9)
    arguments = draw(st.lists(st.builds("ProxyCommand={}".format, value), max_size=2))
    return SshConnection(
        address=draw(_NAMES),
        port=draw(st.none() | st.integers(1, 65535)),
        user=draw(st.none() | st.sampled_from(["root", "yes", "null", "e1", "_x"])),
        common_args=tuple(word for argument in arguments for word in ("-o", argument)),
        extra_args=draw(st.sampled_from([(), ("-4",), ("-J", "a,b")])),
        become=draw(st.booleans()),
        become_user=draw(st.sampled_from(["root", "admin", "no"])),
        legacy=draw(st.booleans()),
    )


@st.composite
def _inventories(draw: st.DrawFn) -> Inventory:
    names = draw(st.lists(_NAMES, min_size=3, max_size=3, unique=True))
    reaches = draw(st.lists(_ssh(), min_size=3, max_size=3, unique_by=lambda ssh: (ssh.address, ssh.port or 22)))
    nodes = [
        Node(name, role, reach, f"10.0.0.{number}", f"u{number}.{name}", None if role == "clc" else f"/dev/sd{name}")
        for number, (name, role, reach) in enumerate(zip(names, ROLES, reaches, strict=True))
    ]
    if draw(st.booleans()):
        nodes[2] = replace(
            nodes[2], connection=LocalConnection(draw(st.booleans()), draw(st.sampled_from(["root", "a"])))
        )
    nodes[1] = replace(nodes[1], replication_address=draw(st.none() | st.just("fd00::2")))
    return Inventory(nodes[0], nodes[1], nodes[2], draw(_settings()), "made up")


@given(_inventories())
def test_what_is_rendered_is_read_as_the_same(tmp_path_factory: pytest.TempPathFactory, inventory: Inventory) -> None:
    path = tmp_path_factory.getbasetemp() / "rendered.yml"
    path.write_text(render(inventory))
    assert replace(load(path), source="made up") == inventory


def test_a_connection_that_no_file_can_say_is_not_rendered(tmp_path: Path) -> None:
    inventory = read(tmp_path, SMALLEST)
    for connection in (
        SshConnection("10.0.0.1", strict=False),
        SshConnection("10.0.0.1", state_directory="/elsewhere"),
    ):
        with pytest.raises(ValueError, match="walrus00"):
            render(replace(inventory, original=replace(inventory.original, connection=connection)))


def test_the_example_in_the_reference_is_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = (Path(__file__).parents[1] / "docs" / "reference" / "inventory.md").read_text()
    example = reference.split("```yaml\n")[1].split("```")[0]
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "known_hosts").touch()
    assert read(tmp_path, example).settings.eucarc == "/root/eucarc"


def test_the_reference_names_every_key_and_its_default() -> None:
    reference = (Path(__file__).parents[1] / "docs" / "reference" / "inventory.md").read_text()
    for key in (*HostVariables.model_fields, *HostMigrate.model_fields, *Settings.model_fields):
        assert f"`{key}`" in reference, key
    plain = {key: value for key, value in Settings().model_dump().items() if isinstance(value, str | int)}
    plain |= {key: str(value).lower() for key, value in plain.items() if isinstance(value, bool)}  # as YAML has them
    for key, value in plain.items():
        (row,) = [line for line in reference.splitlines() if line.startswith(f"| `{key}` |")]
        assert row.endswith(f"| `{value}` |"), row
