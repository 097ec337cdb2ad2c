"""Manifests survive every name, and differences are said."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from harness.clock import WallClock
from harness.hosts.command import Answer, Command, Fence, Request, Result
from harness.hosts.host import Reader
from harness.systems import comparing, hashers, saved, store

NAMES = [b"plain", b"new\nline", b"back\\slash", b"-dash", b'"quoted"', b"caf\xe9", b"sp ace", b"\r", b"tab\t", b"'"]


class _ThisMachine:
    """Runs commands here, as the test's transport."""

    def send(self, request: Request, fence: Fence | None = None) -> Answer:
        assert isinstance(request, Command)
        argv = [os.fsencode(word) for word in request.argv]
        done = subprocess.run(argv, capture_output=True, timeout=60, check=False, env={**os.environ, "LC_ALL": "C"})
        return Result(done.returncode, done.stdout, done.stderr)

    def close(self) -> None: ...


@pytest.fixture
def here() -> Reader:
    return Reader("here", _ThisMachine(), WallClock())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "store"
    bucket = root / "bucket"
    bucket.mkdir(parents=True)
    for name in NAMES:
        (Path(os.fsdecode(os.fsencode(bucket) + b"/" + name))).write_bytes(name * 3)
    os.link(bucket / "plain", bucket / "twin")
    (bucket / "dangling").symlink_to("nowhere")
    os.setxattr(bucket / "plain", "user.note", b"\x00\xff")
    (root / "lost+found").mkdir()
    (root / "lost+found" / "debris").write_bytes(b"x")
    return root


def _full(here: Reader, root: Path) -> store.Manifest:
    hashed = here.read(hashers.hash_command(str(root), hashers.Hasher.SHA256SUM))
    listed = store.listing(here, str(root))
    hashes = store.hashes_in_order(hashed.pieces(), str(root))
    return store.manifest(store.complete(listed, hashes, store.extended_attributes(here, str(root))))


def _by_path(here: Reader, root: Path) -> dict[bytes, store.Entry]:
    return {entry.path: entry for entry in _full(here, root)}


def test_every_name_comes_back_with_its_hash(here: Reader, tree: Path) -> None:
    manifest = _by_path(here, tree)
    for name in NAMES:
        assert manifest[b"bucket/" + name].sha256 == hashlib.sha256(name * 3).hexdigest()


def test_links_attributes_and_targets_are_part_of_it(here: Reader, tree: Path) -> None:
    manifest = _by_path(here, tree)
    assert manifest[b"bucket/plain"].xattrs == (("user.note", "0x00ff"),)
    assert manifest[b"bucket/twin"].same_as == b"bucket/plain"
    assert manifest[b"bucket/dangling"].target == b"nowhere"


def test_lost_and_found_of_the_file_system_is_not(here: Reader, tree: Path) -> None:
    assert not [path for path in _by_path(here, tree) if b"lost" in path]


def test_a_saved_manifest_loads_equal(here: Reader, tree: Path, tmp_path: Path) -> None:
    manifest = _full(here, tree)
    digest = saved.save(manifest, tmp_path / "manifest")
    loaded = saved.load(tmp_path / "manifest")
    assert loaded == manifest
    assert digest == saved.digest(loaded) == saved.digest_of(tmp_path / "manifest")


def test_each_kind_of_difference_is_said(here: Reader, tree: Path) -> None:
    before = _full(here, tree)
    (tree / "bucket" / "plain").chmod(0o600)
    (tree / "bucket" / "extra").write_bytes(b"")
    os.unlink(os.fsencode(tree) + b"/bucket/new\nline")
    said = " | ".join(comparing.differences(before, _full(here, tree)))
    assert "bucket/extra is extra" in said
    assert r"bucket/new\nline is missing" in said
    assert "bucket/plain: mode" in said


@pytest.mark.parametrize(
    ("was", "there", "passes"),
    [
        ("1356998400.1234567890", "1356998400.0000000000", True),
        ("1356998400.0000000000", "1356998400.0000000000", True),
        ("1356998400.1234567890", "1356998400.1000000000", False),
        ("1356998400.1234567890", "1356998401.0000000000", False),
        ("1356998399.9000000000", "1356998400.0000000000", False),
        ("1356998400.1234567890", "135699840.0000000000", False),
        ("-1.5000000000", "-2.0000000000", True),
        ("-1.5000000000", "-1.0000000000", False),
    ],
)
def test_a_copy_may_have_lost_the_fraction_of_a_second(was: str, there: str, passes: bool) -> None:
    """rsync before 3.1 does not carry it; a store that was not copied has no such excuse."""
    one = store.Entry(b"bucket/object", "file", 3, 0o644, 498, 498, was, b"", b"")
    before, after = [one], [one._replace(mtime=there)]
    assert (comparing.differences(before, after, copied=True) == []) is passes
    assert (comparing.differences(before, after) == []) is (was == there)


def test_a_changed_byte_shows_although_size_and_time_agree(here: Reader, tree: Path) -> None:
    before = _full(here, tree)
    victim = tree / "bucket" / "plain"
    status = victim.stat()
    victim.write_bytes(b"q" * status.st_size)
    os.utime(victim, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = _full(here, tree)
    assert [said.split(":")[0] for said in comparing.differences(before, after)] == ["bucket/plain", "bucket/twin"]
    assert not comparing.differences(before, after, by_listing=True)
