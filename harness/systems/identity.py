"""What tells one machine, and one disk, from another that answers to the same name."""

from __future__ import annotations

from harness.errors import CommandFailed
from harness.hosts.command import Command
from harness.hosts.host import Reader
from harness.systems import files

NOT_TOLD = "not told"
_HOST_KEYS = tuple(f"/etc/ssh/ssh_host_{kind}_key.pub" for kind in ("rsa", "dsa", "ecdsa", "ed25519"))
_MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_HARDWARE = "/sys/class/dmi/id/product_uuid"
_BY_ID = "/dev/disk/by-id"


def text_of(host: Reader, path: str) -> str:
    """A small file's content without the blanks around it; ``not told`` where there is none or it is not for us."""
    try:
        return (files.read(host, path) or "").strip() or NOT_TOLD
    except CommandFailed:
        return NOT_TOLD


def machine_id(host: Reader) -> str:
    """The id that the installed system was given, the same after each boot."""
    return next((found for path in _MACHINE_IDS if (found := text_of(host, path)) != NOT_TOLD), NOT_TOLD)


def hardware_id(host: Reader) -> str:
    """The board's own id, the same whatever is installed on it."""
    return text_of(host, _HARDWARE)


def host_keys(host: Reader) -> dict[str, str]:
    """The public keys that sshd shows, by kind."""
    found = {path: text_of(host, path) for path in _HOST_KEYS}
    return {path.split("_")[2]: " ".join(key.split()[:2]) for path, key in found.items() if key != NOT_TOLD}


def kernel(host: Reader) -> str:
    return host.read(Command(("uname", "-r"))).text.strip()


def disk_names(host: Reader, device: str) -> str:
    """The names that a disk has by its serial number or world-wide name, in /dev/disk/by-id."""
    resolved = host.read(Command(("readlink", "-f", "--", device))).text.strip().rsplit("/", 1)[-1]
    result = host.ask(Command(("find", _BY_ID, "-mindepth", "1", "-maxdepth", "1", "-printf", r"%l\0%P\0")))
    fields = result.text.split("\0")
    names = [name for target, name in zip(fields[::2], fields[1::2], strict=False) if target.endswith(f"/{resolved}")]
    return " ".join(sorted(names)) or NOT_TOLD


def disk_numbers(host: Reader, device: str) -> str:
    """Major and minor of the device, hexadecimal; of a link those of what it points to."""
    resolved = host.read(Command(("readlink", "-f", "--", device))).text.strip()
    return host.read(Command(("stat", "-c", "%t:%T", "--", resolved))).text.strip()


def caches_can_be_dropped(host: Reader) -> bool:
    """Whether root may tell this kernel to forget what it has read."""
    return host.ask(Command(("test", "-w", "/proc/sys/vm/drop_caches"))).ok
