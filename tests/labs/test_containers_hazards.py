"""Every hazard that a scenario can plant is really there, on the host that it names and on no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from harness.labs.containers import ContainersLab
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, Opened, Start, StoreSpec
from harness.trials.hazards import Differs
from tests.labs.test_containers import ask, node

pytestmark = pytest.mark.xdist_group("containers")

DIFFERS = {
    "store_is_symlink": True,
    "uid_differs": True,
    "additional_device_bytes": 512 * 1024**2,
    "device_signature": {"additional": "xfs"},
    "fstab_line": {"host": "original", "line": "LABEL=bukkits /var/lib/eucalyptus/bukkits ext3 defaults 0 0"},
    "uname": {"additional": "other-name"},
    "os_release": {"additional": "CentOS release 6.4 (Final)"},
    "drbd_port_blocked": True,
    "key_sync_fails": True,
    "listening_port": {"host": "original", "port": 7790},
    "eucalyptus_version": {"additional": "3.1.0"},
    "storagedir": "/srv/elsewhere",
    "missing_program": {"host": "additional", "program": "rsync"},
    "next_enabled": "walrus01",
    "file": {"host": "additional", "path": "/etc/other.conf", "line": "resource r0 { protocol C; }"},
    "drbd_version": {"additional": "8.3"},
    "openssl": {"original": "old", "additional": "absent"},
    "missing_init_script": "additional",
}


@pytest.fixture(scope="module")
def lab(require_lab: Callable[[str], None]) -> Iterator[Opened]:
    require_lab("containers")
    with ContainersLab().open(Start(store=StoreSpec(objects=3, bytes=3000), differs=DIFFERS)) as opened:
        yield opened


def test_every_hazard_of_the_model_is_planted_here() -> None:
    assert {*DIFFERS, "other_drbd_mount"} == set(Differs.model_fields), "all but what the lab refuses"


def test_the_store_is_a_symbolic_link_and_its_objects_are_behind_it(lab: Opened) -> None:
    assert ask(lab, ORIGINAL, "stat", "-c", "%F", "--", "/var/lib/eucalyptus/bukkits").text == "symbolic link\n"
    assert ask(lab, ADDITIONAL, "stat", "-c", "%F", "--", "/var/lib/eucalyptus/bukkits").text == "directory\n"
    assert len(lab.truth.manifest(ORIGINAL, "store").entries) > 3


def test_the_numbers_of_the_user_differ(lab: Opened) -> None:
    found = [
        ask(lab, role, "id", option, "eucalyptus").text for role in (ORIGINAL, ADDITIONAL) for option in ("-u", "-g")
    ]
    assert found == ["498\n", "498\n", "499\n", "499\n"]


def test_devices_differ(lab: Opened) -> None:
    sizes = [ask(lab, role, "blockdev", "--getsize64", "/dev/sdb").text for role in (ORIGINAL, ADDITIONAL)]
    assert sizes == [f"{1024**3}\n", f"{512 * 1024**2}\n"]
    assert [ask(lab, role, "blkid", "-p", "/dev/sdb").exit_status for role in (ORIGINAL, ADDITIONAL)] == [2, 0]
    assert 'TYPE="xfs"' in ask(lab, ADDITIONAL, "blkid", "-p", "/dev/sdb").text


@pytest.mark.parametrize(
    ("path", "role", "line"),
    [
        ("/etc/fstab", ORIGINAL, "LABEL=bukkits /var/lib/eucalyptus/bukkits ext3 defaults 0 0"),
        ("/etc/redhat-release", ADDITIONAL, "CentOS release 6.4 (Final)"),
        ("/etc/eucalyptus/eucalyptus-version", ADDITIONAL, "3.1.0"),
        ("/etc/other.conf", ADDITIONAL, "resource r0 { protocol C; }"),
    ],
)
def test_files_differ(lab: Opened, path: str, role: str, line: str) -> None:
    other = ADDITIONAL if role == ORIGINAL else ORIGINAL
    assert line in ask(lab, role, "cat", path).text.splitlines()
    assert line not in ask(lab, other, "cat", path).text.splitlines()


def test_the_hosts_bring_different_drbd(lab: Opened) -> None:
    found = [ask(lab, role, "modinfo", "-F", "version", "drbd").text for role in (ORIGINAL, ADDITIONAL)]
    assert [version[:4] for version in found] == ["8.4.", "8.3."]


def test_a_host_calls_itself_otherwise_than_the_inventory(lab: Opened) -> None:
    assert ask(lab, ADDITIONAL, "uname", "-n").text == "other-name\n"
    assert node(lab, ADDITIONAL).uname == "walrus01"


def test_the_drbd_port_does_not_answer_and_its_neighbour_does(lab: Opened) -> None:
    peer = str(node(lab, ADDITIONAL).replication_address)
    probe = ("timeout", "2", "bash", "-c", 'exec 3<>"/dev/tcp/$0/$1"', peer)
    assert ask(lab, ORIGINAL, *probe, "7789").exit_status == 124
    neighbour = ask(lab, ORIGINAL, *probe, "7788")
    assert neighbour.exit_status == 1
    assert b"Connection refused" in neighbour.stderr
    assert ask(lab, ORIGINAL, *probe, "22").ok


def test_another_program_listens(lab: Opened) -> None:
    port = f":{7790:04X} "
    assert port in ask(lab, ORIGINAL, "cat", "/proc/net/tcp").text
    assert port not in ask(lab, ADDITIONAL, "cat", "/proc/net/tcp").text


def test_a_program_is_missing(lab: Opened) -> None:
    assert [ask(lab, role, "which", "rsync").exit_status for role in (ORIGINAL, ADDITIONAL)] == [0, 1]


def test_an_openssl_is_old_or_not_there(lab: Opened) -> None:
    old, absent = (ask(lab, role, "openssl", "dgst", "-sha256", "-r", "/dev/null") for role in (ORIGINAL, ADDITIONAL))
    assert (old.exit_status, old.stderr.splitlines()[0]) == (1, b"unknown option '-r'")
    assert absent.exit_status == 127


def test_the_cloud_says_another_directory(lab: Opened) -> None:
    assert "PROPERTY\twalrus.storagedir\t/srv/elsewhere" in ask(lab, CLC, "euca-describe-properties").text


def test_the_init_script_of_drbd_is_missing_on_one_side(lab: Opened) -> None:
    found = [ask(lab, role, "chkconfig", "--list", "drbd") for role in (ORIGINAL, ADDITIONAL)]
    assert [answer.ok for answer in found] == [True, False]
