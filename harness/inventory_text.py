"""Write an inventory as a file that can be read again."""

from __future__ import annotations

import json
import re
from typing import Any

from harness import sshoptions
from harness.hosts.local import LocalConnection
from harness.hosts.script import STATE_DIRECTORY
from harness.hosts.ssh import SshConnection
from harness.hosts.transport import Connection
from harness.inventory import Inventory, Node
from harness.yamlwords import Unclear, resolve

_PLAIN = re.compile(r"[A-Za-z0-9/][A-Za-z0-9/._-]*")


def render_inventory(inventory: Inventory) -> str:
    """The file's text; settings that are the defaults are left out.

    Raises:
        ValueError: a host is reached in a way that no inventory file can say.
    """
    settings = inventory.settings.model_dump(exclude_defaults=True)
    groups: dict[str, Any] = {"vars": {"migrate": settings}} if settings else {}
    groups["children"] = {node.role: {"hosts": {node.name: _host(node)}} for node in inventory.nodes()}
    return "\n".join(["# An inventory of walrus-ha; see docs/reference/inventory.md", *_lines({"all": groups}), ""])


def _host(node: Node) -> dict[str, Any]:
    migrate: dict[str, Any] = {"address": node.address, "uname": node.uname, **_password(node.connection)}
    if node.backing_device:
        migrate["backing_device"] = node.backing_device
    if node.replication_address:
        migrate["replication_address"] = node.replication_address
    match node.connection:
        case SshConnection() as ssh:
            if ssh.known_hosts:
                migrate["known_hosts"] = str(ssh.known_hosts)
            if ssh.legacy:
                migrate["legacy_ssh"] = True
            reach = _ssh(node.name, ssh)
        case LocalConnection() as local:
            reach = {"ansible_connection": "local", **_become(local)}
        case other:
            raise ValueError(f"{node.name} is reached by {other.describe()}, which no inventory file can say")
    if node.connection.state_directory != STATE_DIRECTORY:
        raise ValueError(f"{node.name}: the directory of the tool's own files is no matter of inventory files")
    return {**reach, "migrate": migrate}


def _ssh(name: str, ssh: SshConnection) -> dict[str, Any]:
    """Ansible's variables for a connection; what is not said is left out."""
    if not ssh.strict:
        raise ValueError(f"{name}: its host key is not checked, which no inventory file can say")
    values = {
        "ansible_host": ssh.address,
        "ansible_port": ssh.port,
        "ansible_user": ssh.user,
        "ansible_ssh_private_key_file": ssh.identity_file and str(ssh.identity_file),
        "ansible_ssh_common_args": sshoptions.joined(ssh.common_args) or None,
        "ansible_ssh_extra_args": sshoptions.joined(ssh.extra_args) or None,
    }
    return {**{key: value for key, value in values.items() if value is not None}, **_become(ssh)}


def _become(connection: SshConnection | LocalConnection) -> dict[str, Any]:
    values: dict[str, Any] = {"ansible_become": True} if connection.become else {}
    if connection.become_user != "root":
        values["ansible_become_user"] = connection.become_user
    return values


def _password(connection: Connection) -> dict[str, str]:
    """Where sudo's password is kept; never what it is."""
    kept = connection.become_password if isinstance(connection, SshConnection | LocalConnection) else None
    if kept is None:
        return {}
    return {"become_password_file": kept.file} if kept.file else {"become_password_env": str(kept.variable)}


def _lines(value: dict[str, Any], indent: int = 0) -> list[str]:
    """A map in block style, its lists in flow style."""
    lines: list[str] = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines += [f"{' ' * indent}{_scalar(key)}:", *_lines(item, indent + 2)]
        else:
            lines.append(f"{' ' * indent}{_scalar(key)}: {_scalar(item)}")
    return lines


def _scalar(value: Any) -> str:
    """Text is quoted unless every reader takes the plain word for the same text."""
    if isinstance(value, list):
        return f"[{', '.join(_scalar(item) for item in value)}]"
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        try:
            if resolve(value) == value:
                return value
        except Unclear:
            pass
    return json.dumps(value, ensure_ascii=False)
