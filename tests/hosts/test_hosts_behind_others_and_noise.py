"""Hosts behind a jump host, and hosts whose start-up files talk, answer as any other: the reply is the program's."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import AccessDenied, Unreachable
from harness.hosts.command import Claim, Command, Effect, PutFile, Result
from harness.hosts.ssh import SshConnection
from harness.hosts.transport import Transport
from tests.hosts.conftest import FENCE, Opener, Starter
from tests.hosts.server import Sshd

EVERY_BYTE = bytes(range(256)) * 300
NOISE = """\
echo "*** changes only in the window! ***"
echo "setlocale: LC_ALL: cannot change locale (de_DE.UTF-8)" >&2
alias cat='cat -A' echo='echo -e'
PS1='walrus$ ' PROMPT_COMMAND='echo prompt'
trap 'echo bye; echo bye >&2' EXIT
printf 'no line break at the end'
"""


def prove(transport: Transport, folder: Path) -> None:
    """Reads, input, changes and files go through unharmed."""
    assert transport.send(Command(("cat",), stdin=EVERY_BYTE)) == Result(0, EVERY_BYTE)
    transport.send(Claim(FENCE))
    answer = transport.send(Command(("sh", "-c", "echo out; echo err >&2; exit 3"), Effect.WRITE), FENCE)
    assert answer == Result(3, b"out\n", b"err\n")
    transport.send(PutFile(str(folder / "file"), EVERY_BYTE), FENCE)
    assert transport.send(Command(("cat", str(folder / "file")))) == Result(0, EVERY_BYTE)


@pytest.fixture
def bastion(start_sshd: Starter) -> Sshd:
    return start_sshd("")


@pytest.fixture
def behind(sshd: Sshd, bastion: Sshd, tmp_path: Path) -> SshConnection:
    """The usual host by way of the bastion, which the user's ssh configuration knows."""
    config = tmp_path / "config"
    config.write_text(
        f"Host bastion\n HostName 127.0.0.1\n Port {bastion.port}\n User {bastion.user}\n"
        f" IdentityFile {bastion.client_key}\n UserKnownHostsFile {bastion.known_hosts}\n StrictHostKeyChecking yes\n"
    )
    return sshd.connection(common_args=("-F", str(config), "-J", "bastion"))


def test_behind_a_jump_host(behind: SshConnection, bastion: Sshd, opened: Opener, folder: Path) -> None:
    prove(opened(behind), folder)
    assert bastion.sessions()


def test_a_jump_host_with_another_key_is_not_passed(
    behind: SshConnection, bastion: Sshd, sshd: Sshd, opened: Opener, folder: Path
) -> None:
    others = sshd.known_hosts.read_text().replace(f":{sshd.port}", f":{bastion.port}")
    bastion.known_hosts.write_text(others)
    with pytest.raises((AccessDenied, Unreachable)):
        opened(behind).send(Command(("touch", str(folder / "canary")), Effect.WRITE))
    assert not (folder / "canary").exists()


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_start_up_files_that_talk(
    start_sshd: Starter, opened: Opener, folder: Path, tmp_path: Path, shell: str
) -> None:
    """Played by the command that the server runs first, as a shell runs its start-up file."""
    (tmp_path / "startup").write_text(NOISE)
    (tmp_path / "banner").write_text("Unauthorised use is an offence.\n")
    first = f"{shell} -c '. {tmp_path}/startup; eval \"$SSH_ORIGINAL_COMMAND\"'"
    sshd = start_sshd(f"Banner {tmp_path}/banner\nForceCommand {first}")
    sshd.state = folder / "state"
    prove(opened(sshd.connection()), folder)
