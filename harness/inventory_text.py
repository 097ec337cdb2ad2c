"""Write an inventory as a file that can be read again."""

from __future__ import annotations

import json
import re
from typing import Any

from harness import sshoptions
from harness.hosts.local import LocalConnection
from harness.hosts.ssh import SshConnection
from harness.inventory import Inventory, Node
from harness.yamlfile import Unclear, resolve

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
    migrate: dict[str, Any] = {"address": node.address, "uname": node.uname}
    if node.backing_device:
        migrate["backing_device"] = node.backing_device
    if node.replication_address:
        migrate["replication_address"] = node.replication_address
    match node.connection:
        case SshConnection() as ssh:
            if ssh.known_hosts:
                migrate["known_hosts"] = str(ssh.known_hosts)
            return {**_ssh(node.name, ssh), "migrate": migrate}
        case LocalConnection() as local:
            return {"ansible_connection": "local", "ansible_become": local.become, "migrate": migrate}
    raise ValueError(f"{node.name} is reached by {node.connection.describe()}, which no inventory file can say")


def _ssh(name: str, ssh: SshConnection) -> dict[str, Any]:
    """Ansible's variables for a connection; what is the default is left out."""
    if not ssh.strict:
        raise ValueError(f"{name}: its host key is not checked, which no inventory file can say")
    values = {
        "ansible_host": (ssh.address, None),
        "ansible_port": (ssh.port, 22),
        "ansible_user": (ssh.user, "root"),
        "ansible_ssh_private_key_file": (ssh.identity_file and str(ssh.identity_file), None),
        "ansible_ssh_common_args": (sshoptions.joined(ssh.common_args), ""),
        "ansible_ssh_extra_args": (sshoptions.joined(ssh.extra_args), ""),
        "ansible_become": (ssh.become, False),
        "ansible_become_user": (ssh.become_user, "root"),
    }
    return {key: value for key, (value, default) in values.items() if value != default}


def _lines(value: dict[str, Any], indent: int = 0) -> list[str]:
    """A map in block style, its lists in flow style."""
    lines: list[str] = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines += [f"{' ' * indent}{key}:", *_lines(item, indent + 2)]
        else:
            lines.append(f"{' ' * indent}{key}: {_scalar(item)}")
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
