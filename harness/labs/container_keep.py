"""A containers lab that stays up until somebody ends it: to try the commands on, by hand."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from harness import inventory
from harness.errors import InvalidInput
from harness.hosts.ssh import SshConnection
from harness.labs.container_rack import rack
from harness.labs.docker_cleanup import connect, sweep, watch_over
from harness.labs.lab import Start
from harness.labs.state import state_directory


@dataclass(frozen=True)
class UpLab:
    """A lab that was brought up and stays."""

    run_id: str
    inventory_path: Path


def up(start: Start) -> UpLab:
    """Bring a lab up and leave it running, with its inventory and keys in a directory of the user's own.

    Raises:
        LabUnavailable: when this machine cannot offer it; nothing is left then.
    """
    run_id = secrets.token_hex(4)
    watchdog = watch_over(run_id)
    directory = _home(run_id)
    directory.mkdir(mode=0o700, parents=True)
    run = rack(run_id, start, directory)
    try:
        run.bring_up()
        path = directory / "inventory.yaml"
        path.write_text(inventory.render(run.inventory()))
    except BaseException:
        run.tear_down()
        raise
    finally:
        watchdog.dismiss()
    run.let_go()
    return UpLab(run_id, path)


def down(run_id: str | None) -> list[str]:
    """End one lab, or every lab of ours on this machine with None; returns what was removed.

    Raises:
        InvalidInput: there is nothing of such a run.
    """
    with contextlib.closing(connect()) as client:
        removed = sweep(client, run_id)
    homes = [_home(run_id)] if run_id else list(_homes().iterdir())
    gone = [home for home in homes if home.is_dir()]
    for home in gone:
        shutil.rmtree(home)
    if run_id and not removed and not gone:
        raise InvalidInput(f"there is no lab {run_id!r}; {_known()}")
    return [f"removed {thing}" for thing in (*removed, *(str(home) for home in gone))]


def shell(run_id: str, host: str) -> list[str]:
    """The argument list that opens a shell on a host of a lab that is up.

    Raises:
        InvalidInput: there is no such lab, or no such host in it.
    """
    path = _home(run_id) / "inventory.yaml"
    if not path.is_file():
        raise InvalidInput(f"there is no lab {run_id!r}; {_known()}")
    nodes = {node.name: node for node in inventory.load(path).nodes()}
    if host not in nodes:
        raise InvalidInput(f"the lab has no host {host!r}; it has {', '.join(nodes)}")
    way = nodes[host].connection
    assert isinstance(way, SshConnection)
    options = [f"UserKnownHostsFile={way.known_hosts}", f"IdentityFile={way.identity_file}", "IdentitiesOnly=yes"]
    options += ["GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=yes"]
    flags = [word for option in options for word in ("-o", option)]
    return ["ssh", *flags, "-p", str(way.port), "-l", str(way.user), "--", way.address]


def _homes() -> Path:
    homes = state_directory() / "labs"
    homes.mkdir(mode=0o700, exist_ok=True)
    return homes


def _home(run_id: str) -> Path:
    if not run_id.isalnum():
        raise InvalidInput(f"{run_id!r} is not the name of a lab")
    return _homes() / run_id


def _known() -> str:
    known = sorted(home.name for home in _homes().iterdir())
    return f"there are {', '.join(known)}" if known else "none is up"
