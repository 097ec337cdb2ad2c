"""openssl hashes where it gave the known answer just now, and gives the same lines as sha256sum for every name."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.clock import WallClock
from harness.hosts.command import Answer, Command, Fence, Request, Result
from harness.hosts.host import Reader
from harness.systems import hashers, store
from harness.systems.hashers import Hasher

NAMES = [
    b"plain",
    b"-dash",
    b" *x",
    b"caf\xe9",
    b"new\nline",
    b"back\\slash",
    b"\\n",
    b"a\\\nb",
    b"\r",
    b"tab\t",
    b"\x01",
]
RIGHT = shutil.which("openssl")
USELESS = {
    "older than -r": "echo \"unknown option '-r'\" >&2; exit 1",
    "silent": "exit 0",
    "wrong": f"echo '{hashlib.sha256().hexdigest()} *stdin'",
    "another form": f"{RIGHT} dgst -sha256",
    "in capitals": f'{RIGHT} "$@" | tr a-f A-F',
    "more lines": f'{RIGHT} "$@"; echo more',
    "right, and fails": f'{RIGHT} "$@"; exit 3',
    "hashes by something else": f"{RIGHT} dgst -sha512-256 -r",
    "forbidden to": f'{RIGHT} "$@" -provider fips',
}
needs_openssl = pytest.mark.skipif(RIGHT is None, reason="not installed here: openssl")


class _ThisMachine:
    """Runs commands here, with some programs of its own before those of this machine."""

    def __init__(self, programs: Path) -> None:
        self._environment = {**os.environ, "LC_ALL": "C", "PATH": f"{programs}:{os.environ['PATH']}"}

    def send(self, request: Request, fence: Fence | None = None) -> Answer:
        assert isinstance(request, Command)
        # As a shell does: what is not there ends with status 127.
        argv = [b"env", *(os.fsencode(word) for word in request.argv)]
        done = subprocess.run(
            argv, input=request.stdin, capture_output=True, env=self._environment, timeout=60, check=False
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def close(self) -> None: ...


@pytest.fixture
def here(tmp_path: Path) -> Reader:
    return Reader("here", _ThisMachine(tmp_path), WallClock())


def _is(text: str, folder: Path) -> None:
    (folder / "openssl").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "openssl").chmod(0o755)


@needs_openssl
def test_one_that_gives_the_known_answer_is_used(here: Reader) -> None:
    assert hashers.hasher_of(here) is Hasher.OPENSSL


@needs_openssl
@pytest.mark.parametrize("text", USELESS.values(), ids=USELESS.keys())
def test_any_other_is_not(text: str, here: Reader, tmp_path: Path) -> None:
    _is(text, tmp_path)
    assert hashers.hasher_of(here) is Hasher.SHA256SUM


def test_none_at_all_is_not_used(here: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    os.symlink("/usr/bin/env", tmp_path / "env")
    monkeypatch.setenv("PATH", str(tmp_path))
    alone = Reader("here", _ThisMachine(tmp_path), WallClock())
    assert hashers.hasher_of(alone) is Hasher.SHA256SUM


def test_the_known_answer_is_right() -> None:
    """What proves others was not computed by them."""
    assert f"{hashlib.sha256(hashers._KNOWN).hexdigest()} *stdin\n".encode() == hashers._ITS_LINE


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "store"
    (root / "back\\slashed").mkdir(parents=True)
    for name in NAMES:
        for directory in (root, root / "back\\slashed"):
            Path(os.fsdecode(os.fsencode(directory) + b"/" + name)).write_bytes(name * 3)
    (root / "large").write_bytes(bytes(range(256)) * 8192)
    return root


@needs_openssl
@pytest.mark.parametrize("hasher", Hasher)
def test_every_name_comes_back_with_its_hash(hasher: Hasher, here: Reader, tree: Path) -> None:
    there = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    wanted = {os.fsencode(path.relative_to(tree)): hashlib.sha256(held).hexdigest() for path, held in there.items()}
    assert len(wanted) == 2 * len(NAMES) + 1
    whole = here.read(hashers.hash_command(str(tree), hasher))
    assert dict(store.hashes_in_order(whole.pieces(), str(tree))) == wanted
    some = here.read(hashers.hash_some_command(str(tree), wanted, hasher))
    assert dict(store.hashes_in_order(some.pieces(), str(tree))) == wanted


@needs_openssl
def test_names_that_it_prints_as_they_are_go_to_it(tree: Path) -> None:
    plain = [b"plain", b"-dash", b" *x", b"caf\xe9"]
    assert "openssl" in hashers.hash_some_command(str(tree), plain, Hasher.OPENSSL).argv
    for name in set(NAMES) - set(plain):
        assert "sha256sum" in hashers.hash_some_command(str(tree), [*plain, name], Hasher.OPENSSL).argv, name


@needs_openssl
@pytest.mark.parametrize("hasher", Hasher)
def test_what_cannot_be_read_has_no_line_and_the_rest_has(hasher: Hasher, here: Reader, tree: Path) -> None:
    command = hashers.hash_some_command(str(tree), [b"plain", b"gone", b"large"], hasher)
    answer = here.ask(command)
    assert not answer.ok
    assert b"gone" in answer.stderr
    assert [path for path, _ in store.hashes_in_order(answer.pieces(), str(tree))] == [b"large", b"plain"]


@needs_openssl
@pytest.mark.parametrize("hasher", Hasher)
def test_the_last_words_name_the_file_and_say_why(hasher: Hasher, here: Reader) -> None:
    command = hashers.hash_some_command("/proc/self", [b"status", b"mem"], hasher)
    (*_, last) = hashers.plainly(here.ask(command)).stderr.splitlines()
    assert b"/proc/self/mem" in last
    assert b"Input/output error" in last


@needs_openssl
def test_one_that_went_away_since_fails_the_reading(here: Reader, tree: Path, tmp_path: Path) -> None:
    _is("exit 127", tmp_path)
    assert not here.ask(hashers.hash_command(str(tree), Hasher.OPENSSL)).ok
