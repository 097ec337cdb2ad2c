"""The allowed form of every name and path that reaches a shell, drbd.conf, fstab or ssh.

Lists of what is allowed, never of what is dangerous: a space, quote, bracket, semicolon, percent sign, backslash or
control character has no place in any of these. Each check returns the value as it will be used, or raises an error with
a suggestion.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator

from harness.yamlmodel import wrong

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = rf"{_LABEL}(\.{_LABEL})*"
_SYSTEM = {
    *("/", "/home", "/opt", "/root", "/tmp", "/var", "/var/lib", "/var/log", "/var/run", "/var/tmp"),
    *("/var/lib/eucalyptus", "/var/lib/walrus-ha"),
}
_SYSTEM_WITH_ALL_BELOW = {"bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "usr"}
_MINORS = 2**20  # Linux gives a minor number 20 bits


def _matching(pattern: str, what: str, hint: str, longest: int = 64) -> Callable[[str], str]:
    """A check for text that a pattern describes as a whole."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if len(value) > longest or not compiled.fullmatch(value):
            raise wrong(f"{value!r} is no {what}", hint)
        return value

    return check


def _absolute(value: str, characters: str, longest: int = 255) -> str:
    """An absolute, normalised path of allowed characters."""
    if not value.startswith("/"):
        raise wrong(f"{value!r} is not an absolute path", f"begin with /, such as /{value.lstrip('./')}")
    if odd := sorted(set(value) - set(characters)):
        raise wrong(f"{value!r} holds {odd[0]!r}, which is not allowed in this path", "use letters, digits and . _ -")
    plain = "/" + posixpath.normpath(value).lstrip("/")
    if plain != value:
        raise wrong(f"{value!r} is not in its shortest form", f"write {plain}")
    if len(value) > longest:
        raise wrong(f"this path has {len(value)} characters, {longest} are allowed")
    if any(part.startswith("-") for part in value.split("/")):
        raise wrong(f"{value!r} holds a name that begins with -", "programs would take it for an option")
    return value


_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-"


def directory(value: str) -> str:
    """A directory that the tool may fill, rename and remove: never one that the system itself lives in."""
    _absolute(value, _PLAIN)
    if value in _SYSTEM or value.split("/")[1] in _SYSTEM_WITH_ALL_BELOW:
        raise wrong(f"{value} belongs to the system", "name a directory of its own, such as /newlocation")
    return value


def _file(value: str, characters: str) -> str:
    if value == "/":
        raise wrong("/ is no file", "name the file itself")
    return _absolute(value, characters)


def file_path(value: str) -> str:
    """A file on a host."""
    return _file(value, _PLAIN)


def local_file(value: str) -> str:
    """A file on this machine; ``~/`` is allowed. ssh reads % and blanks in file names in its own way."""
    _file(value[1:] if value.startswith("~/") else value, _PLAIN + "@+:,=")
    return value


def block_device(value: str) -> str:
    """A disk or partition below /dev, and no DRBD device."""
    _absolute(value, _PLAIN + ":+@=")
    if not value.startswith("/dev/") or value == "/dev/":
        raise wrong(f"{value!r} is no device", "name it below /dev, such as /dev/sdb or /dev/disk/by-id/...")
    if value.startswith("/dev/drbd"):
        raise wrong(f"{value} is a DRBD device", "name the disk or partition under it, such as /dev/sdb")
    return value


def drbd_device(value: str) -> str:
    """The replicated device: /dev/drbdN. Walrus searches /proc/mounts for exactly this name."""
    match = re.fullmatch(r"/dev/drbd(0|[1-9][0-9]{0,6})", value)
    if not match or int(match[1]) >= _MINORS:
        raise wrong(f"{value!r} is no DRBD device", "write /dev/drbd and its minor number, such as /dev/drbd1")
    return value


def resource(value: str) -> str:
    """A DRBD resource name. ``all`` means every resource to drbdadm."""
    if value == "all":
        raise wrong("'all' means every resource to drbdadm", "choose a name such as r0")
    return _matching(r"[A-Za-z][A-Za-z0-9_.-]*", "resource name", "a letter, then letters, digits and _ . -")(value)


def host_name(value: str) -> str:
    """A host name after RFC 1123 that cannot be taken for an address."""
    _matching(_HOST_NAME, "host name", "letters, digits and -, in parts joined by dots", longest=253)(value)
    if value.rsplit(".", 1)[-1].isdigit():
        raise wrong(f"{value!r} looks like an address, not like a host name", "write what uname -n prints")
    return value


def address(value: str) -> str:
    """An IP address in its usual form; no scope, which could hold any text."""
    try:
        parsed = ipaddress.ip_address(value)
    except ValueError:
        raise wrong(f"{value!r} is no IP address", "write an address such as 10.0.0.5") from None
    if "%" in value or parsed.is_unspecified or parsed.is_multicast:
        raise wrong(f"{value!r} is not the address of one host", "write an address such as 10.0.0.5")
    return str(parsed)


def host_or_address(value: str) -> str:
    """What ssh may connect to."""
    try:
        return address(value)
    except ValueError:
        return host_name(value)


Directory = Annotated[str, AfterValidator(directory)]
FilePath = Annotated[str, AfterValidator(file_path)]
LocalFile = Annotated[str, AfterValidator(local_file)]
BlockDevice = Annotated[str, AfterValidator(block_device)]
DrbdDevice = Annotated[str, AfterValidator(drbd_device)]
ResourceName = Annotated[str, AfterValidator(resource)]
HostName = Annotated[str, AfterValidator(host_name)]
Address = Annotated[str, AfterValidator(address)]
HostOrAddress = Annotated[str, AfterValidator(host_or_address)]
ServiceName = Annotated[
    str, AfterValidator(_matching(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "service name", "such as eucalyptus-cloud"))
]
ComponentName = Annotated[
    str, AfterValidator(_matching(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "name for the cloud", "such as walrus-additional"))
]
UserName = Annotated[
    str, AfterValidator(_matching(r"[A-Za-z_][A-Za-z0-9_.-]*", "user name", "such as root", longest=32))
]
