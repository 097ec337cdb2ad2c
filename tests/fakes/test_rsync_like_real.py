"""The model of rsync leaves the tree that the real one leaves, and counts what it counts."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes import truth
from fakes.program import Call
from fakes.programs.copying import temporary_name
from fakes.seeding import plan_store
from tests.fakes.twins import Answer, Twins, disk_manifest, make_twins, needs, needs_root

pytestmark = [needs_root, needs("rsync", "unshare")]

OPTIONS = ("-aHAXSx", "--numeric-ids", "--delete", "--partial", "--stats", "--exclude=/lost+found")
FIGURES = re.compile(rb"^(?:Number of|Total file|Total transferred|Literal|Matched).*$", re.MULTILINE)


@pytest.fixture
def twins(tmp_path: Path) -> Twins:
    return make_twins(tmp_path, plan_store(30, 2_500_000, seed=5, hostile=True))


def _copy(twins: Twins, *more: str) -> tuple[Answer, Answer]:
    return twins.both("rsync", *OPTIONS, *more, "--", twins.path("store/"), twins.path("copy/"))


def _assert_alike(twins: Twins, answers: tuple[Answer, Answer]) -> None:
    real, model = answers
    assert FIGURES.findall(model.stdout) == FIGURES.findall(real.stdout)
    assert model.status == real.status
    assert truth.walk(twins.machine.files, twins.path("copy")) == disk_manifest(twins.path("copy"))


def _change(twins: Twins, name: str, *arguments: object) -> None:
    """The same change to both trees."""
    real: dict[str, Callable[..., object]] = {
        "write": lambda path, content: Path(path).write_bytes(content),
        "unlink": os.unlink,
        "mkdir": lambda path: os.mkdir(path, 0o755),
        "chmod": os.chmod,
        "chown": os.lchown,
        "utime": lambda path, ns: os.utime(path, ns=(ns, ns), follow_symlinks=False),
        "symlink": os.symlink,
        "link": os.link,
        "set_xattr": os.setxattr,
        "rename": os.rename,
    }
    spelt = [twins.path(word[1:]) if isinstance(word, str) and word.startswith("@") else word for word in arguments]
    real[name](*spelt)
    getattr(twins.machine.files, name)(*spelt)


def _settle(twins: Twins) -> None:
    """Equal times for what the changes touched: the two clocks differ, and rsync copies what it finds."""
    for path in sorted(twins.machine.files.walk(twins.root)):
        ns = 1_500_000_000_000_000_000 + len(path)
        if abs(twins.machine.files.stat(path).mtime_ns - twins.machine.simulation.now_ns()) < 10**12:
            os.utime(path, ns=(ns, ns), follow_symlinks=False)
            twins.machine.files.utime(path, ns)


def test_a_first_copy(twins: Twins) -> None:
    _assert_alike(twins, _copy(twins))
    store, copy = (truth.walk(twins.machine.files, twins.path(name)) for name in ("store", "copy"))
    assert copy == store


def test_a_second_copy_transfers_nothing(twins: Twins) -> None:
    _copy(twins)
    answers = _copy(twins)
    assert b"files transferred: 0\n" in answers[0].stdout
    _assert_alike(twins, answers)


def test_everything_that_differs_is_brought_over(twins: Twins) -> None:
    _copy(twins)
    bucket = "@store/empty-bucket"
    changes: list[tuple[object, ...]] = [
        ("write", f"{bucket}/new", b"new object"),
        ("write", "@store/.foreign", b"changed"),
        ("chmod", bucket, 0o751),
        ("chown", bucket, 5, 6),
        ("mkdir", "@copy/extra"),
        ("write", "@copy/extra/file", b"extraneous"),
        ("write", "@copy/.extra", b"extraneous"),
        ("mkdir", "@copy/lost+found"),
        ("write", "@copy/lost+found/kept", b"excluded"),
        ("mkdir", "@store/lost+found"),
        ("unlink", "@store/empty-bucket.links/third-name"),
        ("set_xattr", "@copy/empty-bucket", "user.extra", b"1"),
        ("unlink", "@copy/empty-bucket.links/third-name"),
        ("mkdir", "@copy/empty-bucket.links/third-name"),
        ("write", "@store/empty-bucket.links/third-name", b"now a file of its own"),
        ("write", "@copy/empty-bucket.links/.third-name.AbCdEf", b"left by a killed copy"),
        ("symlink", "first", "@store/link"),
        ("symlink", "second", "@copy/link"),
        ("symlink", "where", "@copy/kind"),
        ("write", "@store/kind", b"file here, link there"),
    ]
    for change in changes:
        _change(twins, str(change[0]), *change[1:])
    _settle(twins)
    _assert_alike(twins, _copy(twins))


def test_size_and_whole_seconds_decide_unless_contents_are_compared(twins: Twins) -> None:
    _copy(twins)
    _change(twins, "write", "@store/.foreign", b"NOT AN OBJECT\n")
    _change(twins, "utime", "@store/.foreign", 1_400_000_000_500_000_000)
    _change(twins, "utime", "@copy/.foreign", 1_400_000_000_700_000_000)
    _assert_alike(twins, _copy(twins))
    assert twins.machine.files.read(twins.path("copy/.foreign")) == b"not an object\n"
    _assert_alike(twins, _copy(twins, "--checksum"))
    assert twins.machine.files.read(twins.path("copy/.foreign")) == b"NOT AN OBJECT\n"


def test_hard_links_are_made_and_undone(twins: Twins) -> None:
    _copy(twins)
    _change(twins, "write", "@store/a", b"1")
    _change(twins, "link", "@store/a", "@store/b")
    _change(twins, "write", "@copy/a", b"1")
    _change(twins, "write", "@copy/b", b"1")
    _settle(twins)
    _assert_alike(twins, _copy(twins))


def test_a_missing_source_and_a_missing_parent(twins: Twins) -> None:
    for source, destination in (("nowhere/", "copy/"), ("store/", "no/where/")):
        argv = ("rsync", *OPTIONS, "--", twins.path(source), twins.path(destination))
        real, model = twins.both(*argv)
        assert (model.status, FIGURES.findall(model.stdout)) == (real.status, FIGURES.findall(real.stdout))
        first = real.stderr.splitlines()[0]
        assert model.stderr.splitlines()[0] == first


# The file system is mounted in a namespace of the script's own, so that it is gone whatever becomes of the test.
ON_A_SMALL_DISK = """
set -e
mount -t tmpfs -o "$1" none "$2/small"
for round in 1 2; do
  status=0
  copy_once "$2" "$round" || status=$?
  echo "$status" >"$2/status$round"
  cp -a "$2/small/copy" "$2/result$round"
done
"""


def _on_a_small_disk(twins: Twins, size_bytes: int, inodes: int) -> Iterator[tuple[Answer, Answer, str]]:
    """Copy twice to a file system of so much room; the real answer, the model's, and where the real result lies."""
    for name, size in (("a", 900_000), ("big", 3_000_000), ("zz", 3)):
        _change(twins, "write", f"@store/{name}", b"x" * size)
        _change(twins, "utime", f"@store/{name}", 1_400_000_000 * 10**9)
    _change(twins, "mkdir", "@small")
    _settle(twins)
    copy = ["rsync", *OPTIONS, "--", twins.path("store/"), twins.path("small/copy/")]
    function = f'copy_once() {{ {shlex.join(copy)} >"$1/stdout$2" 2>"$1/stderr$2"; }}'
    script = ["sh", "-c", function + ON_A_SMALL_DISK, "sh", f"size={size_bytes},nr_inodes={inodes}", twins.root]
    ran = subprocess.run(["unshare", "-m", *script], env={**os.environ, "LC_ALL": "C"}, capture_output=True, timeout=60)
    if ran.returncode and b"permission denied" in ran.stderr.lower():
        pytest.skip("this machine does not let us mount a file system of a size of its own")
    assert ran.returncode == 0, ran.stderr
    twins.machine.files.add_volume(twins.path("small"), size_bytes, inodes)
    for number in (1, 2):
        told = [Path(twins.path(f"{name}{number}")).read_bytes() for name in ("status", "stdout", "stderr")]
        yield Answer(int(told[0]), told[1], told[2]), twins.model(*copy), twins.path(f"result{number}")


@pytest.fixture
def empty(tmp_path: Path) -> Twins:
    return make_twins(tmp_path, [])


def test_a_full_disk_ends_the_copy_and_keeps_the_part(empty: Twins) -> None:
    for real, model, result in _on_a_small_disk(empty, 2 * 1024**2, 100):
        assert (model.status, model.stdout) == (real.status, real.stdout) == (11, b"")
        assert model.stderr.splitlines()[0] == real.stderr.splitlines()[0]
        places = truth.walk(empty.machine.files, empty.path("small/copy")), disk_manifest(result)
        kept, expected = ([(e["path"], e["kind"], e["mtime_ns"]) for e in found[1:]] for found in places)
        assert kept == expected
        sizes, expected_sizes = ({e["path"]: e["size"] for e in found} for found in places)
        assert abs(int(str(sizes["big"])) - int(str(expected_sizes["big"]))) <= 8 * 4096, "directories take blocks here"


# With directories the real one makes some ahead of the files before them: only "none fits" is the same each time.
@pytest.mark.parametrize(("inodes", "directories"), [(4, 0), (2, 2)])
def test_without_inodes_the_rest_is_still_tried(empty: Twins, inodes: int, directories: int) -> None:
    for number in range(directories):
        _change(empty, "mkdir", f"@store/bucket{number}")
        _change(empty, "write", f"@store/bucket{number}/object", b"1")
    for real, model, result in _on_a_small_disk(empty, 16 * 1024**2, inodes):
        assert (model.status, FIGURES.findall(model.stdout)) == (real.status, FIGURES.findall(real.stdout))
        assert model.status == 23
        pattern = re.compile(rb"\.[0-9A-Za-z]{6}\"")
        told = [pattern.sub(b'."', answer.stderr).splitlines() for answer in (model, real)]
        said = [sorted(line for line in lines if line[:5] != b"rsync" or b"(28)" in line) for lines in told]
        assert said[0] == said[1]
        found = truth.walk(empty.machine.files, empty.path("small/copy"))
        assert [entry["path"] for entry in found] == [entry["path"] for entry in disk_manifest(result)]


def test_a_killed_copy_leaves_a_temporary_name_and_the_next_one_cleans_up(twins: Twins) -> None:
    argv = ("rsync", *OPTIONS, "--bwlimit=400", "--", twins.path("store/"), twins.path("copy/"))
    machine, simulation = twins.machine, twins.machine.simulation
    machine.start_job("copy", Call(argv))
    simulation.advance(2.0)
    assert machine.poll_job("copy")[0] == "running"
    machine.stop_job("copy")
    assert machine.poll_job("copy") == ("dead", None)
    left = set(machine.files.walk(twins.path("copy")))
    copied = {path for path in left if path.replace("/copy/", "/store/") in set(machine.files.walk(twins.root))}
    hidden = left - copied - {twins.path("copy")}
    assert len(hidden) == 1, "the file that was being written"
    assert hidden < {temporary_name(path.replace("/store/", "/copy/")) for path in machine.files.walk(twins.root)}
    simulation.advance(100.0)
    assert set(machine.files.walk(twins.path("copy"))) == left, "a dead process does nothing more"
    before = machine.files.received[twins.path("copy")]
    reply = machine.execute(Call(("rsync", *OPTIONS, "--", twins.path("store/"), twins.path("copy/"))))
    again = machine.files.received[twins.path("copy")] - before
    assert reply.exit_status == 0
    assert 0 < again < 2_500_000, "whole files are not copied again"
    store, copy = (truth.walk(machine.files, twins.path(name)) for name in ("store", "copy"))
    assert copy == store


def test_a_killed_real_copy_leaves_such_a_name_too(twins: Twins) -> None:
    argv = ["rsync", *OPTIONS, "--bwlimit=400", "--", twins.path("store/"), twins.path("copy/")]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    temporary = re.compile(r"\..*\.[0-9A-Za-z]{6}", re.DOTALL)
    deadline = time.monotonic() + 30
    found: list[str] = []
    while not found and time.monotonic() < deadline:
        time.sleep(0.05)
        paths = [os.path.join(at, name) for at, _, names in os.walk(twins.path("copy")) for name in names]
        known = {path.replace("/store/", "/copy/") for path in twins.machine.files.walk(twins.root)}
        found = [path for path in paths if path not in known and os.path.getsize(path)]
    os.killpg(process.pid, 9)
    process.wait(timeout=30)
    assert len(found) == 1
    assert temporary.fullmatch(os.path.basename(found[0]))


def test_an_unreadable_object_is_named_and_the_rest_copied(twins: Twins) -> None:
    machine = twins.machine
    machine.files.make_unreadable(twins.path("store/.foreign"))
    reply = machine.execute(Call(("rsync", *OPTIONS, "--", twins.path("store/"), twins.path("copy/"))))
    assert reply.exit_status == 23
    assert f'read errors mapping "{twins.path("store/.foreign")}": Input/output error (5)'.encode() in reply.stderr
    copied = {entry["path"] for entry in truth.walk(machine.files, twins.path("copy"))}
    assert copied == {entry["path"] for entry in disk_manifest(twins.path("store"))}
