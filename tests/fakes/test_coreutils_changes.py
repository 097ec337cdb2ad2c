"""The models of mkdir, mv, cp, rm and their kind answer and act as the real programs do on the same tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fakes import truth
from fakes.program import Call
from fakes.seeding import plan_store
from tests.fakes.twins import Twins, disk_manifest, make_twins, needs_root

pytestmark = needs_root

FILE, BUCKET, ODD = "store/.foreign", "store/empty-bucket", "store/empty-bucket.links/third-name"

SCRIPTS: dict[str, list[tuple[str, ...]]] = {
    "directories are made with their parents": [
        ("mkdir", "-p", "-m", "0750", "--", "@a/b/c"),
        ("mkdir", "-p", "-m", "0700", "--", "@a/b/c"),
        ("mkdir", "-p", "-m", "0700", "--", f"@{FILE}"),
        ("mkdir", "-p", "-m", "0700", "--", f"@{FILE}/x"),
        ("mkdir", "-p", "-m", "1777", "--", "@a/b/sticky"),
    ],
    "a rename never goes into a directory": [
        ("mv", "-T", "--", "@store", "@store.before-ha"),
        ("mv", "-T", "--", "@nowhere", "@x"),
        ("mkdir", "-p", "-m", "0700", "--", "@store"),
        ("mv", "-T", "--", "@store", "@store.before-ha"),
        ("mv", "-T", "--", "@store.before-ha", "@store"),
        ("mv", "-T", "--", f"@{FILE}", "@store"),
        ("mv", "-T", "--", f"@{FILE}", f"@{BUCKET}"),
        ("mv", "-T", "--", f"@{BUCKET}", f"@{FILE}"),
        ("mv", "-T", "--", f"@{BUCKET}", "@nowhere/x"),
        ("mv", "-T", "--", f"@{FILE}", f"@{ODD}"),
    ],
    "only empty directories are removed": [
        ("rmdir", "--", "@store"),
        ("rmdir", "--", "@nowhere"),
        ("rmdir", "--", f"@{FILE}"),
        ("rmdir", "--", f"@{BUCKET}"),
    ],
    "rm -f forgives what is not there": [
        ("rm", "-f", "--", "@nowhere", "@store", f"@{FILE}"),
        ("rm", "-f", "--", f"@{FILE}/x", f"@{ODD}"),
    ],
    "rm -rf takes a tree": [
        ("rm", "-rf", "--", "@nowhere"),
        ("rm", "-rf", "--", "@store"),
    ],
    "a copy keeps mode, owner and time": [
        ("cp", "-p", "--", f"@{FILE}", "@copy"),
        ("cp", "-p", "--", f"@{ODD}", "@copy"),
        ("cp", "-p", "--", "@nowhere", "@copy"),
    ],
    "files and file systems are flushed": [
        ("sync", "--", f"@{FILE}", "@store"),
        ("sync", "-f", "--", f"@{FILE}"),
        ("sync", "--", "@nowhere", f"@{FILE}"),
        ("sync", "-f", "--", "@nowhere"),
        ("true",),
    ],
    "owners and modes": [
        ("chown", "498:498", "--", f"@{FILE}"),
        ("chown", "498:12", "--", "@nowhere"),
        ("chown", "nobody-here:498", "--", f"@{FILE}"),
        ("chmod", "6755", "--", f"@{FILE}"),
        ("chown", "0:0", "--", f"@{FILE}"),
        ("chmod", "2755", "--", f"@{BUCKET}"),
        ("chmod", "0700", "--", f"@{BUCKET}"),
        ("stat", "-c", "%a", "--", f"@{BUCKET}"),
        ("chmod", "00700", "--", f"@{BUCKET}"),
        ("chmod", "0700", "--", "@nowhere"),
    ],
    "one fact each": [
        ("cat", f"@{FILE}"),
        ("cat", "@nowhere"),
        ("cat", "@store"),
        ("readlink", "-f", "--", "@nowhere"),
        ("readlink", "-f", "--", "@nowhere/x"),
        ("readlink", "-f", "--", f"@{FILE}/x"),
        ("readlink", "-f", "--", "/"),
        ("test", "-e", f"@{FILE}"),
        ("test", "-e", "@nowhere"),
        ("test", "-b", f"@{FILE}"),
        ("id", "-u", "nobody-here"),
        ("id", "-g", "nobody-here"),
        ("sync",),
    ],
}


@pytest.fixture
def twins(tmp_path: Path) -> Twins:
    return make_twins(tmp_path, plan_store(30, 100_000, seed=5, hostile=True))


def _timeless(entries: list[dict[str, object]]) -> list[dict[str, object]]:
    """Files keep the times that they were given; directories and links have some of the two clocks' own."""
    return [{**entry, "mtime_ns": entry["mtime_ns"] if entry["kind"] == "file" else 0} for entry in entries]


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_same_answers_and_the_same_tree(twins: Twins, script: str) -> None:
    for argv in SCRIPTS[script]:
        spelt = tuple(word.replace("@", twins.root + "/") if word.startswith("@") else word for word in argv)
        real, model = twins.both(*spelt)
        assert model == real, argv
    assert _timeless(truth.walk(twins.machine.files, twins.root)) == _timeless(disk_manifest(twins.root))


def test_links_are_followed_where_the_real_programs_follow_them(twins: Twins) -> None:
    for name, target in (("to-store", "store"), ("to-file", "store/.foreign"), ("dangling", "nowhere")):
        os.symlink(target, twins.path(name))
        twins.machine.files.symlink(target, twins.path(name))
    commands = [
        ("readlink", "-f", "--", twins.path("to-store/.foreign")),
        ("readlink", "-f", "--", twins.path("dangling")),
        ("test", "-e", twins.path("dangling")),
        ("test", "-e", twins.path("to-file")),
        ("chmod", "0640", "--", twins.path("to-file")),
        ("chown", "7:8", "--", twins.path("to-file")),
        ("chown", "7:8", "--", twins.path("dangling")),
        ("chmod", "0640", "--", twins.path("dangling")),
        ("cat", twins.path("to-file")),
        ("cp", "-p", "--", twins.path("to-file"), twins.path("copied")),
        ("rm", "-f", "--", twins.path("to-file")),
        ("rmdir", "--", twins.path("to-store")),
        ("rm", "-rf", "--", twins.path("to-store")),
        ("stat", "-c", "%F|%a|%s", "--", twins.path("dangling")),
    ]
    for argv in commands:
        real, model = twins.both(*argv)
        assert model == real, argv
    assert _timeless(truth.walk(twins.machine.files, twins.root)) == _timeless(disk_manifest(twins.root))


@pytest.mark.parametrize(
    "argv",
    [
        ("mv", "a", "b"),
        ("mv", "-T", "--", "/a"),
        ("rm", "-r", "/a"),
        ("cp", "-a", "--", "/a", "/b"),
        ("find", "/a"),
        ("find", "/a", "-xdev", "-printf", "%Z"),
        ("stat", "-c", "%Z", "--", "/"),
        ("stat", "/"),
        ("cat", "/a", "/b"),
        ("cat", "/proc/uptime"),
        ("ls", "/"),
        ("chmod", "u+w", "/"),
        ("mkdir", "/a"),
        ("df", "/"),
        ("sync", "/a"),
        ("sh", "-c", "true"),
        ("ps", "aux"),
        ("rsync", "-a", "/a/", "/b/"),
        ("curl", "http://10.0.0.10:8773/"),
    ],
)
def test_other_forms_are_refused_loudly(twins: Twins, argv: tuple[str, ...]) -> None:
    reply = twins.machine.execute(Call(argv))
    assert (reply.exit_status, reply.stdout) == (70, b"")
    assert reply.stderr.startswith(b"fake: not modelled: ")
    assert len(twins.machine.simulation.state.unsupported) == 1
    assert twins.machine.simulation.state.unsupported[0].startswith(f"walrus00: {argv[0]}")
