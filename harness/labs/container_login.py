"""A login that is not root's: a user whom sudo asks for a password, and whose shell and server talk before anything."""

from __future__ import annotations

import os
from pathlib import Path

from harness.labs.container_host import LabHost
from harness.labs.container_keys import LabKeys
from harness.labs.hostfiles import File
from harness.labs.premises import SUDO_PASSWORD

USER = "mover"
_HOME = f"/home/{USER}"
# What administrators leave in such files, and what a host without its users' locale says at every login.
_NOISE = """\
echo "*** walrus host: changes only in the window! ***"
echo "bash: warning: setlocale: LC_ALL: cannot change locale (de_DE.UTF-8)" >&2
alias ls='ls --color=always' cp='cp -i' mv='mv -i'
printf 'no line break at the end of this'
"""
_SUDOERS = f"""\
Defaults:{USER} lecture=never, !requiretty
{USER} ALL=(ALL) ALL
"""
_ADD = f"""
set -eu
useradd --create-home --shell /bin/bash {USER}
IFS= read -r password
echo "{USER}:$password" | chpasswd
mkdir -m 0700 {_HOME}/.ssh
cp /root/.ssh/authorized_keys {_HOME}/.ssh/
cp /etc/lab/noise {_HOME}/.bashrc
chown -R {USER}: {_HOME}
"""


def files() -> dict[str, File]:
    """What the lab puts into each host for it."""
    return {
        "/etc/lab/noise": File(_NOISE.encode()),
        "/etc/issue.net": File(b"\n  Unauthorised use is an offence.\n\n"),
        "/etc/ssh/sshd_config.d/noise.conf": File(b"Banner /etc/issue.net\nPrintMotd yes\n"),
        f"/etc/sudoers.d/{USER}": File(_SUDOERS.encode(), 0o440),
    }


def add(host: LabHost) -> None:
    """Make the user, with the password."""
    host.execute("sh", "-c", _ADD, stdin=f"{SUDO_PASSWORD.decode()}\n")


def keep_password(keys: LabKeys) -> Path:
    """The file that the inventory is to name."""
    path = keys.directory / "sudo-password"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with open(descriptor, "wb") as file:
        file.write(SUDO_PASSWORD + b"\n")
    return path
