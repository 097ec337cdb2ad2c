"""What mount and umount say, in util-linux 2.38 (with DRBD 8.4) and 2.17 (the hosts of 8.3)."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Said(NamedTuple):
    """A complaint and the exit status that goes with it."""

    text: str
    exit_status: int


class Words(Protocol):
    """The complaints of one generation."""

    def not_in_fstab(self, what: str) -> Said: ...
    def only_root_mounts(self, device: str, at: str, in_fstab: bool) -> Said: ...
    def no_mount_point(self, at: str) -> Said: ...
    def not_a_directory(self, at: str) -> Said: ...
    def no_device(self, device: str, at: str) -> Said: ...
    def wrong_medium(self, device: str, at: str) -> Said: ...
    def unknown_type(self, kind: str, at: str) -> Said: ...
    def wrong_type(self, device: str, at: str) -> Said: ...
    def busy_device(self, device: str, at: str) -> Said: ...
    def mounted_there(self, device: str, at: str) -> Said: ...
    def not_mounted(self, what: str, by_root: bool, exists: bool) -> Said: ...
    def only_root_unmounts(self, device: str, at: str, what: str, times: int, reason: str) -> Said: ...
    def busy_target(self, at: str) -> Said: ...


_SEE_LOG = "       dmesg(1) may have more information after failed mount system call.\n"


class Words238:
    """util-linux 2.38."""

    def _failed(self, at: str, text: str) -> Said:
        return Said(f"mount: {at}: {text}.\n{_SEE_LOG}", 32)

    def not_in_fstab(self, what: str) -> Said:
        return Said(f"mount: {what}: can't find in /etc/fstab.\n", 1)

    def only_root_mounts(self, device: str, at: str, in_fstab: bool) -> Said:
        return self._failed(at, "must be superuser to use mount")

    def no_mount_point(self, at: str) -> Said:
        return self._failed(at, "mount point does not exist")

    def not_a_directory(self, at: str) -> Said:
        return self._failed(at, "mount point is not a directory")

    def no_device(self, device: str, at: str) -> Said:
        return self._failed(at, f"special device {device} does not exist")

    def wrong_medium(self, device: str, at: str) -> Said:
        return self._failed(at, "mount(2) system call failed: Wrong medium type")

    def unknown_type(self, kind: str, at: str) -> Said:
        return self._failed(at, f"unknown filesystem type '{kind}'")

    def wrong_type(self, device: str, at: str) -> Said:
        causes = f"wrong fs type, bad option, bad superblock on {device}, missing codepage or helper program"
        return self._failed(at, f"{causes}, or other error")

    def busy_device(self, device: str, at: str) -> Said:
        return self._failed(at, f"{device} already mounted or mount point busy")

    def mounted_there(self, device: str, at: str) -> Said:
        return self._failed(at, f"{device} already mounted on {at}")

    def not_mounted(self, what: str, by_root: bool, exists: bool) -> Said:
        if not by_root:
            return Said(f"umount: {what}: not mounted.\n", 1)
        return Said(f"umount: {what}: {'not mounted' if exists else 'no mount point specified'}.\n", 32)

    def only_root_unmounts(self, device: str, at: str, what: str, times: int, reason: str) -> Said:
        return Said(f"umount: {at}: must be superuser to unmount.\n", 32)

    def busy_target(self, at: str) -> Said:
        return Said(f"umount: {at}: target is busy.\n", 32)


class Words217:
    """util-linux-ng 2.17.2, the one of RHEL 6 and CentOS 6."""

    def not_in_fstab(self, what: str) -> Said:
        return Said(f"mount: can't find {what} in /etc/fstab or /etc/mtab\n", 1)

    def only_root_mounts(self, device: str, at: str, in_fstab: bool) -> Said:
        return Said(f"mount: only root can {f'mount {device} on {at}' if in_fstab else 'do that'}\n", 1)

    def no_mount_point(self, at: str) -> Said:
        return Said(f"mount: mount point {at} does not exist\n", 32)

    def not_a_directory(self, at: str) -> Said:
        return Said(f"mount: mount point {at} is not a directory\n", 32)

    def no_device(self, device: str, at: str) -> Said:
        return Said(f"mount: special device {device} does not exist\n", 32)

    def wrong_medium(self, device: str, at: str) -> Said:
        return Said(
            f"mount: block device {device} is write-protected, mounting read-only\nmount: Wrong medium type\n", 32
        )

    def unknown_type(self, kind: str, at: str) -> Said:
        return Said(f"mount: unknown filesystem type '{kind}'\n", 32)

    def wrong_type(self, device: str, at: str) -> Said:
        return Said(
            f"mount: wrong fs type, bad option, bad superblock on {device},\n"
            "       missing codepage or helper program, or other error\n"
            "       In some cases useful info is found in syslog - try\n       dmesg | tail  or so\n\n",
            32,
        )

    def busy_device(self, device: str, at: str) -> Said:
        return Said(f"mount: {device} already mounted or {at} busy\n", 32)

    def mounted_there(self, device: str, at: str) -> Said:
        return Said(
            f"mount: {device} already mounted or {at} busy\n"
            f"mount: according to mtab, {device} is already mounted on {at}\n",
            32,
        )

    def not_mounted(self, what: str, by_root: bool, exists: bool) -> Said:
        if not by_root:
            return Said(f"umount: {what} is not mounted (according to mtab)\n", 2)
        return Said(f"umount: {what}: {'not mounted' if exists else 'not found'}\n", 1)

    def only_root_unmounts(self, device: str, at: str, what: str, times: int, reason: str) -> Said:
        if times > 1:
            return Said(f"umount: it seems {what} is mounted multiple times\n", 2)
        texts = {
            "absent": f"umount: {what} is not in the fstab (and you are not root)\n",
            "disagrees": f"umount: {what} mount disagrees with the fstab\n",
        }
        return Said(texts.get(reason, f"umount: only root can unmount {device} from {at}\n"), 2)

    def busy_target(self, at: str) -> Said:
        return Said(
            f"umount: {at}: device is busy.\n        (In some cases useful info about processes that use\n"
            "         the device is found by lsof(8) or fuser(1))\n",
            1,
        )


def words(version: str) -> Words:
    """The generation that goes with a DRBD version."""
    return Words217() if version == "8.3" else Words238()
