"""Labs that were brought up to stay: each has a directory of the user's own with its inventory, until it is ended."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from harness import inventory
from harness.errors import InvalidInput
from harness.hosts.ssh import LEGACY, SshConnection
from harness.inventory import Inventory
from harness.labs.state import state_directory


@dataclass(frozen=True)
class UpLab:
    """A lab that was brought up and stays."""

    run_id: str
    inventory_path: Path


def home(run_id: str) -> Path:
    """The directory of a lab.

    Raises:
        InvalidInput: no lab can have such a name.
    """
    if not run_id.isalnum():
        raise InvalidInput(f"{run_id!r} is not the name of a lab")
    return _homes() / run_id


def remember(run_id: str, described: Inventory) -> UpLab:
    """Write the lab's inventory into its directory."""
    path = home(run_id) / "inventory.yaml"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(inventory.render(described))
    return UpLab(run_id, path)


def made(asked: Inventory) -> bool:
    """A lab that is up made these hosts: each is reached in the same way, with the same keys, as the lab's own.

    The settings may have been edited since; whoever rehearses by hand does that.
    """
    ways = [node.connection for node in asked.nodes()]
    for path in _homes().glob("*/inventory.yaml"):
        try:
            known = [node.connection for node in inventory.load(path).nodes()]
        except InvalidInput:
            continue  # of another version, or half written
        if ways == known:
            return True
    return False


def forget(run_id: str | None) -> list[Path]:
    """Remove the directory of one lab, or of every lab with None; returns what there was."""
    gone = [one for one in ([home(run_id)] if run_id else sorted(_homes().iterdir())) if one.is_dir()]
    for one in gone:
        shutil.rmtree(one)
    return gone


def shell(run_id: str, host: str) -> list[str]:
    """The argument list that opens a shell on a host of a lab that is up.

    Raises:
        InvalidInput: there is no such lab, or no such host in it.
    """
    path = home(run_id) / "inventory.yaml"
    if not path.is_file():
        raise InvalidInput(f"there is no lab {run_id!r}; {known()}")
    nodes = {node.name: node for node in inventory.load(path).nodes()}
    if host not in nodes:
        raise InvalidInput(f"the lab has no host {host!r}; it has {', '.join(nodes)}")
    way = nodes[host].connection
    assert isinstance(way, SshConnection)
    options = [f"UserKnownHostsFile={way.known_hosts}", f"IdentityFile={way.identity_file}", "IdentitiesOnly=yes"]
    options += ["GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=yes"]
    options += LEGACY if way.legacy else ()
    flags = [word for option in options for word in ("-o", option)]
    return ["ssh", *flags, *way.common_args, "-p", str(way.port), "-l", str(way.user), "--", way.address]


def known() -> str:
    """The labs that are up, for a message."""
    names = sorted(one.name for one in _homes().iterdir())
    return f"there are {', '.join(names)}" if names else "none is up"


def _homes() -> Path:
    homes = state_directory() / "labs"
    homes.mkdir(mode=0o700, exist_ok=True)
    return homes
