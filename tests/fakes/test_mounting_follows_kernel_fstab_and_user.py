"""Who may mount and unmount what, in the words of util-linux 2.38 and of 2.17 (CentOS 6, with DRBD 8.3).

2.38 is measured in tests/conformance; 2.17 follows its sources (tag v2.17.2: mount/mount.c, mount/umount.c).
"""

from __future__ import annotations

import pytest

from fakes.program import UnsupportedInvocation
from tests.fakes.pair import Pair

EUCALYPTUS = "eucalyptus"


@pytest.fixture(params=["8.3", "8.4"])
def pair(request: pytest.FixtureRequest) -> Pair:
    return Pair(request.param).skipped()


@pytest.fixture
def old() -> Pair:
    return Pair("8.3").skipped()


def test_eucalyptus_mounts_and_unmounts_what_fstab_lets_it(pair: Pair) -> None:
    assert pair.run(pair.one, "mount /dev/drbd1", EUCALYPTUS).exit_status == 0
    assert pair.row(pair.one).mounts[-1].user == EUCALYPTUS
    assert "/dev/drbd1 /m ext4 rw,nosuid,nodev,relatime 0 0\n" in pair.ok(pair.one, "cat /proc/mounts")
    assert pair.run(pair.one, "umount /dev/drbd1", EUCALYPTUS).exit_status == 0
    assert not pair.row(pair.one).mounts


def test_what_root_mounted_eucalyptus_cannot_unmount(old: Pair) -> None:
    old.ok(old.one, "mount /dev/drbd1")
    old.fails(old.one, "umount /dev/drbd1", 2, "umount: only root can unmount /dev/drbd1 from /m\n", EUCALYPTUS)


def test_a_mount_elsewhere_disagrees_with_fstab(old: Pair) -> None:
    old.ok(old.one, "mount -t ext4 /dev/drbd1 /n")
    old.fails(old.one, "umount /dev/drbd1", 2, "umount: /dev/drbd1 mount disagrees with the fstab\n", EUCALYPTUS)


def test_a_device_mounted_twice_is_not_unmounted_by_eucalyptus(old: Pair) -> None:
    old.ok(old.one, "mount /dev/drbd1", "mount -t ext4 /dev/drbd1 /n")
    old.fails(old.one, "umount /dev/drbd1", 2, "it seems /dev/drbd1 is mounted multiple times", EUCALYPTUS)


def test_a_device_outside_fstab_is_not_unmounted_by_eucalyptus(old: Pair) -> None:
    old.one.files.write("/etc/fstab", b"# nothing\n\nproc /proc proc\n")
    old.ok(old.one, "mount -t ext4 /dev/drbd1 /n")
    old.fails(old.one, "umount /n", 2, "umount: /n is not in the fstab (and you are not root)\n", EUCALYPTUS)


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("mount /dev/sdb", 1, "mount: only root can mount /dev/sdb on /n\n"),
        ("mount -t ext4 /dev/drbd1 /n", 1, "mount: only root can do that\n"),
        ("mount /dev/nosuch", 1, "mount: can't find /dev/nosuch in /etc/fstab or /etc/mtab\n"),
        ("umount /n", 2, "umount: /n is not mounted (according to mtab)\n"),
    ],
)
def test_what_others_than_root_may_not_do(old: Pair, line: str, status: int, words: str) -> None:
    old.fails(old.one, line, status, words, EUCALYPTUS)


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("mount -t xfs /dev/drbd1 /n", 32, "mount: wrong fs type, bad option, bad superblock on /dev/drbd1,\n"),
        ("mount -t ext4 /dev/nosuch /n", 32, "mount: special device /dev/nosuch does not exist\n"),
        ("mount -t ext4 /dev/drbd1 /nosuch", 32, "mount: mount point /nosuch does not exist\n"),
        ("mount -t ext4 /dev/drbd1 /etc/fstab", 32, "mount: mount point /etc/fstab is not a directory\n"),
        ("mount -t ext4 /dev/sdb /n", 32, "mount: /dev/sdb already mounted or /n busy\n"),
        ("mount /dev/sdb", 32, "mount: /dev/sdb already mounted or /n busy\n"),
        ("umount /n", 1, "umount: /n: not mounted\n"),
        ("umount /nosuch", 1, "umount: /nosuch: not found\n"),
    ],
)
def test_what_root_is_told(old: Pair, line: str, status: int, words: str) -> None:
    old.fails(old.one, line, status, words)


def test_a_secondary_has_the_wrong_medium(old: Pair) -> None:
    old.fails(
        old.other, "mount /dev/drbd1", 32, "mount: block device /dev/drbd1 is write-protected, mounting read-only\n"
    )


def test_mounting_again_in_the_same_place_is_refused(pair: Pair) -> None:
    pair.ok(pair.one, "mount /dev/drbd1")
    pair.fails(pair.one, "mount /dev/drbd1", 32, "already mounted")


def test_a_program_that_holds_the_device_keeps_it_mounted(pair: Pair) -> None:
    pair.ok(pair.one, "mount /dev/drbd1")
    pair.side(pair.one).opened_by.append("bucket log")
    pair.fails(pair.one, "umount /m", 1 if pair.world.state.version == "8.3" else 32, "busy")
    pair.side(pair.one).opened_by.remove("bucket log")
    pair.ok(pair.one, "umount /m")


def test_a_link_in_the_path_is_followed(pair: Pair) -> None:
    pair.one.files.mkdir("/real")
    pair.one.files.symlink("../real", "/etc/store")
    pair.ok(pair.one, "mount -t ext4 /dev/drbd1 /etc/store")
    assert pair.row(pair.one).mounts[-1].at == "/real"
    pair.ok(pair.one, "umount /etc/store")


def test_space_in_a_mount_point_is_written_in_octal(pair: Pair) -> None:
    pair.one.files.mkdir("/with space")
    pair.ok(pair.one, "mount -t ext4 /dev/drbd1 '/with space'")
    assert "/dev/drbd1 /with\\040space ext4 " in pair.ok(pair.one, "cat /proc/mounts")
    assert "drbd1 disk /with\\x20space\n" in pair.ok(pair.one, "lsblk -n -r -o NAME,TYPE,MOUNTPOINT /dev/sdb")


def test_what_mounting_hid_is_there_again_afterwards(pair: Pair) -> None:
    pair.one.files.write("/m/hidden", b"")
    pair.ok(pair.one, "mount /dev/drbd1")
    assert not pair.one.files.exists("/m/hidden")
    pair.ok(pair.one, "umount /m")
    assert pair.one.files.exists("/m/hidden")


def test_swap_is_no_file_system(pair: Pair) -> None:
    pair.ok(pair.other, "drbdadm down r0")
    disk = pair.disk(pair.other)
    disk.metadata, disk.signature = None, "swap"
    pair.other.files.write("/etc/fstab", b"/dev/sdb /n auto noauto 0 0\n")
    pair.fails(pair.other, "mount /dev/sdb", 32, "unknown filesystem type 'swap'")


@pytest.mark.parametrize("options", ["remount,ro", "bind", "loop", "data=journal"])
def test_options_that_are_not_modelled_are_refused(pair: Pair, options: str) -> None:
    with pytest.raises(UnsupportedInvocation):
        pair.run(pair.one, f"mount -o {options} /dev/drbd1 /m")
