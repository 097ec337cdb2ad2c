"""drbd-utils' own parsers of 8.3, 8.4 and 9 read the rendered configuration and take every call that is made.

No kernel is needed: ``drbdadm -d`` prints what it would have run. Its exit status is not enough, since drbdadm-83 takes
``primary --force`` without a word and leaves the force out.
"""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.hosts.command import Command, Effect
from harness.systems.drbd.config import Peer, Resource, render, with_include
from harness.systems.drbd.dialect import DIALECT_83, DIALECT_84, DIALECTS, Dialect

_ROOT = Path(__file__).parents[2]
_HERE = os.uname().nodename
# A rendering, the generation of the kernel that drbdadm is told of, and the parser that drbdadm then turns into.
_READERS = ((DIALECT_83, "8.3.12"), (DIALECT_84, "8.4.11"), (DIALECT_84, "9.1.4"))
_OTHERS = ((DIALECT_84, "8.3.12"), (DIALECT_83, "9.1.4"))  # drbdadm-84 still reads what 8.3 wrote
_WALRUS = (
    "role",
    "cstate",
    "dstate",
    "primary",
    "secondary",
    "connect",
)  # DRBDStorageManager, and fakes/programs/walrus
_TIMEOUT_S = 20.0


class Answer(NamedTuple):
    """What drbdadm says."""

    exit_status: int
    stdout: str
    stderr: str


def drbdadm(version: str, configuration: Path, *words: str) -> Answer:
    """Run drbdadm as it behaves on top of a kernel of that version."""
    argv = ["drbdadm", "-c", str(configuration), *words]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/lib/drbd", "DRBD_DRIVER_VERSION_OVERRIDE": version}
    try:
        said = subprocess.run(argv, capture_output=True, text=True, timeout=_TIMEOUT_S, env=environment, check=False)
    except FileNotFoundError:
        pytest.skip("drbdadm is not installed (Debian's drbd-utils)")
    return Answer(said.returncode, said.stdout, said.stderr)


def _resource(
    addresses: tuple[str, str] = ("10.0.0.10", "10.0.0.11"),
    rate: str = "40M",
    name: str = "r0",
    other: str = "walrus01",
    disk: str = "/dev/sdb",
    device: str = "/dev/drbd1",
) -> Resource:
    peers = Peer(_HERE, addresses[0], disk), Peer(other, addresses[1], "/dev/mapper/walrus-disk")
    return Resource(name, device, 7789, rate, peers)


def _written(directory: Path, dialect: Dialect, resource: Resource | None = None) -> Path:
    """The two files as they lie on a host; the path of the one that drbdadm is given."""
    (directory / "walrus.res").write_text(render(resource or _resource(), dialect))
    main = directory / "drbd.conf"
    main.write_text(with_include("global { usage-count no; }\n", str(directory / "walrus.res")))
    return main


_RESOURCES = {  # the corners of what an inventory may hold
    "as the vendor names it": _resource(),
    "IPv6": _resource(("fd00::10", "fd00::11")),
    "slowest": _resource(rate="1K"),
    "fastest": _resource(rate="4G"),
    "bare rate": _resource(rate="40960"),
    "name with all characters": _resource(name="walrus_Store-1.a"),
    "name that is a word of drbdadm's": _resource(name="disk"),
    "host that is a word of drbdadm's": _resource(other="floating"),
    "host that is a number": _resource(other="9"),
    "host with a domain": _resource(other="walrus-01.3com.example"),
    "disk by its path": _resource(disk="/dev/disk/by-path/pci-0000:00:1f.2-ata-1.0"),
    "disk by its name": _resource(disk="/dev/disk/by-id/scsi-0HC_Volume_12@a+b=c"),
    "first minor": _resource(device="/dev/drbd0"),
    "last minor": _resource(device="/dev/drbd1048575"),
}


@pytest.mark.parametrize(("dialect", "version"), _READERS, ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("resource", _RESOURCES.values(), ids=_RESOURCES)
def test_the_configuration_is_accepted(dialect: Dialect, version: str, resource: Resource, tmp_path: Path) -> None:
    """The same call stands in the step that configures DRBD."""
    assert drbdadm(version, _written(tmp_path, dialect, resource), "sh-nop") == (0, "", "")


@pytest.mark.parametrize(("dialect", "version"), _OTHERS, ids=lambda value: getattr(value, "name", value))
def test_the_configuration_of_another_generation_is_refused(dialect: Dialect, version: str, tmp_path: Path) -> None:
    answer = drbdadm(version, _written(tmp_path, dialect), "sh-nop")
    assert answer.exit_status == 10
    assert "Parse error" in answer.stderr


# Calls

_LOW_LEVEL = {"up": ("attach", "disk"), "connect": ("connect", "net")}  # where the kernel is asked in other words


def _sent() -> set[str]:
    """Every word that the engine asks a dialect to say, read from its sources so that none is forgotten."""
    found: set[str] = set()
    for path in sorted((_ROOT / "harness" / "migration").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "command":
                found.update(str(word.value) for word in node.args[:1] if isinstance(word, ast.Constant))
    return found


def _with_options(dialect: Dialect) -> list[Command]:
    """What a dialect has a method of its own for."""
    own = [name for name, value in vars(Dialect).items() if callable(value) and "resource" in value.__annotations__]
    methods = [getattr(dialect, name) for name in own if name not in ("command", "__init__")]
    return [method("r0") for method in methods]


def _calls(dialect: Dialect) -> list[Command]:
    words = sorted(_sent() | set(_WALRUS))
    return [*(dialect.command(word, "r0", Effect.WRITE) for word in words), *_with_options(dialect)]


def test_every_word_that_is_sent_is_found() -> None:
    assert _sent() == {"connect", "create-md", "down", "primary", "secondary", "up"}
    assert {len(_with_options(dialect)) for dialect in DIALECTS.values()} == {3}


@pytest.mark.parametrize(("dialect", "version"), _READERS, ids=lambda value: getattr(value, "name", value))
def test_every_call_is_accepted_and_means_what_it_says(dialect: Dialect, version: str, tmp_path: Path) -> None:
    configuration = _written(tmp_path, dialect)
    for command in _calls(dialect):
        answer = drbdadm(version, configuration, "-d", *command.argv[1:])
        assert (answer.exit_status, answer.stderr) == (0, ""), command
        word = next(word for word in command.argv[1:] if not word.startswith("-"))
        assert any(f" {low} " in answer.stdout.replace("\n", " ") for low in (_LOW_LEVEL.get(word) or (word,))), answer
        for option in (word for word in command.argv if word.startswith("--") and word != "--"):
            assert option in answer.stdout, answer


_GRAMMARS = {
    # What is asked, for each generation: the option that reaches the kernel, None when the call is refused.
    "primary --force r0": ("", "--force", "--force"),
    "-- --overwrite-data-of-peer primary r0": ("--overwrite-data-of-peer", "--overwrite-data-of-peer", ""),
    "new-current-uuid --clear-bitmap r0": (None, "--clear-bitmap", "--clear-bitmap"),
    "-- --clear-bitmap new-current-uuid r0": ("--clear-bitmap", "--clear-bitmap", "--clear-bitmap"),
    "connect --discard-my-data r0": (None, "--discard-my-data", "--discard-my-data"),
    "-- --discard-my-data connect r0": ("--discard-my-data", "--discard-my-data", "--discard-my-data"),
    "wipe-md --force r0": ("", None, "--force"),
    "-- --force wipe-md r0": ("--force", "--force", "--force"),
}


@pytest.mark.parametrize("at", range(3), ids=[version for _, version in _READERS])
@pytest.mark.parametrize("words", _GRAMMARS)
def test_an_option_reaches_the_kernel_only_where_its_generation_puts_it(words: str, at: int, tmp_path: Path) -> None:
    """Three of these are traps: accepted without a word, and the option is gone."""
    dialect, version = _READERS[at]
    expected = _GRAMMARS[words][at]
    answer = drbdadm(version, _written(tmp_path, dialect), "-d", *words.split())
    if expected is None:
        assert answer.exit_status != 0
        assert "unrecognized option" in answer.stderr
        return
    assert answer.exit_status == 0
    if expected:
        assert expected in answer.stdout
    else:
        assert "--force" not in answer.stdout
        assert "--overwrite" not in answer.stdout


@pytest.mark.parametrize(("dialect", "version"), _READERS, ids=lambda value: getattr(value, "name", value))
def test_a_word_that_does_not_exist_is_refused(dialect: Dialect, version: str, tmp_path: Path) -> None:
    assert drbdadm(version, _written(tmp_path, dialect), "-d", "promote", "r0").exit_status == 1


@pytest.mark.parametrize(("dialect", "version"), _READERS, ids=lambda value: getattr(value, "name", value))
def test_an_unknown_resource_is_refused(dialect: Dialect, version: str, tmp_path: Path) -> None:
    answer = drbdadm(version, _written(tmp_path, dialect), "-d", "up", "r1")
    assert answer.exit_status != 0
    assert "not defined in your config" in answer.stderr
