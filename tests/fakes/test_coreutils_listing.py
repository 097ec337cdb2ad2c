"""The models of find, of what hashes, getfattr, stat, df and du print what the real ones print of the same tree."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from fakes.memory import Usage
from fakes.programs.listing import block_table, inode_table
from fakes.seeding import plan_store
from tests.fakes.twins import Twins, make_twins, needs, needs_root

pytestmark = [needs_root, needs("find", "sha256sum", "openssl", "stat", "df", "du", "getfattr")]

LISTING = r"%y\0%s\0%m\0%U\0%G\0%T@\0%C@\0%n\0%D:%i\0%P\0%l\0"


@pytest.fixture
def twins(tmp_path: Path) -> Twins:
    return make_twins(tmp_path, plan_store(40, 300_000, seed=7, hostile=True))


def _records(output: bytes, fields: int) -> list[list[bytes]]:
    parts = output.split(b"\0")
    assert len(parts) % fields == 1
    return sorted(parts[at : at + fields] for at in range(0, len(parts) - 1, fields))


def _with_links_named(records: list[list[bytes]]) -> list[list[bytes]]:
    """Inode numbers differ between file systems; which names share one does not. Change times are those of the twins'
    making: of them only the form is compared."""
    first: dict[bytes, bytes] = {}
    for record in records:
        record[6] = re.sub(rb"[0-9]", b"0", record[6])
        record[8] = first.setdefault(record[8], record[9])
    return records


def test_find_lists_every_property(twins: Twins) -> None:
    real, model = twins.both("find", twins.path("store"), "-xdev", "-printf", LISTING)
    assert _with_links_named(_records(model.stdout, 11)) == _with_links_named(_records(real.stdout, 11))
    assert (model.status, model.stderr) == (real.status, real.stderr) == (0, b"")


def test_find_lists_children(twins: Twins) -> None:
    format_ = r"%y\0%P\0"
    real, model = twins.both("find", twins.path("store"), "-mindepth", "1", "-maxdepth", "1", "-printf", format_)
    assert _records(model.stdout, 2) == _records(real.stdout, 2)


@pytest.mark.parametrize("start", ["store/empty-bucket", "store/.foreign"])
def test_find_of_a_leaf(twins: Twins, start: str) -> None:
    real, model = twins.both("find", twins.path(start), "-xdev", "-printf", r"%y\0%s\0%P\0")
    assert model == real


def test_find_hashes_every_file(twins: Twins) -> None:
    argv = ("find", twins.path("store"), "-xdev", "-type", "f", "-exec", "sha256sum", "-b", "--", "{}", "+")
    real, model = twins.both(*argv)
    assert sorted(model.stdout.split(b"\n")) == sorted(real.stdout.split(b"\n"))
    assert model.stdout.count(b"\n\\") > 1, "escaped names are among them"


def test_find_advises_the_cache_once_a_file(twins: Twins) -> None:
    dd = ("dd", "if={}", "of=/dev/null", "iflag=nocache", "count=0", ";")
    real, model = twins.both("find", twins.path("store"), "-xdev", "-type", "f", "-exec", *dd)
    assert (model.status, model.stdout) == (real.status, real.stdout)
    assert model.stderr.count(b"records in") == real.stderr.count(b"records in")


def test_sha256sum_of_named_files(twins: Twins) -> None:
    paths = [twins.path("store/.foreign"), twins.path("nowhere"), twins.path("store")]
    real, model = twins.both("sha256sum", "-b", "--", *paths)
    assert model == real


def test_openssl_of_named_files(twins: Twins) -> None:
    paths = [twins.path(name) for name in ("store/.foreign", "nowhere", "store", "new\nline", "back\\slash", "cr\rx")]
    for path in paths[3:]:
        Path(path).write_bytes(b"x")
        twins.machine.files.write(path, b"x")
    real, model = twins.both("openssl", "dgst", "-sha256", "-r", *paths)
    assert (model.status, model.stdout) == (real.status, real.stdout)
    assert _without_places(model.stderr) == _without_places(real.stderr)
    many = [twins.path(f"nowhere{number}") for number in range(20)]
    real, model = twins.both("openssl", "dgst", "-sha256", "-r", *many)
    assert (model.status, _without_places(model.stderr)) == (real.status, _without_places(real.stderr))


def _without_places(said: bytes) -> bytes:
    """openssl names its thread, and the line of its source, which moves from version to version."""
    return re.sub(rb"(?m)^[0-9A-F]{16}(?=:error:)|(?<=bss_file\.c:)[0-9]+", b"", said)


def test_find_hashes_what_has_a_plain_name_by_openssl(twins: Twins) -> None:
    by_sha256sum = ("-exec", "sha256sum", "-b", "--", "{}", "+")
    by_openssl = ("-exec", "openssl", "dgst", "-sha256", "-r", "{}", "+")
    each = ("(", "-path", r"*[\\[:cntrl:]]*", *by_sha256sum, "-o", *by_openssl, ")")
    real, model = twins.both("find", twins.path("store"), "-xdev", "-type", "f", *each)
    assert sorted(model.stdout.split(b"\n")) == sorted(real.stdout.split(b"\n"))
    assert model.stdout.count(b"\n\\") > 1, "escaped names are among them"


def test_openssl_that_is_not_there_is_missed_alike(twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = Path(twins.path("programs"))
    programs.mkdir()
    for name in ("find", "xargs", "sha256sum"):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(programs))
    twins.machine.missing_programs.add("openssl")
    by_openssl = ("-exec", "openssl", "dgst", "-sha256", "-r", "{}", "+")
    each = ("(", "-path", r"*[\\[:cntrl:]]*", "-exec", "sha256sum", "-b", "--", "{}", "+", "-o", *by_openssl, ")")
    real, model = twins.both("find", twins.path("store"), "-xdev", "-type", "f", *each)
    assert (model.status, model.stderr) == (real.status, real.stderr)
    assert sorted(model.stdout.split(b"\n")) == sorted(real.stdout.split(b"\n"))


def test_getfattr_of_the_tree(twins: Twins) -> None:
    options = ("-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", "--")
    real, model = twins.both("getfattr", *options, twins.path("store"))
    assert sorted(model.stdout.split(b"\n\n")) == sorted(real.stdout.split(b"\n\n"))
    assert b"user.empty" in real.stdout
    assert (model.status, model.stderr) == (real.status, real.stderr)
    assert twins.model("getfattr", *options, twins.path("no")) == twins.real("getfattr", *options, twins.path("no"))


def test_getfattr_escapes_names_alike(twins: Twins) -> None:
    for name in ("new\nline", "cr\rx", "back\\slash", "equals=sign", 'quo"te', "tab\tx", "\udcff", "\x01"):
        path = twins.path(name)
        Path(path).touch()
        os.setxattr(path, "user.a", b"1")
        twins.machine.files.write(path, b"")
        twins.machine.files.set_xattr(path, "user.a", b"1")
    argv = ("getfattr", "-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", "--", twins.root)
    real, model = twins.both(*argv)
    assert sorted(model.stdout.split(b"\n\n")) == sorted(real.stdout.split(b"\n\n"))


def test_stat_of_each_kind(twins: Twins) -> None:
    for path in (twins.path("empty-file"), twins.path("file")):
        Path(path).write_bytes(b"1" if path.endswith("/file") else b"")
        twins.machine.files.write(path, Path(path).read_bytes())
        os.utime(path, ns=(1, 1))
        twins.machine.files.utime(path, 1)
    for below in ("empty-file", "file", "store", "store/.foreign", "store/empty-bucket", "nowhere", "store/.foreign/x"):
        real, model = twins.both("stat", "-c", "%F|%a|%u|%g|%s|%Y|%t|%T", "--", twins.path(below))
        assert model == real, below
    links = [path for path in twins.machine.files.walk(twins.root) if twins.machine.files.stat(path).kind == "symlink"]
    assert len(links) == 2
    for link in links:
        real, model = twins.both("stat", "-c", "%F|%a|%s", "--", link)
        assert model == real, link


def test_du_counts_allocated_blocks_once(twins: Twins) -> None:
    # What a hole or an attribute block takes is the file system's own affair.
    os.unlink(next(Path(twins.path("store")).rglob("holes")))
    twins.machine.files.unlink(next(path for path in twins.machine.files.walk(twins.root) if path.endswith("/holes")))
    real, model = twins.both("du", "-s", "-k", "--", twins.path("store"))
    assert model.stdout.split(b"\t")[1] == real.stdout.split(b"\t")[1]
    assert abs(int(model.stdout.split()[0]) - int(real.stdout.split()[0])) <= 8
    real, model = twins.both("du", "-s", "-k", "--", twins.path("nowhere"))
    assert model == real


@pytest.mark.parametrize("at", ["/", "/dev/shm", "/proc"])
def test_df_lays_out_its_table_as_the_real_one(twins: Twins, at: str) -> None:
    for unit, table in (("-k", block_table), ("-i", inode_table)):
        real = twins.real("df", "-P", unit, "--", at).stdout
        source, mounted_on = re.split(rb" +", real.splitlines()[-1])[0].decode(), real.split()[-1].decode()
        found = os.statvfs(at)
        total, free_to_all = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
        used = total - found.f_bfree * found.f_frsize
        usage = Usage(source, mounted_on, total, used, free_to_all, found.f_files, found.f_ffree)
        assert table(usage).split(b"\n")[0] == real.split(b"\n")[0]
        assert [re.sub(rb"[0-9]", b"9", line) for line in table(usage).splitlines()] == [
            re.sub(rb"[0-9]", b"9", line) for line in real.splitlines()
        ]


def test_df_tells_the_file_system_that_holds_a_path(twins: Twins) -> None:
    twins.machine.files.mkdir("/newlocation")
    twins.machine.files.add_volume("/newlocation", 10 * 1024**2, inodes=100, source="/dev/sdc1")
    twins.machine.files.write("/newlocation/x", b"1" * 5000)
    blocks = twins.model("df", "-P", "-k", "--", "/newlocation/x").stdout.split()
    assert blocks[-6:] == [b"/dev/sdc1", b"10240", b"12", b"10228", b"1%", b"/newlocation"]
    inodes = twins.model("df", "-P", "-i", "--", "/newlocation").stdout.split()
    assert inodes[-6:] == [b"/dev/sdc1", b"100", b"2", b"98", b"2%", b"/newlocation"]
    real, model = twins.both("df", "-P", "-k", "--", twins.path("nowhere"))
    assert model == real
