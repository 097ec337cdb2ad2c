"""The three hosts as every lab furnishes them: names, disk, users and files before the move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import LabUnavailable
from harness.inventory import Settings
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, Start

NAMES = {ORIGINAL: "walrus00", ADDITIONAL: "walrus01", CLC: "clc00"}
BACKING_DEVICE = "/dev/sdb"
SERVICE = "eucalyptus-cloud"
DRBD_SERVICE = "drbd"  # its init script, which Debian and the packages of 2012 bring along; it starts nothing at first
EUCALYPTUS_ID = 498  # uid and gid
KEYS = "/var/lib/eucalyptus/keys"
CLOUD_KEY = f"{KEYS}/euca.p12"
CLOUD_SECRET = b"the-cloud-s-key-which-nobody-may-print"  # found anywhere else, it has leaked
SUDO_PASSWORD = b"the-operators-password-which-nobody-may-print"  # likewise
FIRST_WALRUS = "walrus-original"  # as the cloud knows the Walrus that is there before the move
NAMELESS = "nameless"  # among what may lie on a device: data of a kind that no probe knows
SIGNATURE_UUID = "0b5e55ed-0000-4000-8000-00000000b10c"
STORE_UUID = "5702e000-0000-4000-8000-00000000b01d"  # of the file system that holds the store, where it has its own

NOT_BESIDE = {"sysvinit": {"systemctl"}, "systemd": {"chkconfig", "service"}}
"""Programs that a host does not have, by what starts its services."""

_CONFIGURATION = """# /etc/eucalyptus/eucalyptus.conf
EUCALYPTUS="/"
EUCA_USER="eucalyptus"
CLOUD_OPTS="--log-level=INFO -Xmx512m"
HYPERVISOR="kvm"
"""
FILES = {
    "/etc/os-release": 'NAME="CentOS"\nVERSION="6.3 (Final)"\nID="centos"\n',
    "/etc/redhat-release": "CentOS release 6.3 (Final)\n",
    "/etc/eucalyptus/eucalyptus-version": "3.2.2\n",
    "/etc/eucalyptus/eucalyptus.conf": _CONFIGURATION,
    "/etc/fstab": "/dev/sda1 / ext4 defaults 1 1\ntmpfs /dev/shm tmpfs defaults 0 0\n",
    "/etc/drbd.conf": 'include "drbd.d/global_common.conf";\ninclude "drbd.d/*.res";\n',
    "/etc/drbd.d/global_common.conf": "global { usage-count no; }\ncommon { }\n",
}
WATCHED = ("/etc/fstab", "/etc/drbd.conf", "/etc/eucalyptus/eucalyptus.conf")  # and the inventory's drbd_conf


def texts_of(role: str, differs: Mapping[str, Any]) -> dict[str, str]:
    """FILES, as the hazards of a start make them on a host."""
    texts = dict(FILES)
    if role in differs.get("os_release", {}):
        texts["/etc/redhat-release"] = differs["os_release"][role] + "\n"
    if role in differs.get("eucalyptus_version", {}):
        texts["/etc/eucalyptus/eucalyptus-version"] = differs["eucalyptus_version"][role] + "\n"
    if differs.get("file", {}).get("host") == role:
        texts[differs["file"]["path"]] = differs["file"]["line"] + "\n"
    if differs.get("fstab_line", {}).get("host") == role:
        texts["/etc/fstab"] += differs["fstab_line"]["line"] + "\n"
    return texts


def role_in_cloud(role: str, start: Start) -> str:
    """What a host is to the cloud: where the original runs the controller too, the host beside it is any client's."""
    return "client" if role == CLC and start.clc == "original" else role


def last_with_cloud(roles: tuple[str, str], start: Start) -> tuple[str, str]:
    """In which order Walruses stop: one that cannot ask the cloud which device is its own leaves it mounted."""
    return (ADDITIONAL, ORIGINAL) if start.clc == "original" else roles


def require_one_drbd_device(start: Start) -> None:
    """The start plants no second DRBD device, which only the simulation has.

    Raises:
        LabUnavailable: it does.
    """
    if "other_drbd_mount" in start.differs:
        raise LabUnavailable("a second DRBD device can be had in the simulated lab only")


def place_path(settings: Settings, place: str) -> str:
    """Where a place of the evidence lies on a host; the device's content lies at the store once it is mounted."""
    paths = {
        "store": settings.store,
        "old-store": f"{settings.store}.before-ha",
        "returning-store": f"{settings.store}.after-ha",
        "staging": f"{settings.staging}/{settings.store.rsplit('/', 1)[-1]}",
        "second-staging": f"{settings.second_staging}/{settings.store.rsplit('/', 1)[-1]}",
        "device": settings.store,
    }
    return paths[place]
