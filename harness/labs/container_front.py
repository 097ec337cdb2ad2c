"""Containers behind a server of 2012: each is reached through a door on this machine that answers as OpenSSH 5.3."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.errors import LabUnavailable
from harness.labs.container_host import LabHost, free_port
from harness.labs.container_keys import LabKeys
from harness.labs.old_ssh import Door, old_server

_LOOPBACK = "127.0.0.1"
# One connection to each host, as the client has one to us; sessions on it are as cheap as the client's own.
_BEHIND = ("BatchMode=yes", "StrictHostKeyChecking=yes", "ControlMaster=auto", "ControlPersist=10", "LogLevel=ERROR")


def lacks() -> list[str]:
    """What this machine lacks for it."""
    found = importlib.util.find_spec("asyncssh") is not None
    return [] if found else ["the Python package asyncssh: pip install 'walrus-ha[labs]'"]


@contextmanager
def old_doors(hosts: Mapping[str, LabHost], keys: LabKeys, directory: Path) -> Iterator[dict[str, tuple[str, int]]]:
    """Where each host, by role, is reached until the block ends.

    Raises:
        LabUnavailable: the package that the server is made of is missing.
        LabError: the server does not listen.
    """
    if lacking := lacks():
        raise LabUnavailable(lacking[0])
    ports = {role: free_port() for role in hosts}
    doors = [
        Door(_LOOPBACK, ports[role], str(directory / host.plan.name), _command(host, keys, directory))
        for role, host in hosts.items()
    ]
    with old_server(doors, keys.identity.with_suffix(".pub")):
        yield {role: (_LOOPBACK, port) for role, port in ports.items()}


def _command(host: LabHost, keys: LabKeys, directory: Path) -> tuple[str, ...]:
    """ssh into the host's own server, to which the session's command line is added."""
    address, port = host.ssh
    known = directory / "known_hosts_behind"
    options = (*_BEHIND, f"UserKnownHostsFile={known}", "IdentitiesOnly=yes", f"ControlPath={directory}/%C")
    flags = [word for option in options for word in ("-o", option)]
    reach = ("-i", str(keys.identity), "-p", str(port), "-l", "root", "--", address)
    return ("ssh", "-F", "/dev/null", "-T", *flags, *reach)
